"""One path while it is written: its reader, its limits, and the token ids of all it holds.

    path = Writing(engine, problem)
    async for reading in path.write(until=is_refuted): ...
    for reading in path.insert("State 4: …", Origin.VERIFIER): ...
    async for reading in path.write(): ...

What was generated is never encoded again: where a path goes on, its context is the ids that the
engine gave, so that the prefix cache holds. If a token holds the white space between two states and
the word after it, the context ends before it: the model would not know the white space alone.
"""

from __future__ import annotations

import copy
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from app.engines.base import Engine, FinishReason, Sampling
from app.strategies.base import PathEnded, Problem, generate, room
from statespace.actions import Action
from statespace.answers import extract, is_boxed
from statespace.grammar import ENDS
from statespace.reader import Grown, Opened, Reading, Until
from statespace.solutions import IncompleteReason, Path
from statespace.trace import Origin

_HEADER: Final = "State "
"""How every state begins."""


class Writing:
    """A path that grows until the model ends it or a limit is reached."""

    def __init__(
        self, engine: Engine, problem: Problem, *, path: int = 0, ids: Iterator[int] | None = None
    ) -> None:
        """`ids` is shared by the paths of one solution."""
        self.path = path
        self.reader = problem.reader(path=path, ids=ids)
        self._opening = "" if problem.given else engine.opening(problem.sampling)
        """Text that is not read yet, though the model is given it: it counts from its answer on."""
        self.context = [*problem.prompt, *(engine.encode(self._opening) if self._opening else ())]
        """Token ids of the question and of what was written; brought up to date by a halt."""
        self._last: int | None = None
        """The state that the first transition beyond the limit grew from."""
        self.logprobs: list[float] = []
        """Of the tokens of the latest `write`, where they were asked for."""
        self._engine = engine
        self._problem = problem
        self._used = 0
        self._opened = len(problem.given)
        self._space = ""
        """White space at the end of what was written that is not in `context`."""
        self._ends: dict[int, tuple[list[int], str]] = {
            self.reader.tree.tip: (list(problem.prompt), "")
        }
        """State → the context at its end, and white space that is not in it."""
        self._finish: FinishReason | None = None

    @property
    def used(self) -> int:
        """Tokens that were generated for it so far."""
        return self._used

    @property
    def exceeded(self) -> bool:
        """Whether it was ended because it had too many transitions."""
        return self._last is not None

    @property
    def halted(self) -> bool:
        """Whether it was stopped where it can be gone on with."""
        return self.reader.halted and not self.exceeded

    def branch(self, path: int) -> Writing:
        """Another path, numbered `path`, that goes on from where this one has halted."""
        other = copy.copy(self)
        other.path = path
        other.context = list(self.context)
        other._ends = dict(self._ends)
        tip = self.reader.tree.tip
        other.reader = self.reader.branch(tip, path=path, started=time.perf_counter())
        return other

    async def write(
        self, sampling: Sampling | None = None, until: Until | None = None
    ) -> AsyncGenerator[Reading, None]:
        """Generate until the model stops or has summarized, a limit is reached, or `until` halts.

        `max_tokens` of `sampling`, by default the problem's, counts all that the path has cost.
        """
        asked = sampling or self._problem.sampling
        while True:
            grammar = self._engine.grammar(self.reader.tree, asked)
            halts = until if grammar is None else _ended(until)
            async with aclosing(self._write(replace(asked, grammar=grammar), halts)) as readings:
                async for reading in readings:
                    yield reading
            if grammar is None or not self._only_grammar_ended(until):
                return

    async def _write(self, asked: Sampling, until: Until | None) -> AsyncGenerator[Reading, None]:
        """Generate once."""
        sampling = room(self._engine, self.context, asked, self._used)
        self._finish = "length"
        if sampling is None:
            self.reader.halted = False  # there is nothing to go on with
            return
        reader, before, clock = self.reader, self.reader.consumed, time.perf_counter
        given = len(self._opening)
        if sampling.grammar is not None:  # it begins with a header
            self.context += self._engine.encode(self._space)
        self._space = ""
        ids: list[int] = []
        said: list[str] = []
        self.logprobs = []
        chunks = generate(self._engine, self._problem, self.context, sampling, self.path)
        async with aclosing(chunks):
            async for chunk in chunks:
                count = len(chunk.token_ids)
                self._used += count
                ids += chunk.token_ids
                said.append(chunk.text)
                self.logprobs += chunk.logprobs
                self._finish = chunk.finish_reason
                text, self._opening = self._opening + chunk.text, ""
                readings = reader.feed(text, tokens=count, now=clock(), until=until)
                for reading in self._admit(readings):
                    yield reading
                if self.exceeded or reader.overran or reader.halted:
                    break
        if not self.exceeded and not reader.halted:
            for reading in self._admit(reader.close(now=clock(), until=until)):
                yield reading
        if reader.halted:
            self._remember(ids, "".join(said), before, given)

    def rewind(self, state: int) -> None:
        """Go on from `state`, a state of this path, as if nothing had been written after it.

        The record stays as it is; the model no longer reads what followed.
        """
        self.context, self._space = list(self._ends[state][0]), self._ends[state][1]

    def _remember(self, ids: Sequence[int], text: str, before: int, given: int) -> None:
        """The contexts at the ends of the states that `ids` say; the last one is gone on with.

        What was read since `before` is `text`, after `given` characters that the context holds.
        """
        base = self.context
        for state, end in self.reader.ends.items():
            if before < end <= self.reader.consumed:
                cut, space = self._extended(ids, text[: max(0, end - before - given)])
                self._ends[state] = ([*base, *cut], space)
        self.rewind(self.reader.transitions[-1].id)

    def _extended(self, ids: Sequence[int], text: str) -> tuple[list[int], str]:
        """Ids up to the end of `text`, with which what `ids` say begins, and space left out."""
        cut = self._cut(ids, text)
        if not _begins(cut, ids):
            bare = self._cut(ids, text.rstrip())
            if _begins(bare, ids):
                return bare, text[len(text.rstrip()) :]
        return cut, ""

    def _cut(self, ids: Sequence[int], text: str) -> list[int]:
        return self._engine.cut(self.context, ids, len(text))[len(self.context) :]

    def _only_grammar_ended(self, until: Until | None) -> bool:
        """Whether only the grammar has ended, and not the path."""
        if not self.halted:
            return False
        if until is not None and until(self.reader.transitions[-1]):
            return False
        self.reader.halted = self._finish != "repetition"
        return self.reader.halted

    def insert(self, text: str, origin: Origin) -> Iterator[Reading]:
        """Write whole states into the path, after a halt."""
        written = self._space + text
        # Encoded together with what follows, it ends as where a model has written it.
        cut, self._space = self._extended(self._engine.encode(written + _HEADER), written)
        self.context += cut
        return self._admit(self.reader.insert(text, origin=origin, now=time.perf_counter()))

    def ended(self, *, lane: bool = False, weight: float | None = None) -> PathEnded:
        """How the path has ended."""
        reader = self.reader
        plain = reader.preamble if not reader.transitions and reader.preamble else None
        # What was begun and not ended, or lies beyond the limit, is not part of the solution.
        complete = {0, *(transition.id for transition in reader.transitions)}
        newest = reader.tree.tip if self._last is None else self._last
        answer = reader.answer_at(newest)
        path = Path(
            path=self.path,
            states=tuple(state for state in reader.tree.state(newest).chain if state in complete),
            answer=extract(plain) if plain else answer,
            resolved=answer is not None,
            weight=weight,
        )
        return PathEnded(path, plain, self._reason(plain is not None), lane)

    def _admit(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """Lets readings through until `max_transitions` would be exceeded."""
        for reading in readings:
            if isinstance(reading, Opened):
                if self._opened == self._problem.max_transitions:
                    self._last = reading.node.parent
                    return
                self._opened += 1
            elif isinstance(reading, Grown) and not self._problem.deltas:
                continue
            yield reading

    def _reason(self, plain: bool) -> IncompleteReason | None:
        """Why the path ended without an answer; None if it has one."""
        if self.exceeded:
            return IncompleteReason.MAX_TRANSITIONS
        if self._finish == "length" and not self._is_boxed():
            return IncompleteReason.MAX_TOKENS
        if self._finish == "repetition":
            return IncompleteReason.REPETITION
        if plain or self.reader.answer is not None:
            return None
        return IncompleteReason.NO_ANSWER

    def _is_boxed(self) -> bool:
        """Whether the answer was complete when tokens ran out, so that no digit can be missing."""
        return self.reader.answer is not None and is_boxed(self.reader.transitions[-1].output)


def _ended(until: Until | None) -> Until:
    """Also halts where a grammar ends and the path does not."""
    return lambda transition: (
        transition.action in ENDS - {Action.SUMMARIZE} or (until is not None and until(transition))
    )


def _begins(some: Sequence[int], ids: Sequence[int]) -> bool:
    """Whether `ids` begin with `some`."""
    return list(some) == list(ids[: len(some)])
