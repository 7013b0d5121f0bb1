"""One path, greedy by default: what the model writes is what happens."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from app.engines.base import Engine, FinishReason
from app.strategies.base import PathEnded, Problem, Step
from statespace.answers import extract
from statespace.reader import Grown, Opened, Reading, TraceReader
from statespace.solutions import IncompleteReason, Path


async def single(engine: Engine, problem: Problem) -> AsyncGenerator[Step, None]:
    """Generate until the model stops, has summarized, or a limit is reached."""
    clock = time.perf_counter
    reader = TraceReader(started=clock())
    budget = _Budget(problem)
    finish: FinishReason | None = None
    problem.spent.began(problem.prompt)
    async with aclosing(engine.generate(problem.prompt, problem.sampling)) as chunks:
        async for chunk in chunks:
            problem.spent.got(chunk)
            problem.spent.cached = max(problem.spent.cached, chunk.cached_tokens)
            finish = chunk.finish_reason
            readings = reader.feed(chunk.text, tokens=len(chunk.token_ids), now=clock())
            for reading in budget.admit(readings):
                yield reading
            if budget.exceeded or reader.overran:
                break
    if not budget.exceeded:
        for reading in budget.admit(reader.close(now=clock())):
            yield reading
    yield _ended(reader, budget, finish)


class _Budget:
    """Lets readings through until `max_transitions` would be exceeded."""

    def __init__(self, problem: Problem) -> None:
        self._limit = problem.max_transitions
        self._deltas = problem.deltas
        self.opened = 0
        self.exceeded = False

    def admit(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        for reading in readings:
            if isinstance(reading, Opened):
                if self.opened == self._limit:
                    self.exceeded = True
                    return
                self.opened += 1
            elif isinstance(reading, Grown) and not self._deltas:
                continue
            yield reading


def _ended(reader: TraceReader, budget: _Budget, finish: FinishReason | None) -> PathEnded:
    plain = reader.preamble if not reader.transitions and reader.preamble else None
    answer = extract(plain) if plain else reader.answer
    # A state beyond the budget was begun but is not part of the solution.
    states = tuple(state for state in reader.chain if state <= budget.opened)
    path = Path(path=0, states=states, answer=answer, resolved=reader.answer is not None)
    reason = _reason(reader, budget, finish, plain is not None)
    return PathEnded(path, plain, reason)


def _reason(
    reader: TraceReader, budget: _Budget, finish: FinishReason | None, plain: bool
) -> IncompleteReason | None:
    """Why the path ended without an answer; None if it has one."""
    if budget.exceeded:
        return IncompleteReason.MAX_TRANSITIONS
    if finish == "length" and not _is_boxed(reader):
        return IncompleteReason.MAX_TOKENS
    if finish == "repetition":
        return IncompleteReason.REPETITION
    if plain or reader.answer is not None:
        return None
    return IncompleteReason.NO_ANSWER


def _is_boxed(reader: TraceReader) -> bool:
    """Whether the answer was complete when the tokens ran out, so that no digit can be missing."""
    return reader.answer is not None and "}" in reader.transitions[-1].output
