"""The channel and the delta throttle: order, joining, silence."""

from __future__ import annotations

import asyncio

from app.solving.deltas import INTERVAL_S, DeltaThrottle
from app.web.channel import Channel
from app.web.sse import HEARTBEAT
from statespace.reader import Grown


async def test_frames_that_wait_are_joined_into_one_piece() -> None:
    channel = Channel()
    channel.send(b"a")
    channel.send(b"b")
    channel.close()
    assert [piece async for piece in channel.read(10)] == [b"ab"]


async def test_a_silence_sends_a_heartbeat_and_loses_nothing() -> None:
    channel = Channel()
    reader = channel.read(0.01)
    assert await anext(reader) == HEARTBEAT
    channel.send(b"a")
    assert await anext(reader) == b"a"


async def test_deltas_are_joined_within_an_interval_and_nothing_is_lost() -> None:
    sent: list[Grown] = []
    throttle = DeltaThrottle(sent.append)
    for index, letter in enumerate("abcdef"):
        throttle.add(Grown(1, index, letter))
    assert sent == [Grown(1, 0, "a")]
    await asyncio.sleep(INTERVAL_S * 2)
    assert sent == [Grown(1, 0, "a"), Grown(1, 1, "bcdef")]


async def test_flush_sends_what_is_held_once() -> None:
    sent: list[Grown] = []
    throttle = DeltaThrottle(sent.append)
    throttle.add(Grown(1, 0, "a"))
    throttle.add(Grown(1, 1, "b"))
    throttle.flush()
    throttle.flush()
    await asyncio.sleep(INTERVAL_S * 2)
    assert sent == [Grown(1, 0, "a"), Grown(1, 1, "b")]
