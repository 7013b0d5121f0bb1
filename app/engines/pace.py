"""How many tokens of a stream are gathered before they are passed on.

Each piece of text costs the serving process the same, however short it is, and nobody reads faster
than a few pieces a second. So a stream's tokens are gathered for a quarter of a second. Where the
engine is so slow that these are few, it takes longer to make a piece worth its cost.
"""

from __future__ import annotations

from typing import Final

GATHER_S: Final = 0.25
WORTH: Final = 8
"""Tokens that are gathered also if they take longer, but not longer than `LONGEST_S`."""
LONGEST_S: Final = 1.0
_FIRST: Final = 4
"""Tokens gathered while no pace is known."""
_WEIGHT: Final = 0.1
"""Of the newest generation in the running mean."""
_MEASURED: Final = 16
"""Tokens of a generation that tells a pace; a shorter one tells how long it queued."""


class Pace:
    """A running mean of the tokens per second of one stream."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tokens_per_s: float | None = None

    def interval(self) -> int:
        """Tokens to gather of one stream, from 1 to `most`."""
        if self._tokens_per_s is None:
            return min(_FIRST, self._most)
        worth = min(WORTH, self._tokens_per_s * LONGEST_S)
        wanted = max(worth, self._tokens_per_s * GATHER_S)
        return max(1, min(self._most, round(wanted)))

    def ended(self, tokens: int, seconds: float) -> None:
        """A generation has ended that took `seconds` from its first token to its last."""
        if tokens < _MEASURED or seconds <= 0:
            return
        found = tokens / seconds
        known = self._tokens_per_s
        self._tokens_per_s = found if known is None else known + _WEIGHT * (found - known)
