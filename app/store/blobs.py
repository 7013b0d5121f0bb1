"""The contents of files, each under its id, in a folder or behind any fsspec URL.

Everything goes through threads and in pieces: a file may be larger than the memory.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog
from fsspec.core import url_to_fs

from app.errors import StoreError, StoreFullError

logger = structlog.get_logger(__name__)

PIECE: Final = 1 << 18
"""Bytes that are read at a time."""

FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a disk says that takes nothing more."""

Result = TypeVar("Result")


class Blobs:
    """A folder of contents. A content that no row of the database names does not exist."""

    def __init__(self, url: str) -> None:
        """Raises `StoreError` for an address that cannot be used here."""
        try:
            self._fs, self._root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StoreError(
                f"files_url: {error}; name a folder, or install what the address needs"
            ) from error

    async def write(self, name: str, pieces: AsyncIterable[bytes]) -> int:
        """Write a new content; returns its bytes. What is not written to its end is removed.

        Raises `StoreError`.
        """
        file = await self._in_thread(self._create, name)
        size = 0
        try:
            async for piece in pieces:
                size += len(piece)
                await self._in_thread(file.write, piece)
            await self._in_thread(_finish, file)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._discard, file, name))
            raise
        return size

    async def read(self, name: str) -> AsyncGenerator[bytes, None]:
        """The content, piece by piece. Raises `FileNotFoundError`, `StoreError`."""
        file = await self._in_thread(self._fs.open, self._path(name), "rb")
        try:
            while piece := await self._in_thread(file.read, PIECE):
                yield piece
        finally:
            file.close()

    async def parts(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Parts of it, each given by offset and length. Raises as `read` does."""

        def read() -> list[bytes]:
            with self._fs.open(self._path(name), "rb") as file:
                found = []
                for offset, length in spans:
                    file.seek(offset)
                    found.append(file.read(length))
                return found

        return await self._in_thread(read)

    async def delete(self, name: str) -> None:
        """Delete it, if it exists. Raises `StoreError`."""
        with suppress(FileNotFoundError):
            await self._in_thread(self._fs.rm_file, self._path(name))

    async def older_than(self, seconds: float) -> list[str]:
        """Names of contents that were written so long ago. Raises `StoreError`."""

        def find() -> list[str]:
            oldest = time.time() - seconds
            return [
                path.rpartition("/")[2]
                for path in self._fs.find(self._root)
                if self._fs.modified(path).timestamp() < oldest
            ]

        try:
            return await self._in_thread(find)
        except NotImplementedError:  # not every kind of storage tells times
            return []

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _create(self, name: str) -> Any:
        self._fs.makedirs(self._root, exist_ok=True)
        return self._fs.open(self._path(name), "wb")

    def _discard(self, file: Any, name: str) -> None:
        # Best effort: what is left has no row, and is swept.
        with suppress(Exception):
            file.close()
        with suppress(Exception):
            self._fs.rm_file(self._path(name))

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        try:
            return await asyncio.to_thread(work, *arguments)
        except FileNotFoundError:
            raise
        except OSError as error:
            logger.warning("files", error=str(error))
            if error.errno in FULL:
                raise StoreFullError from error
            raise StoreError("the files cannot be reached; try again soon") from error


def _finish(file: Any) -> None:
    """Close it; a local one is on the disk then."""
    file.flush()
    with suppress(AttributeError, OSError):  # remote ones have no descriptor
        os.fsync(file.fileno())
    file.close()
