"""Files: their rows, and through `Blobs` their contents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Row, delete, insert, select

from app.errors import NotFoundError, StoreError
from app.store.blobs import Blobs
from app.store.database import Database
from app.store.pages import Page, could_be_id, page_of
from app.store.schema import batches, files

ORPHAN_S: Final = 86_400.0
"""Age at which a content without a row is what a process left that has died."""
UNFINISHED: Final = ("validating", "in_progress", "finalizing", "cancelling")
"""Statuses of batches that are not over."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's row; times in Unix seconds."""

    id: str
    owner: str
    filename: str
    purpose: str
    bytes: int
    created_at: float
    expires_at: float | None

    def values(self) -> dict[str, Any]:
        """As column values."""
        return {name: getattr(self, name) for name in self.__slots__}


class FileStore:
    """Writes, finds, reads and deletes files. Raises `StoreError`."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self.blobs = blobs

    async def create(
        self,
        pieces: AsyncIterable[bytes],
        *,
        owner: str,
        filename: str,
        purpose: str,
        lasts_s: float,
    ) -> StoredFile:
        """Keep a file. It exists once all of it is written."""
        name = new_id()
        size = await self.blobs.write(name, pieces)
        now = time.time()
        stored = StoredFile(name, owner, filename, purpose, size, now, now + lasts_s)
        try:
            async with self._database.writing() as connection:
                await connection.execute(insert(files), stored.values())
        except BaseException:
            with suppress(StoreError):
                await asyncio.shield(self.blobs.delete(name))
            raise
        return stored

    async def get(self, file_id: str, owner: str) -> StoredFile:
        """Raises `NotFoundError` for another owner's as for none."""
        if not could_be_id(file_id):
            raise file_not_found(file_id)
        chosen = select(files).where(
            files.c.id == file_id, files.c.owner == owner, files.c.expires_at > time.time()
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(chosen)).first()
        if row is None:
            raise file_not_found(file_id)
        return _stored(row)

    async def page(self, page: Page, purpose: str | None) -> tuple[list[StoredFile], bool]:
        """A page of an owner's files, and whether there are more."""
        filters = [files.c.expires_at > time.time()]
        if purpose is not None:
            filters.append(files.c.purpose == purpose)
        async with self._database.reading() as connection:
            rows, more = await page_of(connection, files, page, *filters)
        if rows is None:
            raise file_not_found(page.after or "")
        return [_stored(row) for row in rows], more

    async def content(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """What it holds. Raises `NotFoundError` if that is gone."""
        try:
            async for piece in self.blobs.read(file_id):
                yield piece
        except FileNotFoundError as error:
            raise file_not_found(file_id) from error

    async def delete(self, file_id: str) -> None:
        """Delete it: the row first, so that no reader finds half a file."""
        async with self._database.writing() as connection:
            await connection.execute(delete(files).where(files.c.id == file_id))
        await self.blobs.delete(file_id)

    async def is_needed(self, file_id: str) -> bool:
        """Whether a batch that is not over reads from it."""
        chosen = select(batches.c.id).where(
            batches.c.status.in_(UNFINISHED), batches.c.input_file_id == file_id
        )
        async with self._database.reading() as connection:
            return (await connection.execute(chosen.limit(1))).first() is not None

    async def sweep(self) -> None:
        """Delete what has expired, unless a batch still needs it."""
        needed = select(batches.c.input_file_id).where(batches.c.status.in_(UNFINISHED))
        chosen = select(files.c.id).where(
            files.c.expires_at < time.time(), files.c.id.not_in(needed)
        )
        async with self._database.reading() as connection:
            expired = [row.id for row in await connection.execute(chosen.limit(500))]
        for file_id in expired:
            await self.delete(file_id)

    async def sweep_orphans(self) -> None:
        """Delete contents that no row names."""
        for name in await self.blobs.older_than(ORPHAN_S):
            async with self._database.reading() as connection:
                found = await connection.execute(select(files.c.id).where(files.c.id == name))
                known = found.first() is not None
            if not known and name.startswith("file-"):
                await self.blobs.delete(name)


def new_id() -> str:
    """An id for a file."""
    return f"file-{uuid4().hex}"


def file_not_found(file_id: str) -> NotFoundError:
    """The error for what does not exist, or not for this owner."""
    return NotFoundError(
        f"there is no file {file_id[:100]!r} here; it may have been deleted or have expired",
        code="not_found",
    )


def _stored(row: Row[Any]) -> StoredFile:
    return StoredFile(**row._mapping)
