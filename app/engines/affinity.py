"""Which server has lately read the beginning of a prompt, so that its cache may hold it.

A prompt goes on from another one where a path is continued, and is the same one where a solution
has several paths. It is remembered by blocks, as vLLM's prefix cache does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

BLOCK: Final = 16
"""Token ids that are told apart together: the size of vLLM's cache blocks on a GPU."""
REMEMBERED: Final = 16_384
"""Blocks; the one that was read longest ago is forgotten."""

S = TypeVar("S")


class Affinity(Generic[S]):
    """Remembers the last reader of every block of the prompts that were read lately."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._readers: OrderedDict[int, S] = OrderedDict()

    def blocks(self, prompt: Sequence[int]) -> list[int]:
        """A key for every whole block; it stands for all that comes before it, too."""
        keys, key = [], 0
        for at in range(0, len(prompt) - BLOCK + 1, BLOCK):
            key = hash((key, *prompt[at : at + BLOCK]))
            keys.append(key)
        return keys

    def reader(self, blocks: Sequence[int]) -> S | None:
        """Who last read the longest known beginning."""
        for key in reversed(blocks):
            if (found := self._readers.get(key)) is not None:
                return found
        return None

    def note(self, blocks: Sequence[int], reader: S) -> None:
        """`reader` reads all of them."""
        for key in blocks:
            self._readers[key] = reader
            self._readers.move_to_end(key)
        while len(self._readers) > self._most:
            self._readers.popitem(last=False)
