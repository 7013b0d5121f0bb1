"""What this process makes and keeps: leases on it, cancels from elsewhere, the work of the dead.

Several replicas may share one store. Each renews the leases on its own work; what was not renewed
in time belongs to a process that has died, and one of the others ends it or runs it again.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import uuid4

import structlog

from app.errors import StoreError
from app.store.solutions import Kept, SolutionStore

logger = structlog.get_logger(__name__)

CANCEL_POLL_S: Final = 1.0
"""How often is looked for cancels that other replicas were asked for."""
SWEEP_S: Final = 60.0
JUMP_S: Final = 1.0
"""A clock that goes ahead or back by more was set; what corrects it gradually is slower."""
Chore = tuple[Callable[[], Awaitable[None]], float]
"""What is to be done, and the seconds between."""


def _name() -> str:
    return f"{socket.gethostname()[:64]}-{os.getpid()}-{uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds what this process makes, and for how long without renewal."""

    seconds: float
    name: str = field(default_factory=_name)
    """A name that no other process has, now or later."""

    clock: Callable[[], float] = time.time
    """The time that all who share the store agree on."""

    def until(self) -> float:
        """Until when a lease taken now lasts, in Unix seconds."""
        return self.clock() + self.seconds


class Runs(Protocol):
    """What is made in this process."""

    @property
    def draining(self) -> bool:
        """Whether nothing is to be begun any more."""

    def ids(self) -> Sequence[str]:
        """Ids of all kept solutions that are made or written here."""

    def stop_one(self, solution_id: str) -> None:
        """End one, if it is made here."""

    async def adopt(self, kept: Kept) -> None:
        """Go on with what a dead process has left."""


class Replica:
    """The chores of a process that shares a store, each on a timer of its own."""

    def __init__(
        self,
        store: SolutionStore,
        lease: Lease,
        *,
        runs: Runs,
        chores: Sequence[Chore] = (),
    ) -> None:
        """`chores` are those of other parts that share the store."""
        self._store = store
        self._lease = lease
        self._runs = runs
        self._chores = chores
        self._tasks: list[asyncio.Task[None]] = []
        self._offset = self._clocks()
        self._sure_at = time.monotonic() + lease.seconds
        """When all who live have renewed their leases since the clock was set or the store away."""
        self._unsure = False

    def start(self) -> None:
        """Begin the chores."""
        third = self._lease.seconds / 3
        for chore, every in (
            (self._renew, third),
            (self._poll, min(CANCEL_POLL_S, third)),
            (self._take_over, third),
            (self._sweep, SWEEP_S),
            *self._chores,
        ):
            self._tasks.append(asyncio.create_task(_repeat(chore, every)))

    async def stop(self) -> None:
        """End the chores; the leases run out by themselves."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _renew(self) -> None:
        try:
            await self._store.set_clock()
            # What has no run here is let go of: somebody must end it.
            await self._store.renew(self._runs.ids(), self._lease.name, self._lease.until())
        except StoreError:
            self._wait_for_others()  # who may not have reached it either
            raise

    async def _poll(self) -> None:
        if not self._runs.ids():
            return  # nothing here could be cancelled elsewhere
        for solution_id in await self._store.cancelled(self._lease.name):
            self._runs.stop_one(solution_id)

    async def _take_over(self) -> None:
        if not self._is_sure():
            return  # the others' leases may look as if they had run out
        now = self._lease.clock()
        far = time.monotonic() >= self._sure_at
        for solution_id in await self._store.expired(now, far=far):
            # Our own lease may have run out too, while the store could not be reached.
            if self._runs.draining or solution_id in self._runs.ids():
                continue
            lease = self._lease
            kept = await self._store.claim(solution_id, lease.name, now, lease.until())
            if kept is not None:
                logger.warning("taken_over", solution_id=kept.id, attempt=kept.attempt)
                await self._adopt(kept)

    def _is_sure(self) -> bool:
        """Whether all who live have had the time to renew their leases."""
        offset = self._clocks()
        if abs(offset - self._offset) > JUMP_S:
            logger.warning("clock_set", seconds=round(offset - self._offset, 1))
            self._offset = offset
            self._wait_for_others()
        self._unsure = self._unsure and time.monotonic() < self._sure_at
        return not self._unsure

    def _wait_for_others(self) -> None:
        self._sure_at = time.monotonic() + self._lease.seconds
        self._unsure = True

    def _clocks(self) -> float:
        return self._lease.clock() - time.monotonic()

    async def _adopt(self, kept: Kept) -> None:
        """What fails here is let go of, and found again when this lease has run out."""
        try:
            await self._runs.adopt(kept)
        except Exception:
            logger.exception("adopt", solution_id=kept.id)

    async def _sweep(self) -> None:
        swept = 1
        while swept:
            swept = await self._store.sweep(time.time())


async def _repeat(chore: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        try:
            await chore()
        except StoreError:
            pass  # it was logged where it happened, and is tried again
        except Exception:
            logger.exception("chore", chore=chore.__name__)
        await asyncio.sleep(every_s)
