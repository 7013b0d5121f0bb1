"""Lines of batches in the database: leased to replicas, answered once, read for the output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from app.store.batches import PENDING
from app.store.database import Database
from app.store.leases import run_out
from app.store.schema import batch_lines

Key = tuple[str, int]
"""A line: its batch's id and its number."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is leased, and where it stands in the input file."""

    batch_id: str
    line: int
    custom_id: str
    offset: int
    length: int
    attempt: int

    @property
    def key(self) -> Key:
        """Which line it is."""
        return self.batch_id, self.line


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a line, as it will stand in the output or the error file."""

    batch_id: str
    line: int
    state: str
    result: bytes
    usage: dict[str, int] | None = None


class LineStore:
    """Each method is one transaction. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """New lines, to be answered."""
        fixed = {"state": PENDING, "attempt": 0}
        async with self._database.writing() as connection:
            await connection.execute(insert(batch_lines), [{**row, **fixed} for row in rows])

    async def clear(self, batch_id: str) -> None:
        """Delete all lines of a batch."""
        async with self._database.writing() as connection:
            await connection.execute(delete(batch_lines).where(batch_lines.c.batch_id == batch_id))

    async def claim(self, batch_id: str, replica: str, until: float, limit: int) -> list[Line]:
        """Take the next lines that nobody has; no two replicas get the same one."""
        leased = batch_lines.c.leased_until
        free = or_(leased.is_(None), run_out(leased, self._database.now()))
        chosen = (
            select(batch_lines.c.line)
            .where(batch_lines.c.batch_id == batch_id, batch_lines.c.state == PENDING, free)
            .order_by(batch_lines.c.line)
            .limit(limit)
            .with_for_update(skip_locked=True)  # on PostgreSQL; SQLite has one writer
            .cte("chosen")  # as a subquery PostgreSQL would run it for every row, limit and all
        )
        taking = (
            update(batch_lines)
            .where(batch_lines.c.batch_id == batch_id, batch_lines.c.line == chosen.c.line)
            .values(leased_by=replica, leased_until=until, attempt=batch_lines.c.attempt + 1)
            .returning(*(batch_lines.c[name] for name in Line.__slots__))
        )
        async with self._database.writing() as connection:
            found = [Line(**row._mapping) for row in await connection.execute(taking)]
        return sorted(found, key=lambda line: line.line)

    async def renew(self, held: Collection[Key], replica: str, until: float) -> None:
        """Keep hold of lines."""
        async with self._database.writing() as connection:
            for batch_id, numbers in _by_batch(held).items():
                await connection.execute(
                    _held(batch_id, numbers, replica).values(leased_until=until)
                )

    async def release(self, held: Collection[Key], replica: str) -> None:
        """Give lines back that were not answered through no fault of theirs."""
        async with self._database.writing() as connection:
            for batch_id, numbers in _by_batch(held).items():
                await connection.execute(
                    _held(batch_id, numbers, replica).values(
                        leased_by=None, leased_until=None, attempt=batch_lines.c.attempt - 1
                    )
                )

    async def answer(self, answers: Sequence[Answered], replica: str) -> None:
        """Keep answers to lines that are still this replica's; others have or get their own."""
        rows = [
            {
                "in_batch": answer.batch_id,
                "number": answer.line,
                "new_state": answer.state,
                "new_result": answer.result,
                "new_usage": answer.usage,
                "replica": replica,
            }
            for answer in answers
        ]
        async with self._database.writing() as connection:
            await connection.execute(_ANSWER, rows)

    async def results(
        self, batch_id: str, states: Sequence[str], after: int, limit: int
    ) -> list[Row[Any]]:
        """Lines in these states that come after line `after`, in order."""
        chosen = (
            select(batch_lines)
            .where(
                batch_lines.c.batch_id == batch_id,
                batch_lines.c.state.in_(states),
                batch_lines.c.line > after,
            )
            .order_by(batch_lines.c.line)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return list(await connection.execute(chosen))


_ANSWER: Final = (
    update(batch_lines)
    .where(
        batch_lines.c.batch_id == bindparam("in_batch"),
        batch_lines.c.line == bindparam("number"),
        batch_lines.c.leased_by == bindparam("replica"),
        batch_lines.c.state == PENDING,
    )
    .values(
        state=bindparam("new_state"),
        result=bindparam("new_result"),
        usage=bindparam("new_usage"),
        leased_by=None,
        leased_until=None,
    )
)


def _held(batch_id: str, numbers: Sequence[int], replica: str) -> Any:
    return update(batch_lines).where(
        batch_lines.c.batch_id == batch_id,
        batch_lines.c.line.in_(numbers),
        batch_lines.c.leased_by == replica,
        batch_lines.c.state == PENDING,
    )


def _by_batch(held: Collection[Key]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for batch_id, number in held:
        found[batch_id].append(number)
    return found
