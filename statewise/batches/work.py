"""Has the lines of a batch's input file answered, those that are not yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson

from app.batches.validation import Checker, Good, Problem
from statewise.batches.ledger import Ledger
from statewise.batches.server import Reply, ask
from statewise.client import AsyncClient

PIECE: Final = 1 << 20
LONGEST: Final = 2_000_000
"""Bytes of a line, as servers take them by default."""
MAX_LINES: Final = 1_000_000
"""Their ids are in the memory."""
OK: Final = 200

Progress = Callable[[int, int], None]
"""Told how many lines are answered, and how many there are."""


class InputError(Exception):
    """The input file cannot be asked; `problems` are what is wrong with its lines."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Input:
    """An input file that was checked, and its lines."""

    path: Path
    lines: Sequence[Good]

    @classmethod
    def read(cls, path: Path) -> Input:
        """Raises `InputError`."""
        checker = Checker(None, LONGEST, MAX_LINES)
        lines: list[Good] = []
        try:
            with path.open("rb") as file:
                while not checker.given_up and (piece := file.read(PIECE)):
                    lines += checker.feed(piece)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        if not checker.given_up:
            lines += checker.end()
        if checker.problems:
            count = len(checker.problems)
            told = f"{path}: {count} {'lines are' if count > 1 else 'line is'} wrong"
            raise InputError(told, checker.problems)
        return cls(path, lines)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many lines were answered and refused, in this and in earlier runs."""

    answered: int
    refused: int


@dataclass(frozen=True, slots=True)
class _Answer:
    ledger: Ledger
    custom_id: str
    line: bytes


class Work:
    """Asks `window` lines at a time; answers go to `good`, refusals to `bad`, as they come."""

    def __init__(self, source: Input, good: Ledger, bad: Ledger, progress: Progress) -> None:
        """Raises `InputError` if the ledgers belong to another input file."""
        self._source = source
        self._good = good
        self._bad = bad
        self._progress = progress
        known = {line.custom_id for line in source.lines}
        for ledger in (good, bad):
            if foreign := ledger.answered - known:
                raise InputError(
                    f"{ledger.path} has an answer to {min(foreign)!r}, which is not in "
                    f"{source.path}; name another output file"
                )
        done = good.answered | bad.answered
        self._left = [line for line in source.lines if line.custom_id not in done]
        self._replies: asyncio.Queue[_Answer | None] = asyncio.Queue()

    @property
    def left(self) -> int:
        """Lines that are to be asked."""
        return len(self._left)

    async def run(self, client: AsyncClient, window: int) -> Outcome:
        """Raises `ServerError` or `LedgerError`; what was answered until then is kept."""
        lines = iter(self._left)
        self._tell()
        writer = asyncio.create_task(self._write())
        askers = [
            asyncio.create_task(self._ask(client, lines))
            for _ in range(min(window, len(self._left)))
        ]
        asking = asyncio.gather(*askers)
        both: set[asyncio.Future[Any]] = {asking, writer}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for asker in askers:
                asker.cancel()
            await asyncio.gather(*askers, return_exceptions=True)
            self._replies.put_nowait(None)
            await writer  # whatever has ended the asking, what was answered is kept
        await asking
        return Outcome(len(self._good.answered), len(self._bad.answered))

    async def _ask(self, client: AsyncClient, lines: Iterator[Good]) -> None:
        with self._source.path.open("rb") as file:
            for line in lines:
                file.seek(line.offset)
                found = orjson.loads(file.read(line.length))
                path, body = found["url"], found["body"]
                if path == "/v1/solutions":
                    body.setdefault("store", False)  # the answer is kept here
                reply = await ask(client, path, body)
                ledger = self._good if reply.status == OK else self._bad
                written = _line(line.custom_id, reply)
                self._replies.put_nowait(_Answer(ledger, line.custom_id, written))

    async def _write(self) -> None:
        """Keep what has come since the last time: one sync of the disk for all of it."""
        ended = False
        while not ended:
            taken = [await self._replies.get()]
            taken += [self._replies.get_nowait() for _ in range(self._replies.qsize())]
            ended = None in taken
            await asyncio.to_thread(self._keep, [answer for answer in taken if answer])
            self._tell()

    def _keep(self, taken: Sequence[_Answer]) -> None:
        for ledger in (self._good, self._bad):
            if mine := [answer for answer in taken if answer.ledger is ledger]:
                ledger.append(answer.line for answer in mine)
                ledger.answered.update(answer.custom_id for answer in mine)

    def _tell(self) -> None:
        done = len(self._good.answered) + len(self._bad.answered)
        self._progress(done, len(self._source.lines))


def _line(custom_id: str, reply: Reply) -> bytes:
    found: dict[str, Any] = {
        "id": f"batch_req_{uuid4().hex}",
        "custom_id": custom_id,
        "response": {
            "status_code": reply.status,
            "request_id": reply.request_id,
            "body": reply.body,
        },
        "error": None,
    }
    return orjson.dumps(found) + b"\n"
