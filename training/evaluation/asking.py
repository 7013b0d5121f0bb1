"""Asks a server every question of some sets that has no answer yet, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from training.errors import TrainingError
from training.evaluation.answers import AnswerRow, Answers
from training.evaluation.options import Options
from training.evaluation.server import Server, Unsolved
from training.problems.problem import Problem
from training.rows import row_key

Progress = Callable[[int, int], None]
"""Told how many samples are dealt with, of how many."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One unit of work: a sample of a problem, and the key of its answer."""

    key: str
    problem: Problem
    number: int


def samples(problems: Sequence[Problem], options: Options, model: str) -> list[Sample]:
    """All samples of `problems`: the first of each, then the second, and so on.

    `model` identifies what is evaluated, down to its weights where they are at hand. The key has
    the question, not the problem's id: a gold answer put right asks nothing again.
    """
    recipe = f"{options.digest()}/{model}"
    return [
        Sample(row_key(problem.question, number, recipe), problem, number)
        for number in range(options.samples)
        for problem in problems
    ]


class Asking:
    """The samples that are wanted and what became of them."""

    def __init__(self, wanted: Sequence[Sample], answers: Answers, progress: Progress) -> None:
        unique = {one.key: one for one in wanted}  # a problem may be in two sets
        self._open = {key: one for key, one in unique.items() if key not in answers}
        self._answers = answers
        self._progress = progress
        self.total = len(unique)
        self.unsolved: dict[str, str] = {}
        """Why the server gave no solution, by key."""

    @property
    def answered(self) -> int:
        """How many of the wanted samples have a solution."""
        return self.total - len(self._open)

    async def run(self, server: Server, width: int) -> None:
        """Ask for what has no answer, `width` at a time.

        Raises EvaluationError if the server is gone or refuses, DataError if answers cannot be
        kept; what was answered until then is kept.
        """
        self._progress(self.answered, self.total)
        work = iter(list(self._open.values()))
        tasks = [asyncio.create_task(self._work(server, work)) for _ in range(width)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        errors = [error for task in done if (error := task.exception()) is not None]
        # The explained one first: others may follow from it.
        for error in sorted(errors, key=lambda error: not isinstance(error, TrainingError)):
            raise error

    async def _work(self, server: Server, work: Iterator[Sample]) -> None:
        for one in work:
            found = await server.solve(one.problem.question, one.number)
            if isinstance(found, Unsolved):
                self.unsolved[one.key] = found.reason
            else:
                self._answers.add(
                    AnswerRow(
                        key=one.key, problem=one.problem.id, sample=one.number, solution=found
                    )
                )
                del self._open[one.key]
            self._progress(self.answered + len(self.unsolved), self.total)
