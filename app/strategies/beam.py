"""A search over states: several next ones are tried at each step, and the best are gone on from.

    width 2, candidates 2     step 1                   step 2
    0 ─┬─ 1  m = 48 / 2 = 24  verified, kept  ─┬─ 3  48 + 24 = 72   kept
       │                                       └─ 4  24 + 48 = 72   claims the same as 3
       └─ 2  m = 48 / 2 = 26  refuted, kept   ─┬─ 5  48 + 26 = 74   rests on what is refuted: kept,
                                               └─ 6  …              for want of a better one

A candidate is one transition. What rests on a refuted one ranks last, what is not allowed where it
stands before it; then count the process reward model and the model's own confidence, where they are
asked for, and how many candidates say the same. The first candidate of a path goes on in its lane,
the others begin lanes of their own: so all are told while they are written.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import count
from typing import Final

import structlog

from app.engines.base import Engine, Sampling
from app.errors import RewardError
from app.strategies.base import Decided, PathEnded, Problem, Step, varied
from app.strategies.line import Line
from app.strategies.path import Writing
from app.strategies.together import together
from statespace.options import BeamOptions
from statespace.reader import Reading
from statespace.solutions import IncompleteReason

logger = structlog.get_logger(__name__)

MAX_TRANSITIONS: Final = 1_000
"""Of one solution, on all paths."""

Group = list[Line]
"""The candidates of one path."""


async def beam(engine: Engine, problem: Problem) -> AsyncGenerator[Step, None]:
    """Search until `width` paths have an answer, none is left, or a limit is reached."""
    search = _Search(engine, problem, problem.options or BeamOptions())
    while groups := search.groups():
        async with aclosing(together(search.writings(groups))) as readings:
            async for reading in readings:
                yield reading
        for ended in search.choose(groups, await search.ranked(groups)):
            yield ended
    for step in search.end():
        yield step


class _Search:
    """The paths that are gone on from, and those that have ended."""

    def __init__(self, engine: Engine, problem: Problem, options: BeamOptions) -> None:
        self._problem = problem
        self._options = options
        self._lines = [Line(Writing(engine, problem, ids=problem.ids()))]
        self._finished: list[Line] = []
        self._spare: list[Line] = []
        """What had an answer too, but was not among the best."""
        self._failed: list[tuple[Line, PathEnded]] = []
        self._told = False
        """Whether a plain answer was told: then there is nothing to decide."""
        self._lanes = count(1)
        self._requests = count()
        self._tried = 0
        self._rewards = problem.rewards if options.reward else None
        self._spent = problem.spent.completion

    def groups(self) -> list[Group]:
        """The next candidates of each path; none if a limit is reached."""
        if not self._lines:
            return []
        left = (MAX_TRANSITIONS - self._tried) // len(self._lines)
        number = min(self._options.candidates, left)
        groups = [
            [
                line.branch(next(self._lanes) if other else line.writing.path)
                for other in range(number)
            ]
            for line in self._lines
        ]
        return groups if number and self._share(groups) else []

    def writings(self, groups: Sequence[Group]) -> list[AsyncGenerator[Reading, None]]:
        """What writes the candidates, all at a time."""
        share = self._share(groups)
        self._tried += sum(map(len, groups))
        return [line.write(self._sampling(line, share)) for group in groups for line in group]

    def _share(self, groups: Sequence[Group]) -> int:
        """Tokens that each may take, so that all together stay within what was admitted."""
        options, sampling = self._options, self._problem.sampling
        most = sampling.max_tokens * options.width * options.candidates
        left = most - (self._problem.spent.completion - self._spent)
        return left // sum(map(len, groups))

    def _sampling(self, line: Line, share: int) -> Sampling:
        asked = self._problem.sampling
        return replace(
            varied(asked, self._options.temperature, next(self._requests)),
            max_tokens=min(asked.max_tokens, line.writing.used + share),
            logprobs=self._options.confidence,
        )

    async def ranked(self, groups: Sequence[Group]) -> list[Line]:
        """The candidates that have grown, the best first, each claim once."""
        unique: dict[object, Line] = {}
        grown: list[Line] = []
        for group in groups:
            new = [line for line in group if line.grows]
            for line in new:
                line.take_in()
            said = Counter(line.claims for line in new)
            for line in new:
                line.agreement = line.agreement.plus(said[line.claims] / len(group))
            grown += new
        for line in sorted(grown, key=lambda line: line.rank):
            unique.setdefault(line.claims, line)
        await self._reward(list(unique.values()))
        return sorted(unique.values(), key=lambda line: line.rank)

    async def _reward(self, lines: Sequence[Line]) -> None:
        """Ask the reward model, until it fails: then nothing is ranked by it any more."""
        if self._rewards is None:
            return
        asked = (
            self._rewards.score(self._problem.question, [each.output for each in line.chain])
            for line in lines
        )
        scores = await asyncio.gather(*asked, return_exceptions=True)
        for line, score in zip(lines, scores, strict=True):
            if isinstance(score, RewardError):
                logger.warning("reward_failed", error=score.message)
                self._rewards = None
                for other in (*lines, *self._finished, *self._spare):
                    other.reward = None
                return
            if isinstance(score, BaseException):
                raise score
            line.reward = score

    def choose(self, groups: Sequence[Group], ranked: Sequence[Line]) -> Iterator[Step]:
        """Keep the best; tells of those that have ended."""
        begins = not self._lines[0].writing.reader.transitions
        room = self._options.width - len(self._finished)
        self._lines = []
        for line in ranked[:room]:
            if line.finished:
                self._finished.append(line)
                yield line.ended()
            else:
                self._lines.append(line)
        self._spare += [line for line in ranked[room:] if line.finished]
        for group in groups:
            if not any(line.grows for line in group):
                yield from self._give_up(group, plain=begins)

    def _give_up(self, group: Group, *, plain: bool) -> Iterator[Step]:
        """No candidate has grown. A plain answer, without states, is one if there is no other."""
        endings = [line.ended() for line in group]
        told = next((ended for ended in endings if ended.text is not None), None)
        if plain and told is not None:
            self._told = True
            yield replace(told, lane=False)
        else:
            self._failed.append((group[0], endings[0]))
            yield endings[0]

    def end(self) -> Iterator[Step]:
        """Tell of what is left over, and decide."""
        if self._told:
            return
        for line in self._lines:  # a limit of the whole search was reached
            ended = replace(line.ended(), reason=self._limit)
            self._failed.append((line, ended))
            yield ended
        if not self._finished and self._spare:
            self._finished.append(min(self._spare, key=lambda line: line.rank))
            yield self._finished[0].ended()
        if self._finished:
            best = min(self._finished, key=lambda line: line.rank)
            yield Decided(best.writing.path)
            return
        _, ended = min(self._failed, key=lambda failed: failed[0].rank)
        answered = ended.path.path if ended.path.resolved else None
        yield Decided(answered, ended.reason)

    @property
    def _limit(self) -> IncompleteReason:
        """Which limit of the whole search was reached."""
        if MAX_TRANSITIONS - self._tried < len(self._lines):
            return IncompleteReason.MAX_TRANSITIONS
        return IncompleteReason.MAX_TOKENS
