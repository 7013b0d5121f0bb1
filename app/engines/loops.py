"""Where a generation goes round in a circle.

vLLM has the same rule (`repetition_detection`), and applies it in its core for every token of every
stream, which there costs as much as a good part of a step. Here it is applied to tokens as they are
handed on, several at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.engines.dialect import REPETITION

_LONGEST: Final = REPETITION["max_pattern_size"]
_TIMES: Final = REPETITION["min_count"]


class LoopWatch:
    """Watches one generation."""

    def __init__(self) -> None:
        self._ids: list[int] = []

    def add(self, ids: Sequence[int]) -> int | None:
        """Take what was generated next; how many of `ids` close a loop, or None.

        A loop that is left again among `ids` is none.
        """
        before = len(self._ids)
        self._ids += ids
        if not ids or not loops(self._ids):
            return None
        return next(count for count in range(1, len(ids) + 1) if loops(self._ids[: before + count]))


def loops(ids: Sequence[int]) -> bool:
    """Whether `ids` end with one pattern said over and over."""
    last, length = ids[-1], len(ids)
    for size in range(1, _LONGEST + 1):
        said = size * _TIMES
        if said > length:
            return False
        if ids[-1 - size] == last and ids[-said:-size] == ids[size - said :]:
            return True
    return False
