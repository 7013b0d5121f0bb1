"""Answers in a JSONL file that only grows, so that a run that was killed can be gone on with."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

MAX_LINE: Final = 64_000_000
"""Bytes of a line; a longer one was not written here."""
BEGINNING: Final = b'{"id":"batch_req_'
"""How every line begins that is written here."""


class LedgerError(Exception):
    """A file holds something else, is in use or cannot be written; the message has the remedy."""


class Ledger:
    """A file of answers, each with its `custom_id`. A context manager; nobody else may write it.

    The file is made with the first answer. A last line without an end, if it begins as ours do, is
    what was being written when a run was killed: it is cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answered: set[str] = set()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Raises `LedgerError`."""
        if self.path.exists():
            self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, lines: Iterable[bytes]) -> None:
        """Add whole lines; they are on the disk when this returns. Raises `LedgerError`."""
        if self._file is None:
            self._open()
        assert self._file is not None
        try:
            self._file.write(b"".join(lines))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise LedgerError(f"{self.path}: cannot be written: {error.strerror}") from error

    def _open(self) -> None:
        try:
            # Not by "a": what is cut off is not appended to.
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            file = os.fdopen(descriptor, "r+b")
        except OSError as error:
            raise LedgerError(f"{self.path}: {error.strerror}; name another file") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(self._whole(file))
            file.seek(0, os.SEEK_END)
        except BaseException as error:
            file.close()
            if isinstance(error, BlockingIOError):
                told = f"{self.path}: another run writes to it; wait for its end"
                raise LedgerError(told) from error
            raise
        self._file = file

    def _whole(self, file: BinaryIO) -> int:
        """Reads the answers; the offset at which the last whole line ends."""
        end = 0
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            if not line.endswith(b"\n"):
                if len(line) < MAX_LINE and _is_torn(line):
                    break
                raise LedgerError(f"{self.path}: line {number} is no answer; name another file")
            try:
                self.answered.add(_custom_id(line))
            except (ValueError, KeyError, TypeError) as error:
                raise LedgerError(
                    f"{self.path}: line {number} is no answer; name another file"
                ) from error
            end += len(line)
        return end


def _is_torn(line: bytes) -> bool:
    """Whether a line without an end is one that was being written here."""
    return line[: len(BEGINNING)] == BEGINNING[: len(line)]


def _custom_id(line: bytes) -> str:
    found = json.loads(line)["custom_id"]
    if not isinstance(found, str):
        raise TypeError
    return found
