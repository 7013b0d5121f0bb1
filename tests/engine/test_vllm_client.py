"""The Python client against the real engine, over a line that is cut."""

from __future__ import annotations

import asyncio

import pytest

from statespace.solutions import Status
from statewise import AsyncClient, Client
from tests.support.cutting import bad_line
from tests.support.server_process import ServerProcess
from tests.support.streams import check_order

pytestmark = pytest.mark.engine

QUESTION = "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?"


def test_a_cut_line_costs_nothing(server: ServerProcess) -> None:
    with bad_line(server.url, range(900, 9_000, 1_100)) as line:
        with Client(line.url) as client, client.stream(QUESTION, deltas=True) as stream:
            events = [event.model_dump(mode="json") for event in stream]
        several = asyncio.run(_voted(line.url))
    assert line.cuts > 3
    check_order(events, deltas_whole=False)
    assert events[-1]["solution"]["answer"] == "8"
    assert several == Status.COMPLETED


async def _voted(url: str) -> Status:
    async with AsyncClient(url) as client:
        return (await client.solve(QUESTION, strategy="vote-4", seed=1)).status
