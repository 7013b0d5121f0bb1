"""What the service asks of an engine; the seam between real, scripted and remote ones."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from statespace.tree import StateTree

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
    logprobs: Sequence[float] = ()
    """Natural logarithms, one for each token, if they were asked for."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate; `max_tokens` counts generated tokens."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    logprobs: bool = False
    """Whether chunks carry the log-probabilities of their tokens."""
    grammar: str | None = None
    """EBNF that the text must follow, in xgrammar's notation."""
    banned: tuple[str, ...] = ()
    """Texts that must not be written: the last token of each is not to follow the others."""
    adapter: str | None = None
    """The LoRA adapter to use."""
    plain: bool = False
    """Whether the model answers as it likes, without the instructions and the grammar of states."""
    trace: Mapping[str, str] | None = None
    """Headers that name the trace that it is part of."""


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

    @property
    def adapters(self) -> Collection[str]:
        """The LoRA adapters that requests may ask for; known also before the start."""
        ...

    async def start(self, phase: Phase) -> None:
        """Load the model. Raises `EngineStartError` with what to change."""
        ...

    async def add_adapter(self, name: str, folder: Path) -> None:
        """Load an adapter. Raises `RequestError` naming `name` or `path`; the engine lives on."""
        ...

    async def remove_adapter(self, name: str) -> None:
        """Forget an adapter. Raises `NotFoundError`, or `ConflictError` while it is in use."""
        ...

    def prompt(
        self, question: str, *, plain: bool = False, adapter: str | None = None
    ) -> list[int]:
        """The prompt ids for a question, `plain` and `adapter` as in `Sampling`.

        May take milliseconds for a long one.
        """
        ...

    def opening(self, sampling: Sampling) -> str:
        """What a path begins with that the model is given; nothing if it writes all itself."""
        ...

    def grammar(self, tree: StateTree, sampling: Sampling) -> str | None:
        """The grammar of what follows the newest state; None leaves it to the model.

        Where a grammar has ended before the solution has, generating goes on with the next one.
        """
        ...

    def encode(self, text: str) -> list[int]:
        """Token ids of text that goes on after others; special tokens in it are plain text."""
        ...

    def cut(self, prompt: Sequence[int], ids: Sequence[int], characters: int) -> list[int]:
        """`prompt` and as many of the generated `ids` as say the first `characters` of their text.

        What a token says beyond them is left out: its part is encoded anew.
        """
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

    def upstreams(self) -> Mapping[str, bool]:
        """Whether each server that it works with can be asked; none if it works by itself."""
        ...

    def heard(self) -> float:
        """When something last came from it, on `time.monotonic`'s clock; 0 if nothing has."""
        ...

    async def check(self) -> None:
        """Raises `EngineDeadError` if the engine cannot serve any more."""
        ...

    async def stop(self) -> None:
        """End the engine and every process of it. May be called before `start` has ended."""
        ...
