"""What a strategy is given and what it yields.

A strategy never sees a gold answer, a client or a wire format: it turns an engine's text into
steps, and counts what it spent in the problem's `Spent`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from app.engines.base import Chunk, Engine, Sampling
from app.errors import AppError
from app.strategies.reward import Rewards
from statespace.options import Options
from statespace.reader import Reading, TraceReader
from statespace.solutions import IncompleteReason, Path
from statespace.trace import Transition

_STRIDE: Final = 0x9E3779B97F4A7C15


@dataclass(slots=True)
class Spent:
    """Tokens spent so far, over all of a solution's generations."""

    prompt: int = 0
    first: int = 0
    """Of the first generation's prompt alone."""
    cached: int = 0
    completion: int = 0
    generations: Counter[str] = field(default_factory=Counter)
    """How many have ended how."""


class Call(Protocol):
    """A generation that somebody wants to know of."""

    @property
    def headers(self) -> Mapping[str, str]:
        """For the engine: they name the trace."""
        ...

    def heard(self, chunk: Chunk) -> None:
        """The engine has said something."""

    def failed(self, error: BaseException) -> None:
        """It was ended by an error, or by its cancellation."""

    def ended(self) -> None:
        """It is over, however it has ended."""


Watch = Callable[[Sequence[int], Sampling, int], Call]
"""Begins a call with a prompt and the path that it is for."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One question with its limits."""

    question: str
    prompt: Sequence[int]
    """Token ids of the question and of what is `given`."""
    sampling: Sampling
    """Of one path; `max_tokens` counts all that is generated for it."""
    max_transitions: int
    """On one path."""
    deltas: bool = False
    given: Sequence[Transition] = ()
    """The path that a fork grows from: it counts as told, and is not told again."""
    options: Any = None
    """The strategy's own, from `statespace.options`."""
    rewards: Rewards | None = None
    """The process reward model, if there is one."""
    watch: Watch | None = None
    """Told of each generation, if somebody wants to know."""
    spent: Spent = field(default_factory=Spent)

    def reader(self, *, path: int = 0, ids: Iterator[int] | None = None) -> TraceReader:
        """A reader of a path from the start; `ids` as from `ids`, shared by all paths."""
        reader = TraceReader(path=path, started=time.perf_counter(), ids=ids or self.ids())
        reader.adopt(self.given)
        return reader

    def ids(self) -> Iterator[int]:
        """The ids of new states, in the order in which they begin."""
        state = max((transition.id for transition in self.given), default=0)
        while True:
            state += 1
            yield state


@dataclass(frozen=True, slots=True)
class PathEnded:
    """One line of reasoning has ended; `text` is its plain answer if it held no state.

    `lane` is set where there are several: then the end of each is told.
    """

    path: Path
    text: str | None = None
    reason: IncompleteReason | None = None
    lane: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """Which of several paths is the answer; None, with a `reason`, if none is."""

    path: int | None
    reason: IncompleteReason | None = None


Step = Reading | PathEnded | Decided
Solve = Callable[[Engine, Problem], AsyncGenerator[Step, None]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to solve problems."""

    solve: Solve
    options: type[Options] | None = None
    """What it can be told, under its own name in a request."""
    number: str | None = None
    """The option that a number after its name sets."""
    paths: Callable[[Any], int] = lambda _: 1
    """How many times `max_tokens` it may cost with its options."""


def varied(asked: Sampling, temperature: float, number: int) -> Sampling:
    """How sample `number` of a solution is drawn: not greedily, and like no other one.

    The seeds of requests with neighbouring seeds differ too.
    """
    seed = None if asked.seed is None else (asked.seed + number * _STRIDE) % 2**63
    return replace(asked, temperature=asked.temperature or temperature, seed=seed)


async def generate(
    engine: Engine, problem: Problem, context: Sequence[int], sampling: Sampling, path: int = 0
) -> AsyncGenerator[Chunk, None]:
    """Continue `context` of a `path`, counting what it costs; closing the generator aborts."""
    spent = problem.spent
    spent.prompt += len(context)
    spent.first = spent.first or len(context)
    call = None if problem.watch is None else problem.watch(context, sampling, path)
    if call is not None:
        sampling = replace(sampling, trace=call.headers)
    cached = 0
    end = "aborted"
    try:
        async with aclosing(engine.generate(context, sampling)) as chunks:
            async for chunk in chunks:
                spent.completion += len(chunk.token_ids)
                if chunk.cached_tokens > cached:
                    spent.cached += chunk.cached_tokens - cached
                    cached = chunk.cached_tokens
                if chunk.finish_reason not in (None, "abort"):
                    end = chunk.finish_reason
                if call is not None:
                    call.heard(chunk)
                yield chunk
    except BaseException as error:
        if isinstance(error, AppError):
            end = "failed"
        if call is not None:
            call.failed(error)
        raise
    finally:
        spent.generations[end] += 1
        if call is not None:
            call.ended()


def room(engine: Engine, context: Sequence[int], sampling: Sampling, used: int) -> Sampling | None:
    """How to go on after `used` tokens; None if the limit or the context leaves no room."""
    left = min(sampling.max_tokens - used, engine.max_context - len(context))
    return replace(sampling, max_tokens=left) if left > 0 else None
