"""The log of a kept solution that is being made here, for any number of readers.

A reader gets numbered events only once they are committed, so that nothing it has seen can be lost.
Deltas are not kept; a late reader gets an open transition's text so far as one delta.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final

from app.web import sse
from statespace.reader import Grown
from statespace.solutions import Solution

_PIECE: Final = 256
"""Items given to a reader at a time, so that a long replay does not hold up other streams."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    sequence: int
    frame: bytes


class Journal:
    """Frames of one solution in order. One writer, many readers; `commit` is told each event."""

    def __init__(
        self,
        solution_id: str,
        commit: Callable[[Journal, int, bytes, Solution | None], None],
        ended: Callable[[str], None],
        first: int = 0,
    ) -> None:
        """`first` is the number of the first event; those before it are in the store."""
        self.id = solution_id
        self.first = first
        self.newest = first - 1
        """The number of the newest event that readers may have."""
        self._commit = commit
        self._ended = ended
        self._items: list[_Numbered | Grown] = []
        self._waiting: list[int] = []  # positions of numbered items that are not committed yet
        self._ready = 0  # items that readers may have
        self._closed = False
        self._changed = asyncio.Event()

    def numbered(self, sequence: int, frame: bytes, ended: Solution | None) -> None:
        """An event: readers get it when it is committed."""
        self._waiting.append(len(self._items))
        self._items.append(_Numbered(sequence, frame))
        self._commit(self, sequence, frame, ended)

    def delta(self, grown: Grown) -> None:
        """More text: readers get it after the events before it."""
        self._items.append(grown)
        if not self._waiting:
            self._advance()

    def close(self) -> None:
        """Nothing: readers end with the last event, which is still to be committed."""

    def committed(self, count: int) -> None:
        """The oldest `count` events that were not committed now are."""
        del self._waiting[:count]
        self._advance()

    def end(self) -> None:
        """No more will be committed; readers end after what is."""
        self._closed = True
        self._advance()
        self._ended(self.id)

    async def over(self) -> None:
        """Returns after `end`."""
        while not self._closed:
            await self._changed.wait()

    async def read(self, after: int, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
        """Everything after event number `after`, and what follows, to the end."""
        position = 0
        while True:
            changed = self._changed
            if position < self._ready:
                upto = min(self._ready, position + _PIECE)
                if piece := self._piece(position, upto, after):
                    yield piece
                position = upto
            elif self._closed:
                return
            else:
                try:
                    await asyncio.wait_for(changed.wait(), heartbeat_s)
                except TimeoutError:
                    yield sse.HEARTBEAT

    def _piece(self, start: int, end: int, after: int) -> bytes:
        """Items as bytes; deltas of one transition joined, those of a completed one left out."""
        frames: list[bytes] = []
        open_: Grown | None = None
        for item in self._items[start:end]:
            if isinstance(item, Grown):
                if open_ is not None and open_.id == item.id:
                    open_ = Grown(item.id, open_.offset, open_.text + item.text)
                    continue
                if open_ is not None:
                    frames.append(sse.encode_delta(self.id, open_))
                open_ = item
                continue
            # The numbered event after a delta completes its transition and repeats its text, or
            # comes from another path; then the text is sent first.
            if open_ is not None and not sse.completes(item.frame, open_.id):
                frames.append(sse.encode_delta(self.id, open_))
            open_ = None
            if item.sequence > after:
                frames.append(item.frame)
        if open_ is not None:
            frames.append(sse.encode_delta(self.id, open_))
        return b"".join(frames)

    def _advance(self) -> None:
        ready = self._waiting[0] if self._waiting else len(self._items)
        for item in self._items[self._ready : ready]:
            if isinstance(item, _Numbered):
                self.newest = item.sequence
        self._ready = ready
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
