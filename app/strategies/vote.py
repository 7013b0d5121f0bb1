"""Several sampled paths, and the answer that most of them come to.

Paths begin in waves and are written side by side. Whenever one has ended, the vote is looked at;
once it is decided, the others are aborted: what they have said so far stays in the solution, the
states that they had begun are never completed, and each is told as ended without answer or weight.

All paths are sampled: a greedy one would be another kind of voter, whose answer is the likeliest
text and not a draw from the answers that are counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from itertools import chain, repeat

from app.engines.base import Engine, Sampling
from app.strategies.ballot import Ballot, Vote, incomplete_beta
from app.strategies.base import PathEnded, Problem, Step, varied
from app.strategies.groups import Groups
from app.strategies.path import Writing
from app.strategies.together import together
from statespace.options import VoteOptions
from statespace.reader import Closed
from statespace.trace import Verdict


async def vote(engine: Engine, problem: Problem) -> AsyncGenerator[Step, None]:
    """Write paths until their vote is decided; of no more than `paths`."""
    options = problem.options or VoteOptions()
    hall = _Hall(options)
    paths: list[Writing] = []
    ids = problem.ids()
    told = {0, *(transition.id for transition in problem.given)}
    waves = chain(options.waves, repeat(options.waves[-1]))
    while not hall.ballot.is_decided:
        begun = len(paths)
        count = min(next(waves), options.paths - begun)
        wave = [Writing(engine, problem, path=begun + n, ids=ids) for n in range(count)]
        paths += wave
        lanes = [
            hall.lane(path, varied(problem.sampling, options.temperature, path.path))
            for path in wave
        ]
        async with aclosing(together(lanes)) as steps:
            async for step in steps:
                yield step
                if isinstance(step, Closed):
                    told.add(step.transition.id)
                elif isinstance(step, PathEnded) and hall.is_decided_by(step):
                    break
    for path in paths:
        if path.path not in hall.ballot:
            yield _stopped(path, told)
    yield hall.ballot.decision()


class _Hall:
    """Where the paths of one solution vote."""

    def __init__(self, options: VoteOptions) -> None:
        self.ballot = Ballot(options)
        self._loading = None
        if options.stop == "likely":  # while the first paths are written, and not on the event loop
            self._loading = asyncio.get_running_loop().run_in_executor(None, incomplete_beta)
        self._groups = Groups()
        self._votes: dict[int, Vote] = {}

    async def lane(self, path: Writing, sampling: Sampling) -> AsyncGenerator[Step, None]:
        """Write a path; its group is found before its end is told, and holds up no other."""
        async with aclosing(path.write(sampling)) as readings:
            async for reading in readings:
                yield reading
        ended = path.ended(lane=True)
        answer = ended.path.answer if ended.reason is None else None  # it may have been cut off
        vote = Vote(
            path.path,
            None if answer is None else await self._groups.of(answer),
            refuted=_is_refuted(path, ended.path.states),
            reason=ended.reason,
        )
        self._votes[path.path] = vote
        if self._loading is not None:
            await asyncio.shield(self._loading)
        yield path.ended(lane=True, weight=float(self.ballot.weight(vote)))

    def is_decided_by(self, ended: PathEnded) -> bool:
        """Count the vote of a path that has ended; whether the others need not be waited for."""
        self.ballot.cast(self._votes[ended.path.path])
        return self.ballot.is_decided


def _is_refuted(path: Writing, states: Collection[int]) -> bool:
    """Whether a path rests on what was refuted; dead ends that it went back from do not count."""
    return any(
        transition.verdict is Verdict.REFUTED and transition.id in states
        for transition in path.reader.transitions
    )


def _stopped(path: Writing, told: Collection[int]) -> PathEnded:
    """The end of a path that was aborted: it has no answer, and no weight since it did not vote."""
    ended = path.ended(lane=True)
    states = tuple(state for state in ended.path.states if state in told)
    update = {"states": states, "answer": None, "resolved": False}
    return PathEnded(ended.path.model_copy(update=update), lane=True)
