"""Writes what became of a batch's lines into its files, in the order of the lines."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.batches.answers import COMPLETED, FAILED, unanswered
from app.store.batches import CANCELLING, UNANSWERED, Batch, BatchStore
from app.store.files import FileStore, StoredFile, new_id
from app.store.lines import LineStore

PAGE: Final = 64
"""Lines that are in the memory at a time."""
PIECE: Final = 1 << 18
"""Bytes that are gathered before they are written."""
PURPOSE: Final = "batch_output"

_REASONS: Final = {
    "cancelled": ("batch_cancelled", "the batch was cancelled before this line was answered"),
    "expired": ("batch_expired", "the batch's time was up before this line was answered"),
}


@dataclass(slots=True)
class _Tally:
    """What has been written of lines in some states."""

    lines: int = 0
    usage: dict[str, int] = field(default_factory=dict)

    def add(self, usage: dict[str, int] | None) -> None:
        self.lines += 1
        for name, count in (usage or {}).items():
            self.usage[name] = self.usage.get(name, 0) + count


class Results:
    """Ends batches. Raises `StoreError`; nothing has happened then, and it can be tried again."""

    def __init__(
        self, batches: BatchStore, lines: LineStore, files: FileStore, lasts_s: float
    ) -> None:
        self._batches = batches
        self._lines = lines
        self._files = files
        self._lasts_s = lasts_s

    async def finalize(self, batch: Batch, replica: str) -> bool:
        """Write the files of a batch that `replica` holds, and end it; False if it is lost."""
        if batch.status == CANCELLING:
            await self._batches.leave_unanswered(batch.id)
        left = bool(await self._lines.results(batch.id, [UNANSWERED], 0, 1))
        end = "cancelled" if batch.status == CANCELLING else "expired" if left else "completed"
        made: list[StoredFile] = []
        # A batch that was cancelled while it was checked has accepted no lines.
        accepted = batch.total > 0
        good, bad = _Tally(), _Tally()
        try:
            if accepted:
                output = await self._write(batch, "output", [COMPLETED], end, good, made)
                errors = await self._write(batch, "errors", [FAILED, UNANSWERED], end, bad, made)
            else:
                output = errors = None
            values = batch.now(
                end,
                output_file_id=output,
                error_file_id=errors,
                completed=good.lines,
                failed=bad.lines,
                usage=good.usage or None,
            )
            ended = await self._batches.complete(batch, replica, made, values)
        except BaseException:
            await self._discard(made)
            raise
        if not ended:
            await self._discard(made)
        return ended

    async def _write(  # noqa: PLR0913, PLR0917
        self,
        batch: Batch,
        kind: str,
        states: Sequence[str],
        end: str,
        tally: _Tally,
        made: list[StoredFile],
    ) -> str | None:
        """A file of the lines in `states`; None if there are none."""
        if not await self._lines.results(batch.id, states, 0, 1):
            return None
        name = new_id()
        size = await self._files.blobs.write(name, self._pieces(batch.id, states, end, tally))
        now = time.time()
        lasts_s = batch.output_expires_s or self._lasts_s
        filename = f"{batch.id}_{kind}.jsonl"
        made.append(StoredFile(name, batch.owner, filename, PURPOSE, size, now, now + lasts_s))
        return name

    async def _pieces(
        self, batch_id: str, states: Sequence[str], end: str, tally: _Tally
    ) -> AsyncGenerator[bytes, None]:
        after = 0
        gathered: list[bytes] = []
        size = 0
        while rows := await self._lines.results(batch_id, states, after, PAGE):
            for row in rows:
                tally.add(row.usage)
                result = row.result
                if row.state == UNANSWERED:
                    result = unanswered(row.custom_id, *_REASONS[end])
                gathered.append(result)
                size += len(result)
                if size >= PIECE:
                    yield b"".join(gathered)
                    gathered, size = [], 0
            after = rows[-1].line
        yield b"".join(gathered)

    async def _discard(self, made: Sequence[StoredFile]) -> None:
        for file in made:
            await self._files.blobs.delete(file.id)
