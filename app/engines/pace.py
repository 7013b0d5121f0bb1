"""How many tokens of a stream are gathered before they are passed on.

Each piece of text costs the serving process the same, however short it is, and nobody reads faster
than a few pieces a second. So a stream's tokens are gathered for a quarter of a second, and for up
to half of one beside many others: many while each stream is fast, few while it is slow.
"""

from __future__ import annotations

from typing import Final

GATHER_S: Final = (0.25, 0.5)
"""With few streams, and at most."""
STREAMS_PER_S: Final = 512
"""How many streams add a second. 128 are gathered for as long as few, 256 for the longest."""
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

    def interval(self, streams: int) -> int:
        """Tokens to gather of one stream among `streams`, from 1 to `most`."""
        if self._tokens_per_s is None:
            return min(_FIRST, self._most)
        least, longest = GATHER_S
        seconds = min(max(streams / STREAMS_PER_S, least), longest)
        return max(1, min(self._most, round(self._tokens_per_s * seconds)))

    def ended(self, tokens: int, seconds: float) -> None:
        """A generation has ended that took `seconds` from its first token to its last."""
        if tokens < _MEASURED or seconds <= 0:
            return
        found = tokens / seconds
        known = self._tokens_per_s
        self._tokens_per_s = found if known is None else known + _WEIGHT * (found - known)
