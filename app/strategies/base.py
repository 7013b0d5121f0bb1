"""What a strategy is given and what it yields.

A strategy never sees a gold answer, a client or a wire format: it turns an engine's text into
steps, and counts what it spent in the problem's `Spent`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from app.engines.base import Chunk, Engine, Sampling
from statespace.reader import Reading
from statespace.solutions import IncompleteReason, Path


@dataclass(slots=True)
class Spent:
    """Tokens spent so far, over all of a solution's generations."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def began(self, prompt: Sequence[int]) -> None:
        """A generation over `prompt` was sent to the engine."""
        self.prompt += len(prompt)

    def got(self, chunk: Chunk) -> None:
        """A chunk arrived."""
        self.completion += len(chunk.token_ids)


@dataclass(frozen=True, slots=True)
class Problem:
    """One question with its limits."""

    question: str
    prompt: Sequence[int]
    sampling: Sampling
    max_transitions: int
    deltas: bool = False
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class PathEnded:
    """One line of reasoning has ended; `text` is its plain answer if it held no state."""

    path: Path
    text: str | None = None
    reason: IncompleteReason | None = None


Step = Reading | PathEnded
Strategy = Callable[[Engine, Problem], AsyncGenerator[Step, None]]
