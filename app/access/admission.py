"""Who may begin: a bounded queue in front of the places for running solutions.

A request is counted and takes its place before anything is done for it, so that a burst is refused
before it costs anything.
"""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Final

from app.access.keys import NOBODY, Key
from app.access.limits import Usage
from app.errors import UnavailableError
from app.metrics import Metrics
from app.settings import Settings

FIRST_GUESS_S: Final = 2.0
"""How long a solution is taken to last before one has ended."""
NEWEST: Final = 0.1
"""Weight of the newest solution in the moving average of how long they last."""
DRAINING_RETRY_S: Final = 10.0
"""After this another server, or this one again, may take requests."""


class Priority(IntEnum):
    """Who goes first; lower before higher."""

    INTERACTIVE = 0
    BACKGROUND = 1
    BATCH = 2


@dataclass(order=True, slots=True)
class _Waiter:
    priority: int
    number: int
    turn: asyncio.Future[None] = field(compare=False)


class Place:
    """A place for one running solution, until `release`."""

    def __init__(self, on_release: Callable[[int | None], None]) -> None:
        self._on_release: Callable[[int | None], None] | None = on_release

    def release(self, used: int | None) -> None:
        """Give the place back; `used` are the tokens it cost, None if nothing was begun.

        The second and later calls do nothing.
        """
        if self._on_release is not None:
            self._on_release(used)
            self._on_release = None


class Entry:
    """A request that is counted: it has a place already, or stands in the queue for one."""

    def __init__(
        self, admission: Admission, waiter: _Waiter | None, usage: Usage | None, counted: int
    ) -> None:
        self._admission = admission
        self._waiter = waiter
        self._usage = usage
        self._counted = counted
        self._open = True

    async def place(self, wait_s: float | None = None, *, patient: bool = False) -> Place:
        """The place, when it is its turn; as `Admission.acquire` says."""
        admission = self._admission
        try:
            if self._waiter is not None:
                await admission._turn(self._waiter, wait_s, patient=patient)
        except BaseException:
            self.leave()
            raise
        self._open = False
        release = partial(admission._release, self._usage, self._counted, admission._clock())
        return Place(release)

    def leave(self) -> None:
        """Give up, as if nothing had been asked; does nothing once there is a place."""
        if self._open:
            self._open = False
            self._admission._give_back(self._usage, self._counted)
            self._admission._leave(self._waiter)


class Admission:
    """Places, the queue in front of them, and what each key has used."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = settings.max_in_flight
        self._max_queued = settings.max_queued
        self._queue_timeout_s = settings.queue_timeout_s
        self._metrics = metrics
        metrics.places.set(self._slots)
        metrics.queue_limit.set(self._max_queued)
        self._clock = clock
        self._usages: dict[str, Usage] = {}
        self._queue: list[_Waiter] = []
        self._arrived = 0
        self._draining = False
        self._running = 0
        self._run_s: float | None = None
        self._change = asyncio.Event()

    @property
    def running(self) -> int:
        """Places that are taken."""
        return self._running

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return len(self._queue)

    @property
    def interactive_waits(self) -> bool:
        """Whether a request that somebody waits for has no place."""
        return bool(self._queue) and self._queue[0].priority == Priority.INTERACTIVE

    @property
    def idle_slots(self) -> int:
        """Places that nobody has or waits for."""
        return max(self._slots - self._running - len(self._queue), 0)

    async def changed(self) -> None:
        """Returns when a place is next taken, given back or waited for."""
        await self._change.wait()

    async def acquire(
        self,
        key: Key,
        tokens: int,
        priority: Priority = Priority.INTERACTIVE,
        wait_s: float | None = None,
        patient: bool = False,
    ) -> Place:
        """A place for a request that may cost `tokens`; waits for it, first come, first served.

        It waits no longer than `wait_s`, nor, unless it is `patient` because no connection is held
        for it, than the setting says. Raises `RateLimitError` if a limit of `key` is reached;
        `UnavailableError` with the code `full` if the queue is, `queue_timeout` after the wait, or
        `draining`. A cancelled wait leaves nothing behind.
        """
        return await self.enter(key, tokens, priority).place(wait_s, patient=patient)

    def enter(
        self,
        key: Key,
        tokens: int,
        priority: Priority = Priority.INTERACTIVE,
        *,
        bounded: bool = True,
    ) -> Entry:
        """Count a request and give it a place, or one in the queue; never waits.

        What was taken in before and is gone on with is not `bounded` by the queue's limit.

        Raises `RateLimitError` and, with the codes `full` and `draining`, `UnavailableError`.
        """
        if self._draining:
            raise self._draining_refusal()
        usage = None if key is NOBODY else self._usage(key)
        counted = 0 if usage is None else usage.take(key, tokens, self._lasting())
        waiter = None
        if self._running < self._slots:
            self._running += 1
        else:
            try:
                if bounded:
                    self._check_queue(priority)
            except UnavailableError:
                self._give_back(usage, counted)
                raise
            self._arrived += 1
            turn = asyncio.get_running_loop().create_future()
            waiter = _Waiter(priority, self._arrived, turn)
            insort(self._queue, waiter)
        self._tell()
        return Entry(self, waiter, usage, counted)

    def drain(self) -> None:
        """Take nothing more in, and send away who waits."""
        self._draining = True
        for waiter in self._queue:
            waiter.turn.set_exception(self._draining_refusal())
        self._queue.clear()
        self._tell()

    def limit_headers(self, key: Key) -> dict[str, str]:
        """The rate-limit headers of a response to `key`."""
        return self._usage(key).headers(key)

    def _check_queue(self, priority: Priority) -> None:
        if (ahead := self._ahead(priority)) >= self._max_queued:
            told = f"{self._running} solutions are being made and {ahead} requests wait"
            raise self._full("full", f"{told}, which is the limit; try again later", ahead)

    async def _turn(self, waiter: _Waiter, wait_s: float | None, *, patient: bool) -> None:
        """Wait for a turn. Raises `UnavailableError`; a wait that is cancelled goes on."""
        limits = [s for s in (wait_s, None if patient else self._queue_timeout_s) if s is not None]
        longest_s = min(limits, default=None)
        began = self._clock()
        await asyncio.wait({waiter.turn}, timeout=longest_s)
        priority = Priority(waiter.priority)
        self._metrics.queue_seconds.labels(priority.name.lower()).observe(self._clock() - began)
        if not waiter.turn.done():
            told = f"no place was free within {longest_s:g} s; try again later"
            raise self._full("queue_timeout", told, self._ahead(priority) - 1)
        waiter.turn.result()

    def _ahead(self, priority: Priority) -> int:
        """Those who wait and would go before a newcomer: batches fill no one else's queue."""
        return sum(waiter.priority <= priority for waiter in self._queue)

    def _leave(self, waiter: _Waiter | None) -> None:
        """What was counted and not begun goes away: it gives its place back, or its turn."""
        if waiter in self._queue:
            self._queue.remove(waiter)
            self._tell()
        elif waiter is None or waiter.turn.exception() is None:
            self._free()

    def _give_back(self, usage: Usage | None, counted: int, used: int | None = None) -> None:
        if usage is not None:
            usage.give_back(counted, used)

    def _release(self, usage: Usage | None, counted: int, began: float, used: int | None) -> None:
        self._give_back(usage, counted, used)
        if used is not None:
            lasted = self._clock() - began
            self._run_s = lasted if self._run_s is None else self._run_s
            self._run_s += NEWEST * (lasted - self._run_s)
        self._free()

    def _free(self) -> None:
        """A place is given back: it goes to the first who waits."""
        if self._queue:
            self._queue.pop(0).turn.set_result(None)
        else:
            self._running -= 1
        self._tell()

    def _usage(self, key: Key) -> Usage:
        return self._usages.setdefault(key.name, Usage(self._clock))

    def _lasting(self) -> float:
        """Seconds that a solution lasts."""
        return FIRST_GUESS_S if self._run_s is None else self._run_s

    def _full(self, code: str, message: str, ahead: int) -> UnavailableError:
        """All places are taken: try again when those who wait now have had their turn."""
        seconds = (ahead + 1) * self._lasting() / self._slots
        return UnavailableError(message, retry_after=seconds, code=code)

    def _draining_refusal(self) -> UnavailableError:
        told = "the server is shutting down"
        return UnavailableError(told, retry_after=DRAINING_RETRY_S, code="draining")

    def _tell(self) -> None:
        self._metrics.in_flight.set(self._running)
        self._metrics.queued.set(len(self._queue))
        self._change.set()
        self._change = asyncio.Event()
