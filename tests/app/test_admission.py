"""Places, the queue in front of them, and the limits of keys. Clocks are set by the tests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from app.access.admission import Admission, Place, Priority
from app.access.keys import NOBODY, Key
from app.errors import RateLimitError, UnavailableError
from app.metrics import Metrics
from app.settings import Settings
from tests.app.test_keys import Clock


class Door:
    """An admission with a clock, and a log of who was let in."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.metrics = Metrics(CollectorRegistry())
        self.admission = Admission(
            Settings(engine="scripted", **settings), self.metrics, self.clock
        )
        self.entered: list[str] = []

    def ask(self, name: str, **options: Any) -> asyncio.Task[Place]:
        async def enter() -> Place:
            place = await self.admission.acquire(NOBODY, 1, **options)
            self.entered.append(name)
            return place

        return asyncio.create_task(enter())

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"statewise_{name}", labels)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def limited(**limits: int) -> Key:
    return Key(name="ann", sha256="a" * 64, **limits)


async def test_who_waits_is_let_in_one_for_each_place_in_order() -> None:
    door = Door(max_in_flight=2)
    tasks = [door.ask(name) for name in "abcd"]
    await settle()
    assert door.entered == ["a", "b"]
    assert (door.admission.running, door.admission.queued) == (2, 2)
    tasks[1].result().release(0)
    await settle()
    assert door.entered == ["a", "b", "c"]
    for task in (tasks[0], tasks[2]):
        task.result().release(0)
    await settle()
    assert door.entered == ["a", "b", "c", "d"]
    assert (door.admission.running, door.admission.queued) == (1, 0)
    tasks[3].result().release(0)
    assert door.sample("solutions_in_flight") == 0


async def test_a_place_is_given_back_once() -> None:
    """A second release would let one more in than there are places."""
    door = Door(max_in_flight=1)
    place = await door.ask("a")
    place.release(0)
    place.release(0)
    place = await door.ask("b")
    waiting = door.ask("c")
    await settle()
    assert not waiting.done()
    waiting.cancel()


async def test_interactive_requests_go_before_batches() -> None:
    door = Door(max_in_flight=1)
    first = await door.ask("first")
    tasks = {
        name: door.ask(name, priority=Priority.BATCH if name.isupper() else Priority.INTERACTIVE)
        for name in "AbCd"
    }
    await settle()
    assert door.admission.interactive_waits
    first.release(0)
    for name in "bdAC":
        await settle()
        assert door.entered[-1] == name
        assert door.admission.interactive_waits == (name == "b")
        tasks[name].result().release(0)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    door = Door(max_in_flight=2, max_queued=3)
    place = await door.ask("a")
    door.clock.now += 8
    place.release(0)  # one solution lasted 8 s
    tasks = [door.ask(name) for name in "bcdef"]
    await settle()
    with pytest.raises(UnavailableError, match="3 requests wait") as refused:
        await door.ask("g")
    assert refused.value.code == "full"
    assert refused.value.retry_after == (3 + 1) * 8 / 2
    for task in tasks:
        task.cancel()


async def test_batches_do_not_fill_the_queue_of_others() -> None:
    door = Door(max_in_flight=1, max_queued=1)
    place = await door.ask("a")
    tasks = [door.ask("B", priority=Priority.BATCH)]
    await settle()
    with pytest.raises(UnavailableError):
        await door.ask("C", priority=Priority.BATCH)
    tasks.append(door.ask("d"))
    await settle()
    place.release(0)
    await settle()
    assert door.entered == ["a", "d"]
    for task in tasks:
        task.cancel()


async def test_no_queue_is_a_setting() -> None:
    door = Door(max_in_flight=1, max_queued=0)
    place = await door.ask("a")
    with pytest.raises(UnavailableError):
        await door.ask("b")
    place.release(0)
    await door.ask("c")


@pytest.mark.parametrize("options", [{}, {"wait_s": 1000.0}, {"wait_s": 0.01, "patient": True}])
async def test_a_wait_ends_with_its_time(options: dict[str, Any]) -> None:
    door = Door(max_in_flight=1, queue_timeout_s=0.01)
    place = await door.ask("a")
    with pytest.raises(UnavailableError, match=r"within 0\.01 s") as refused:
        await door.ask("b", **options)
    assert refused.value.code == "queue_timeout"
    assert door.admission.queued == 0
    assert door.sample("queue_seconds_count", priority="interactive") == 1
    place.release(0)
    await door.ask("c")


async def test_who_is_patient_waits_longer_than_the_setting_says() -> None:
    """A background request holds no connection, so it need not be refused."""
    door = Door(max_in_flight=1, queue_timeout_s=0.001)
    place = await door.ask("a")
    patient = door.ask("b", patient=True)
    with pytest.raises(UnavailableError):
        await door.ask("c")
    place.release(0)
    await patient


async def test_a_client_that_goes_away_leaves_the_queue() -> None:
    door = Door(max_in_flight=1, max_queued=1)
    place = await door.ask("a")
    gone = door.ask("b")
    await settle()
    gone.cancel()
    await settle()
    assert door.admission.queued == 0
    waiting = door.ask("c")
    place.release(0)
    await waiting


async def test_a_turn_that_comes_as_the_client_goes_is_passed_on() -> None:
    """The place would be lost for ever."""
    door = Door(max_in_flight=1)
    place = await door.ask("a")
    gone, waiting = door.ask("b"), door.ask("c")
    await settle()
    place.release(0)
    gone.cancel()
    await settle()
    assert door.entered == ["a", "c"]
    waiting.result().release(0)
    assert door.admission.running == 0


async def test_draining_sends_away_who_waits() -> None:
    door = Door(max_in_flight=1)
    place = await door.ask("a")
    waiting = door.ask("b")
    await settle()
    door.admission.drain()
    for task in (waiting, door.ask("c")):
        with pytest.raises(UnavailableError, match="shutting down") as refused:
            await task
        assert refused.value.code == "draining"
    place.release(0)
    assert (door.admission.running, door.admission.queued) == (0, 0)


async def test_a_dispatcher_is_told_of_every_change() -> None:
    door = Door(max_in_flight=2)
    assert door.admission.idle_slots == 2
    seen = []

    async def watch() -> None:
        while True:
            await door.admission.changed()
            seen.append((door.admission.idle_slots, door.admission.queued))

    watching = asyncio.create_task(watch())
    await settle()
    tasks = []
    for name in "abc":
        tasks.append(door.ask(name))
        await settle()
    tasks[0].result().release(0)
    await settle()
    tasks[1].result().release(0)
    await settle()
    assert seen == [(1, 0), (0, 0), (0, 1), (0, 0), (1, 0)]
    watching.cancel()


async def test_requests_per_minute_refill_steadily() -> None:
    door = Door()
    key = limited(requests_per_minute=2)
    for _ in range(2):
        (await door.admission.acquire(key, 5)).release(5)
    with pytest.raises(RateLimitError, match="may make 2 requests per minute") as refused:
        await door.admission.acquire(key, 5)
    assert refused.value.code == "rate_limit_exceeded"
    assert refused.value.retry_after == 30
    door.clock.now += 29
    with pytest.raises(RateLimitError):
        await door.admission.acquire(key, 5)
    door.clock.now += 1
    await door.admission.acquire(key, 5)


async def test_tokens_are_counted_as_the_most_and_put_right_at_the_end() -> None:
    door = Door()
    key = limited(tokens_per_minute=100)
    place = await door.admission.acquire(key, 80)
    with pytest.raises(RateLimitError, match="may cost 60 tokens") as refused:
        await door.admission.acquire(key, 60)
    assert refused.value.retry_after == 24  # 40 more, at 100 a minute
    place.release(30)
    place = await door.admission.acquire(key, 60)
    place.release(90)  # more than was counted: 20 below zero
    with pytest.raises(RateLimitError) as refused:
        await door.admission.acquire(key, 1)
    assert refused.value.retry_after == pytest.approx(21 * 0.6)
    assert door.admission.limit_headers(key)["x-ratelimit-remaining-tokens"] == "0"


async def test_a_request_over_a_minutes_tokens_waits_for_all_of_them() -> None:
    """Refused for ever, a key with few tokens could not use the default `max_tokens`."""
    door = Door()
    key = limited(tokens_per_minute=100)
    (await door.admission.acquire(key, 5000)).release(10)
    with pytest.raises(RateLimitError) as refused:
        await door.admission.acquire(key, 5000)
    door.clock.now += refused.value.retry_after or 0
    await door.admission.acquire(key, 5000)


async def test_concurrent_requests_count_also_while_they_wait() -> None:
    """Otherwise one key could fill the queue."""
    door = Door(max_in_flight=1)
    key = limited(max_concurrent=2)
    place = await door.admission.acquire(key, 5)
    waiting = asyncio.create_task(door.admission.acquire(key, 5))
    await settle()
    with pytest.raises(RateLimitError, match="has 2 requests in hand") as refused:
        await door.admission.acquire(key, 5)
    assert refused.value.retry_after
    place.release(5)
    (await waiting).release(5)
    await door.admission.acquire(key, 5)


async def test_what_was_not_begun_costs_nothing() -> None:
    door = Door(max_in_flight=1, max_queued=0)
    key = limited(max_concurrent=1, requests_per_minute=1, tokens_per_minute=10)
    place = await door.ask("a")
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await door.admission.acquire(key, 10)
    place.release(0)
    (await door.admission.acquire(key, 10)).release(None)
    await door.admission.acquire(key, 10)


async def test_headers_say_what_is_left() -> None:
    door = Door()
    key = limited(requests_per_minute=4, tokens_per_minute=600)
    await door.admission.acquire(key, 60)
    assert door.admission.limit_headers(key) == {
        "x-ratelimit-limit-requests": "4",
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "15.000s",
        "x-ratelimit-limit-tokens": "600",
        "x-ratelimit-remaining-tokens": "540",
        "x-ratelimit-reset-tokens": "6.000s",
    }
    assert door.admission.limit_headers(limited()) == {}


async def test_an_old_request_does_not_fill_a_lowered_limit_again() -> None:
    """Its headers are asked for when its answer begins, with the limits that it came with."""
    door = Door()
    old, new = limited(requests_per_minute=100), limited(requests_per_minute=1)
    await door.admission.acquire(old, 1)
    await door.admission.acquire(new, 1)
    for _ in range(3):
        assert door.admission.limit_headers(old) == {}
        assert door.admission.limit_headers(new)["x-ratelimit-remaining-requests"] == "0"
        with pytest.raises(RateLimitError):
            await door.admission.acquire(new, 1)


async def test_changed_limits_hold_from_the_next_request_on() -> None:
    door = Door()
    await door.admission.acquire(limited(requests_per_minute=1), 1)
    with pytest.raises(RateLimitError):
        await door.admission.acquire(limited(requests_per_minute=1), 1)
    await door.admission.acquire(limited(requests_per_minute=2), 1)
    with pytest.raises(RateLimitError, match="may have 1"):
        await door.admission.acquire(limited(max_concurrent=1), 1)
