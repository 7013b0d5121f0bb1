"""Solutions and their events in the database: what is inserted, found, listed, leased and swept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.solving.sinks import ENDS
from app.store.database import Database
from app.store.leases import run_out
from app.store.pages import Page, page_of
from app.store.schema import events, solutions

RUNNING: Final = ("queued", "in_progress")
_AT_A_TIME: Final = 500
"""Ids in one statement."""


class ConflictError(Exception):
    """A solution with the same owner and idempotency key exists."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A solution as the database holds it; times in Unix seconds."""

    id: str
    owner: str
    kind: str
    status: str
    model: str
    strategy: str
    background: bool
    retry: bool
    request: str
    body: str
    created_at: float
    extra: dict[str, Any] | None = None
    attempt: int = 1
    last_sequence: int = -1
    completed_at: float | None = None
    expires_at: float | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    leased_by: str | None = None
    leased_until: float | None = None
    cancel_requested: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDS

    def values(self) -> dict[str, Any]:
        """As column values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Query:
    """A page of an owner's solutions, newest first unless `ascending`."""

    owner: str
    kind: str = "solution"
    limit: int = 20
    after: str | None = None
    ascending: bool = False
    filters: dict[str, str] = field(default_factory=dict)
    """Columns that must have these values: `status`, `model`, `strategy`."""


class SolutionStore:
    """Reads and writes of solutions; each method is one transaction. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, kept: Kept) -> None:
        """Raises `ConflictError` if the owner has used its idempotency key."""
        try:
            async with self._database.writing() as connection:
                await connection.execute(insert(solutions), kept.values())
        except IntegrityError as error:
            raise ConflictError from error

    async def get(self, solution_id: str, owner: str | None = None) -> Kept | None:
        """The solution, if it exists and belongs to `owner`; None asks for anyone's."""
        wanted = [solutions.c.id == solution_id]
        if owner is not None:
            wanted.append(solutions.c.owner == owner)
        return await self._one(and_(*wanted))

    async def by_key(self, owner: str, idempotency_key: str) -> Kept | None:
        """The solution that a request with this idempotency key made."""
        return await self._one(
            and_(
                solutions.c.owner == owner,
                solutions.c.idempotency_key == idempotency_key,
            )
        )

    async def page(self, query: Query) -> tuple[list[Kept], bool]:
        """The solutions of a page, and whether there are more; none after an unknown `after`."""
        filters = [solutions.c.kind == query.kind]
        filters += [solutions.c[column] == value for column, value in query.filters.items()]
        page = Page(query.owner, query.limit, query.after, query.ascending)
        async with self._database.reading() as connection:
            rows, more = await page_of(connection, solutions, page, *filters)
        return [_kept(row) for row in rows or ()], more

    async def frames(self, solution_id: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Numbered frames that come after number `after`, in order."""
        chosen = (
            select(events.c.sequence, events.c.frame)
            .where(events.c.solution_id == solution_id, events.c.sequence > after)
            .order_by(events.c.sequence)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [(row.sequence, row.frame) for row in await connection.execute(chosen)]

    async def request_cancel(self, solution_id: str) -> None:
        """Ask whoever makes it to stop."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(solutions)
                .where(solutions.c.id == solution_id, solutions.c.status.in_(RUNNING))
                .values(cancel_requested=True)
            )

    async def delete(self, solution_id: str) -> None:
        """Delete it and its events."""
        async with self._database.writing() as connection:
            await connection.execute(delete(solutions).where(solutions.c.id == solution_id))

    async def renew(self, ids: Sequence[str], replica: str, until: float) -> None:
        """Keep hold of what this replica makes."""
        for start in range(0, len(ids), _AT_A_TIME):
            some = sorted(ids)[start : start + _AT_A_TIME]
            async with self._database.writing() as connection:
                await connection.execute(
                    update(solutions)
                    .where(solutions.c.id.in_(some), solutions.c.leased_by == replica)
                    .where(solutions.c.status.in_(RUNNING))
                    .values(leased_until=until)
                )

    async def release(self, ids: Sequence[str], replica: str, *, died: bool) -> None:
        """Let go of what this replica makes. It was no attempt unless something has `died`."""
        for start in range(0, len(ids), _AT_A_TIME):
            some = sorted(ids)[start : start + _AT_A_TIME]
            async with self._database.writing() as connection:
                await connection.execute(
                    update(solutions)
                    .where(solutions.c.id.in_(some), solutions.c.leased_by == replica)
                    .where(solutions.c.status.in_(RUNNING))
                    .values(
                        leased_by=None,
                        leased_until=0.0,
                        attempt=solutions.c.attempt - (0 if died else 1),
                    )
                )

    async def cancelled(self, replica: str) -> list[str]:
        """Ids of what this replica makes and was asked to stop."""
        chosen = select(solutions.c.id).where(
            solutions.c.leased_until > 0,  # what is over has none: the index holds what runs
            solutions.c.leased_by == replica,
            solutions.c.cancel_requested,
            solutions.c.status.in_(RUNNING),
        )
        async with self._database.reading() as connection:
            return [row.id for row in await connection.execute(chosen)]

    async def set_clock(self) -> None:
        """Ask the database for the time, which is that of leases."""
        await self._database.set_clock()

    async def expired(self, now: float, *, far: bool = True) -> list[str]:
        """Ids of what replicas that have died were making; `far` as in `run_out`."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(solutions.c.id).where(_expired(now, far=far)))
            return [row.id for row in found]

    async def claim(self, solution_id: str, replica: str, now: float, until: float) -> Kept | None:
        """Take over a solution whose lease has run out; None if another replica was first."""
        async with self._database.writing() as connection:
            taken = await connection.execute(
                update(solutions)
                .where(solutions.c.id == solution_id, _expired(now))
                .values(leased_by=replica, leased_until=until, attempt=solutions.c.attempt + 1)
            )
            if not taken.rowcount:
                return None
            row = await connection.execute(select(solutions).where(solutions.c.id == solution_id))
            return _kept(row.one())

    async def last_sequence(self, solution_id: str) -> int:
        """The number of its newest event; -1 if it has none."""
        chosen = select(func.max(events.c.sequence)).where(events.c.solution_id == solution_id)
        async with self._database.reading() as connection:
            newest = (await connection.execute(chosen)).scalar()
        return -1 if newest is None else newest

    async def sweep(self, now: float, limit: int = 500) -> int:
        """Delete what has outlived its retention, up to `limit`; returns how many."""
        chosen = (
            select(solutions.c.id)
            .where(solutions.c.expires_at < now, solutions.c.status.in_(tuple(ENDS)))
            .limit(limit)
        )
        async with self._database.writing() as connection:
            swept = await connection.execute(
                delete(solutions).where(solutions.c.id.in_(chosen.scalar_subquery()))
            )
        return int(swept.rowcount)

    async def _one(self, wanted: Any) -> Kept | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(solutions).where(wanted))).first()
        return None if row is None else _kept(row)


def _expired(now: float, *, far: bool = True) -> Any:
    over = run_out(solutions.c.leased_until, now, far=far)
    return and_(over, solutions.c.status.in_(RUNNING))


def _kept(row: Row[Any]) -> Kept:
    return Kept(**row._mapping)
