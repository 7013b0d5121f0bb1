"""Group commit: what all solutions of this process have to write goes into few transactions.

While one is being committed the next gathers. If the store cannot be reached, it is tried again
until it can: nothing is dropped, and no reader sees what is not kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from app.errors import StoreError
from app.keeping.journal import Journal
from app.store.database import Database, cause
from app.store.schema import events, solutions
from app.store.solutions import Kept
from statespace.solutions import Solution

logger = structlog.get_logger(__name__)

GATHER_S: Final = 0.02
"""Least time between two commits: the most that they add to an event's way to its reader, beside
their own duration."""
_RETRY_S: Final = 0.5
SETTLE_S: Final = 5.0


@dataclass(slots=True)
class _Work:
    """What one solution has to write."""

    journal: Journal | None = None
    insert: Kept | None = None
    frames: list[tuple[int, bytes]] = field(default_factory=list)
    ended: Solution | None = None


class Commits:
    """Writes events behind the runs."""

    def __init__(self, database: Database, replica: str) -> None:
        self._database = database
        self._replica = replica
        self.lost: Callable[[str], None] = lambda _: None
        """Told ids of solutions that another replica has taken over."""
        self.took: Callable[[float], None] = lambda _: None
        """Told how many seconds a commit took."""
        self.refused: Callable[[], None] = lambda: None
        """Called when the store has refused what was to be written."""
        self._pending: dict[str, _Work] = defaultdict(_Work)
        self._waiting = 0
        self._since: float | None = None
        """When the oldest of what is pending came."""
        self._writing_since: float | None = None
        """When the oldest of what is being written came."""
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Events that are not committed yet."""
        return self._waiting

    @property
    def lag_s(self) -> float:
        """How long the oldest of what is not committed has waited."""
        since = self._writing_since or self._since
        return 0.0 if since is None else time.monotonic() - since

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what is left, if the store can be reached within 5 s."""
        if self._task is None:
            return
        if not await self.settle():
            logger.error("commits_lost", events=self.waiting)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def settle(self) -> bool:
        """Whether everything was written within 5 s."""
        try:
            await asyncio.wait_for(self._idle.wait(), SETTLE_S)
        except TimeoutError:
            return False
        return True

    def insert(self, kept: Kept) -> None:
        """A solution that is to be kept."""
        self._work(kept.id).insert = kept

    def append(self, journal: Journal, sequence: int, frame: bytes, ended: Solution | None) -> None:
        """A numbered event; with the last one comes the solution as it ended."""
        work = self._work(journal.id)
        work.journal = journal
        work.frames.append((sequence, frame))
        self._waiting += 1
        work.ended = ended

    def _work(self, solution_id: str) -> _Work:
        self._idle.clear()
        self._wake.set()
        self._since = self._since or time.monotonic()
        return self._pending[solution_id]

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending, self._pending = self._pending, defaultdict(_Work)
            self._writing_since, self._since = self._since, None
            await self._commit(pending)
            self._writing_since = None
            if not self._pending:
                self._idle.set()
            await asyncio.sleep(GATHER_S)

    async def _commit(self, pending: dict[str, _Work]) -> None:
        while True:
            began = time.monotonic()
            try:
                kept = await self._write(pending)
            except StoreError:
                await asyncio.sleep(_RETRY_S)
            except SQLAlchemyError as error:
                if len(pending) > 1:  # one solution's fault must not be the others'
                    for solution_id, work in pending.items():
                        await self._commit({solution_id: work})
                    return
                logger.error("commit_refused", solution_id=next(iter(pending)), error=cause(error))
                self.refused()
                kept = set()
                break
            else:
                self.took(time.monotonic() - began)
                break
        for solution_id, work in pending.items():
            self._tell(solution_id, work, kept=solution_id in kept)

    def _tell(self, solution_id: str, work: _Work, *, kept: bool) -> None:
        self._waiting -= len(work.frames)
        if work.journal is not None and kept:
            work.journal.committed(len(work.frames))
        if not kept:
            self.lost(solution_id)
        if work.journal is not None and (work.ended is not None or not kept):
            work.journal.end()

    async def _write(self, pending: dict[str, _Work]) -> set[str]:
        """One transaction; returns the ids of the solutions that are still this replica's."""
        new = [work.insert.values() for work in pending.values() if work.insert is not None]
        async with self._database.writing() as connection:
            if new:
                await connection.execute(_unless_there(solutions, self._database), new)
            held = select(solutions.c.id).where(
                solutions.c.id.in_(list(pending)), solutions.c.leased_by == self._replica
            )
            if not self._database.is_sqlite:
                held = held.order_by(solutions.c.id).with_for_update()
            kept = {row.id for row in await connection.execute(held)}
            if rows := _frames(pending, kept):
                await connection.execute(_unless_there(events, self._database), rows)
            if ended := _ended(pending, kept):
                await connection.execute(_END, ended)
            if begun := [
                {"key": key}
                for key in kept
                if pending[key].ended is None and any(n == 1 for n, _ in pending[key].frames)
            ]:
                await connection.execute(_BEGIN, begun)
        return kept


def _unless_there(table: Table, database: Database) -> Any:
    """An insert that skips rows which are there: of a commit whose confirmation was lost."""
    kind = sqlite.insert if database.is_sqlite else postgresql.insert
    return kind(table).on_conflict_do_nothing()


_BEGIN: Final = (
    update(solutions)
    .where(solutions.c.id == bindparam("key"), solutions.c.status == "queued")
    .values(status="in_progress")
)
_END: Final = (
    update(solutions)
    .where(solutions.c.id == bindparam("key"))
    .values(
        status=bindparam("new_status"),
        body=bindparam("new_body"),
        last_sequence=bindparam("new_sequence"),
        completed_at=bindparam("new_completed_at"),
        leased_by=None,
        leased_until=None,
    )
)


def _frames(pending: dict[str, _Work], kept: set[str]) -> list[dict[str, Any]]:
    return [
        {"solution_id": key, "sequence": sequence, "frame": frame}
        for key in kept
        for sequence, frame in pending[key].frames
    ]


def _ended(pending: dict[str, _Work], kept: set[str]) -> Sequence[dict[str, Any]]:
    return [
        {
            "key": key,
            "new_status": work.ended.status.value,
            "new_body": work.ended.model_dump_json(),
            "new_sequence": work.frames[-1][0],
            "new_completed_at": work.ended.completed_at,
        }
        for key in kept
        if (work := pending[key]).ended is not None
    ]
