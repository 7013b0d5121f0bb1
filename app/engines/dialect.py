"""What vLLM is told and what it says in the same words, in process and over HTTP."""

from __future__ import annotations

from typing import Final

from app.engines.base import FinishReason
from app.errors import EngineError

# A pattern of up to 24 tokens said 12 times over is a loop, not a solution.
REPETITION: Final = {"max_pattern_size": 24, "min_pattern_size": 1, "min_count": 12}
_FINISHES: Final[dict[str, FinishReason]] = {
    reason: reason for reason in ("stop", "length", "abort", "repetition")
}


def finish_of(reason: str | None) -> FinishReason | None:
    """Why a generation has ended, if it has. Raises `EngineError` for a reason nobody knows."""
    if reason is None:
        return None
    if reason not in _FINISHES:
        raise EngineError(f"the engine ended a request with {reason!r}")
    return _FINISHES[reason]
