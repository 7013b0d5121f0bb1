"""Batches in the database: each step of a batch's life is one conditional update.

So of several replicas exactly one takes each step, and what one has left another goes on with.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Row, and_, delete, exists, func, insert, or_, select, update

from app.errors import NotFoundError
from app.store.database import Database
from app.store.files import UNFINISHED, StoredFile
from app.store.leases import run_out
from app.store.pages import Page, could_be_id, page_of
from app.store.schema import batch_lines, batches, files

VALIDATING: Final = "validating"
IN_PROGRESS: Final = "in_progress"
FINALIZING: Final = "finalizing"
CANCELLING: Final = "cancelling"
KEPT_WORK: Final = (VALIDATING, FINALIZING, CANCELLING)
"""Statuses in which one replica works on the batch as a whole."""
MOST_OPEN: Final = 1_000
"""Batches that are looked at; more wait until some are over."""

PENDING: Final = "pending"
UNANSWERED: Final = "unanswered"

_UNFINISHED: Final = (  # asked all the time: to put it together costs as much as to ask it
    select(batches)
    .where(batches.c.status.in_(UNFINISHED))
    .order_by(batches.c.created_at, batches.c.id)
    .limit(MOST_OPEN)
)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch's row; times in Unix seconds."""

    id: str
    owner: str
    model: str
    endpoint: str
    input_file_id: str
    completion_window: str
    created_at: float
    expires_at: float
    status: str = VALIDATING
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[dict[str, Any]] | None = None
    metadata: dict[str, str] | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    usage: dict[str, int] | None = None
    times: dict[str, float] = field(default_factory=dict)
    output_expires_s: int | None = None
    traceparent: str | None = None
    leased_by: str | None = None
    leased_until: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in UNFINISHED

    def values(self) -> dict[str, Any]:
        """As column values."""
        return {name: getattr(self, name) for name in self.__slots__}

    def now(self, status: str, **values: Any) -> dict[str, Any]:
        """The column values of the step to `status`, with its time."""
        times = {**self.times, f"{status}_at": time.time()}
        return {"status": status, "times": times, "leased_by": None, "leased_until": None, **values}


class BatchStore:
    """Reads and steps of whole batches; each method is one transaction. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, batch: Batch) -> None:
        """A new batch."""
        async with self._database.writing() as connection:
            await connection.execute(insert(batches), batch.values())

    async def get(self, batch_id: str, owner: str) -> Batch:
        """Raises `NotFoundError` for another owner's as for none."""
        if not could_be_id(batch_id):
            raise batch_not_found(batch_id)
        chosen = select(batches).where(batches.c.id == batch_id, batches.c.owner == owner)
        async with self._database.reading() as connection:
            row = (await connection.execute(chosen)).first()
        if row is None:
            raise batch_not_found(batch_id)
        return (await self._counted([_batch(row)]))[0]

    async def page(self, page: Page) -> tuple[list[Batch], bool]:
        """A page of an owner's batches, newest first, and whether there are more."""
        async with self._database.reading() as connection:
            rows, more = await page_of(connection, batches, page)
        if rows is None:
            raise batch_not_found(page.after or "")
        return await self._counted([_batch(row) for row in rows]), more

    async def unfinished(self) -> list[Batch]:
        """Everyone's batches that are not over, oldest first."""
        async with self._database.reading() as connection:
            return [_batch(row) for row in await connection.execute(_UNFINISHED)]

    async def unfinished_of(self, owner: str) -> int:
        """How many of an owner's batches are not over."""
        chosen = select(func.count()).where(
            batches.c.status.in_(UNFINISHED), batches.c.owner == owner
        )
        async with self._database.reading() as connection:
            return int((await connection.execute(chosen)).scalar_one())

    async def backlog(self, model: str) -> tuple[int, float | None]:
        """Lines of a model's batches that nobody has answered, and when the oldest batch was made.

        None if all batches are over.
        """
        going = (batches.c.model == model, batches.c.status.in_(UNFINISHED))
        lines = (
            select(func.count())
            .select_from(batch_lines.join(batches, batches.c.id == batch_lines.c.batch_id))
            .where(*going, batches.c.status == IN_PROGRESS, batch_lines.c.state == PENDING)
        )
        oldest = select(func.min(batches.c.created_at)).where(*going)
        async with self._database.reading() as connection:
            found = (await connection.execute(oldest)).scalar()
            return (await connection.execute(lines)).scalar_one() if found else 0, found

    async def has_pending(self, batch_id: str) -> bool:
        """Whether it has lines that are not answered."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(_pending(batch_id)))
            return bool(found.scalar())

    async def claim(self, batch: Batch, replica: str, until: float) -> bool:
        """Take hold of the work on a batch, unless another replica has it."""
        leased = batches.c.leased_until
        free = or_(leased.is_(None), run_out(leased, self._database.now()))
        async with self._database.writing() as connection:
            taken = await connection.execute(
                update(batches)
                .where(batches.c.id == batch.id, batches.c.status == batch.status, free)
                .values(leased_by=replica, leased_until=until)
            )
        return bool(taken.rowcount)

    async def renew(self, batch_ids: Collection[str], replica: str, until: float) -> None:
        """Keep hold of them."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(batches)
                .where(batches.c.id.in_(batch_ids), batches.c.leased_by == replica)
                .values(leased_until=until)
            )

    async def release(self, batch_ids: Collection[str], replica: str) -> None:
        """Let go of them, so that another replica need not wait."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(batches)
                .where(batches.c.id.in_(batch_ids), batches.c.leased_by == replica)
                .values(leased_by=None, leased_until=None)
            )

    async def begin(self, batch: Batch, replica: str, total: int) -> bool:
        """Its lines are checked and kept: validating → in_progress."""
        return await self._step(batch, batch.now(IN_PROGRESS, total=total), replica)

    async def fail(self, batch: Batch, replica: str, errors: Sequence[Mapping[str, Any]]) -> bool:
        """Its input is wrong: validating → failed."""
        return await self._step(batch, batch.now("failed", errors=list(errors)), replica)

    async def finish(self, batch: Batch) -> bool:
        """All its lines are answered: in_progress → finalizing."""
        return await self._step(batch, batch.now(FINALIZING), None, ~_pending(batch.id))

    async def cancel(self, batch: Batch) -> Batch | None:
        """Somebody wants it to end: → cancelling. None if it has moved on meanwhile."""
        values = batch.now(CANCELLING)
        return replace(batch, **values) if await self._step(batch, values, None) else None

    async def expire(self, batch: Batch) -> bool:
        """Its time is up: in_progress → finalizing, with what is not answered."""
        async with self._database.writing() as connection:
            taken = await connection.execute(_stepping(batch, None).values(batch.now(FINALIZING)))
            if taken.rowcount:
                await connection.execute(_leaving_unanswered(batch.id))
        return bool(taken.rowcount)

    async def leave_unanswered(self, batch_id: str) -> None:
        """From now on no line of it can be answered."""
        async with self._database.writing() as connection:
            await connection.execute(_leaving_unanswered(batch_id))

    async def complete(
        self, batch: Batch, replica: str, made: Sequence[StoredFile], values: Mapping[str, Any]
    ) -> bool:
        """Its files are written: they, the end and the end of its lines are one transaction."""
        async with self._database.writing() as connection:
            taken = await connection.execute(_stepping(batch, replica).values(dict(values)))
            if not taken.rowcount:
                return False
            if made:
                await connection.execute(insert(files), [file.values() for file in made])
            await connection.execute(delete(batch_lines).where(batch_lines.c.batch_id == batch.id))
        return True

    async def sweep(self, before: float) -> None:
        """Delete batches that were over and made `before`."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(batches).where(
                    batches.c.created_at < before, batches.c.status.not_in(UNFINISHED)
                )
            )

    async def _step(
        self, batch: Batch, values: dict[str, Any], replica: str | None, *more: Any
    ) -> bool:
        async with self._database.writing() as connection:
            stepping = _stepping(batch, replica).where(*more).values(values)
            return bool((await connection.execute(stepping)).rowcount)

    async def _counted(self, found: list[Batch]) -> list[Batch]:
        """With the lines counted that are answered so far."""
        ids = [batch.id for batch in found if not batch.over]
        if not ids:
            return found
        chosen = (
            select(batch_lines.c.batch_id, batch_lines.c.state, func.count().label("lines"))
            .where(batch_lines.c.batch_id.in_(ids))
            .group_by(batch_lines.c.batch_id, batch_lines.c.state)
        )
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        async with self._database.reading() as connection:
            for row in await connection.execute(chosen):
                counts[row.batch_id][row.state] = row.lines
        return [
            replace(
                batch,
                completed=counts[batch.id].get("completed", 0),
                failed=counts[batch.id].get("failed", 0),
            )
            if batch.id in counts
            else batch
            for batch in found
        ]


def batch_not_found(batch_id: str) -> NotFoundError:
    """The error for what does not exist, or not for this owner."""
    return NotFoundError(f"there is no batch {batch_id[:100]!r} here", code="not_found")


def _stepping(batch: Batch, replica: str | None) -> Any:
    """The update that only one replica can make; `replica` if it must hold the batch."""
    wanted = [batches.c.id == batch.id, batches.c.status == batch.status]
    if replica is not None:
        wanted.append(batches.c.leased_by == replica)
    return update(batches).where(*wanted)


def _leaving_unanswered(batch_id: str) -> Any:
    return (
        update(batch_lines)
        .where(batch_lines.c.batch_id == batch_id, batch_lines.c.state == PENDING)
        .values(state=UNANSWERED, leased_by=None, leased_until=None)
    )


def _pending(batch_id: str) -> Any:
    return exists().where(and_(batch_lines.c.batch_id == batch_id, batch_lines.c.state == PENDING))


def _batch(row: Row[Any]) -> Batch:
    return Batch(**row._mapping)
