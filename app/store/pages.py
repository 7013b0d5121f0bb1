"""Pages of an owner's things, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Page:
    """A page of what belongs to `owner`: at most `limit` rows after the row `after`."""

    owner: str
    limit: int = 20
    after: str | None = None
    ascending: bool = False


async def page_of(
    connection: AsyncConnection, table: Table, page: Page, *filters: Any
) -> tuple[Sequence[Row[Any]] | None, bool]:
    """The rows of a page, and whether there are more; None if the owner has no `after`."""
    order = (table.c.created_at, table.c.id)
    chosen = select(table).where(table.c.owner == page.owner, *filters)
    if page.after is not None:
        if not could_be_id(page.after):
            return None, False
        known = select(*order).where(table.c.id == page.after, table.c.owner == page.owner)
        if (cursor := (await connection.execute(known)).first()) is None:
            return None, False
        chosen = chosen.where(beyond(order, tuple(cursor), ascending=page.ascending))
    sorted_by = order if page.ascending else tuple(column.desc() for column in order)
    rows = (await connection.execute(chosen.order_by(*sorted_by).limit(page.limit + 1))).all()
    return rows[: page.limit], len(rows) > page.limit


def could_be_id(text: str) -> bool:
    """Whether the database may be asked for it: PostgreSQL refuses texts with NUL."""
    return text.isascii() and text.isprintable()


def beyond(columns: Sequence[Any], values: Sequence[Any], *, ascending: bool) -> Any:
    """Whether a row comes after `values` in the order of two columns."""
    first, second = columns
    if ascending:
        return or_(first > values[0], and_(first == values[0], second > values[1]))
    return or_(first < values[0], and_(first == values[0], second < values[1]))
