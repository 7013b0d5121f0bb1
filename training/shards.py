"""Shards: append-only JSON Lines of outcomes, one writer a file, for work that takes hours.

A line is written whole and synced before its work counts as done. After kill -9 the last line may
be torn: it is cut off when its shard is opened again, and its work is done again. Damage anywhere
else is an error, because nothing of ours makes it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from training.errors import DataError
from training.rows import RejectedRow, TraceRow

Outcome = TraceRow | RejectedRow
"""What became of one unit of work: a trace, or why there is none."""

_OUTCOME: Final[TypeAdapter[Outcome]] = TypeAdapter(RejectedRow | TraceRow)


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of the work a process does: part `index` of `count`, counted from 0."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """`3/8` is the fourth of eight parts. Raises DataError."""
        index, _, count = text.partition("/")
        if index.isdecimal() and count.isdecimal() and int(index) < int(count):
            return cls(int(index), int(count))
        raise DataError(f"--shard {text}: write i/n with 0 <= i < n, such as 0/4")

    def holds(self, key: str) -> bool:
        """Whether the unit of work with this key, a hexadecimal digest, falls to this part."""
        return int(key, 16) % self.count == self.index

    @property
    def name(self) -> str:
        """The file that this part writes."""
        return f"{self.index}-of-{self.count}.jsonl"


class Writer:
    """Appends outcomes to one shard. A context manager.

    Raises DataError if the shard is damaged, another process writes it, or the disk is full; what
    was written until then stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end = self._file.seek(_whole(path))
            self._file.truncate()
        except BlockingIOError as error:
            self._file.close()
            raise DataError(
                f"cannot write {path}: another process writes it; wait until it has ended, or give "
                "each process a --shard of its own"
            ) from error

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Writes rows; they are on the disk when it returns."""
        data = b"".join(row.model_dump_json().encode() + b"\n" for row in outcomes)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise DataError(
                f"cannot write {self._path}: {error.strerror}; what was written before is kept: "
                "free space, run again"
            ) from error
        self._end += len(data)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an outcome lies."""

    path: Path
    offset: int
    failed: bool


def places(folder: Path) -> dict[str, Place]:
    """Where the outcome of each key lies, over all shards of a folder.

    Of several with one key a trace comes before a failure, and the first before a later one.
    Raises DataError, which names shard and line.
    """
    found: dict[str, Place] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for offset, outcome in _outcomes(path):
            failed = isinstance(outcome, RejectedRow)
            known = found.get(outcome.key)
            if known is None or (known.failed and not failed):
                found[outcome.key] = Place(path, offset, failed)
    return found


def merged(found: Mapping[str, Place], *, failed: bool) -> Iterator[Outcome]:
    """The outcomes that are traces, or those that are failures, sorted by key."""
    for key in sorted(key for key, place in found.items() if place.failed is failed):
        place = found[key]
        with place.path.open("rb") as file:
            file.seek(place.offset)
            yield _OUTCOME.validate_json(file.readline())


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other process is in this block with this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _whole(path: Path) -> int:
    """The length of a shard's whole lines."""
    end = 0
    with path.open("rb") as lines:
        for line in lines:
            end += len(line) if line.endswith(b"\n") else 0
    return end


def _outcomes(path: Path) -> Iterator[tuple[int, Outcome]]:
    """Offsets and outcomes of a shard's whole lines."""
    offset = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield offset, _OUTCOME.validate_json(line)
            except ValidationError as error:
                raise DataError(
                    f"{path}, line {number}, is damaged ({error.errors()[0]['msg']}): a copy or "
                    "the disk cut it short; delete the line and run again, its work is redone"
                ) from error
            offset += len(line)
