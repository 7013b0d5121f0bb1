"""What the service asks of an engine; the seam between real, scripted and remote ones."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

FinishReason = Literal["stop", "length", "abort", "repetition"]
Phase = Callable[[str], None]
"""Told each phase of starting as it begins."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Text that was generated since the last chunk, with the tokens that it cost."""

    text: str
    token_ids: Sequence[int]
    finish_reason: FinishReason | None = None
    cached_tokens: int = 0
    """Prompt tokens that the prefix cache held."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate; `max_tokens` counts generated tokens."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


class Engine(Protocol):
    """A model that continues token ids. `start` comes first; the rest needs a started engine."""

    @property
    def max_context(self) -> int:
        """Tokens of prompt and output together."""
        ...

    @property
    def width(self) -> int:
        """Requests that it works on at a time; more wait inside it."""
        ...

    async def start(self, phase: Phase) -> None:
        """Load the model. Raises `EngineStartError` with what to change."""
        ...

    def prompt(self, question: str) -> list[int]:
        """The prompt ids for a question. May take milliseconds for a long one."""
        ...

    def generate(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Chunk, None]:
        """Continue `prompt`; closing the generator aborts.

        Raises `EngineDeadError` when the engine is gone, `EngineError` when it fails otherwise,
        `RequestError` when it does not take the request.
        """
        ...

    def unfinished(self) -> int:
        """Requests that the engine still holds."""
        ...

    async def check(self) -> None:
        """Raises `EngineDeadError` if the engine cannot serve any more."""
        ...

    async def stop(self) -> None:
        """End the engine and every process of it. May be called before `start` has ended."""
        ...
