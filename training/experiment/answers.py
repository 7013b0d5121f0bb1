"""Answers of a checkpoint to problems: from a server where there is one, else written here.

Training starts no engine. Who calls the experiment may hand it a way to serve a checkpoint; without
one transformers generates, which is several times slower.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from transformers import AutoModelForCausalLM

from statespace.actions import LABELS
from statespace.prompts import Prompt
from statespace.solutions import Solution, Usage
from statespace.text import render
from training import precision, tokenizer
from training.curriculum.sampler import Sampler, Start
from training.errors import EvaluationError
from training.evaluation.answers import Answers
from training.evaluation.asking import Asking, samples
from training.evaluation.judgement import Judgement, failure, judge, judge_text
from training.evaluation.options import Options
from training.evaluation.server import Server
from training.problems.problem import Problem
from training.progress import Report

Serving = Callable[[Path], AbstractContextManager[str]]
"""Serves a checkpoint folder for as long as its context lasts, at the URL that it gives."""

_LOST = 0.02
"""Share of samples without a solution that an experiment bears."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One way of asking, and what: `samples` answers to each problem."""

    problems: Sequence[Problem]
    samples: int = 1
    temperature: float = 0.0
    seed: int = 0
    limit: int | None = None
    """Tokens of an answer, if less than usual."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, judged."""

    problem: Problem
    sample: int
    text: str
    judgement: Judgement


class Answering(Protocol):
    """Puts every one of `asks` to `checkpoint`; what is kept in `folder` is not asked again."""

    def __call__(
        self, checkpoint: Path, asks: Sequence[Ask], folder: Path, /
    ) -> list[list[Answer]]: ...


@dataclass(frozen=True, slots=True)
class Served:
    """Answers over HTTP."""

    serving: Serving
    report: Report
    max_new_tokens: int
    concurrency: int

    def __call__(self, checkpoint: Path, asks: Sequence[Ask], folder: Path) -> list[list[Answer]]:
        """Raises EvaluationError where a server cannot be had or fails on too many problems."""
        with self.serving(checkpoint) as url:
            return asyncio.run(self._all(url, checkpoint, asks, folder))

    async def _all(
        self, url: str, checkpoint: Path, asks: Sequence[Ask], folder: Path
    ) -> list[list[Answer]]:
        with Answers(folder) as kept:
            return [await self._ask(url, checkpoint.name, one, kept) for one in asks]

    async def _ask(self, url: str, identity: str, ask: Ask, kept: Answers) -> list[Answer]:
        options = Options(
            temperature=ask.temperature,
            samples=ask.samples,
            seed=ask.seed,
            max_tokens=ask.limit or self.max_new_tokens,
        )
        wanted = samples(ask.problems, options, identity)
        task = self.report.begin(f"{identity}: answers", len(wanted))
        done = 0

        def progress(count: int, _: int) -> None:
            nonlocal done
            self.report.advance(task, count - done)
            done = count

        asking = Asking(wanted, kept, progress)
        async with Server(url, options, connections=self.concurrency) as server:
            await asking.run(server, self.concurrency)
        if len(asking.unsolved) > _LOST * len(wanted):
            reason = next(iter(asking.unsolved.values()))
            raise EvaluationError(
                f"{len(asking.unsolved)} of {len(wanted)} problems got no solution ({reason}); "
                "what is answered is kept: run the same command again"
            )
        return [
            _served(one.problem, one.number, kept.get(one.key), asking.unsolved.get(one.key, ""))
            for one in wanted
        ]


def _served(problem: Problem, sample: int, solution: Solution | None, reason: str) -> Answer:
    if solution is None:
        return Answer(problem, sample, "", failure(problem, sample, reason))
    text = solution.text or _text(solution)
    return Answer(problem, sample, text, judge(solution, problem, sample=sample))


def _text(solution: Solution) -> str:
    """The trace; an action that is not one of the state space has no way to be written again."""
    states = [(one.action, one.output) for one in solution.transitions]
    if not all(action in LABELS for action, _ in states):
        return "\n\n".join(output for _, output in states)
    return render(states)


@dataclass(frozen=True, slots=True)
class Local:
    """Answers by transformers, in this process. Nothing is kept in between."""

    report: Report
    max_new_tokens: int
    batch: int

    def __call__(self, checkpoint: Path, asks: Sequence[Ask], _: Path) -> list[list[Answer]]:
        """Tokens are counted by encoding the text again."""
        model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=precision.fast())
        vocabulary = tokenizer.load(checkpoint)
        return [self._ask(model, vocabulary, one) for one in asks]

    def _ask(self, model: Any, vocabulary: Any, ask: Ask) -> list[Answer]:
        prompt = Prompt.from_tokenizer(vocabulary)
        limit = ask.limit or self.max_new_tokens
        sampler = Sampler(model, vocabulary, ask.temperature, self.batch, limit, ask.seed)
        starts = [Start(one, "", number) for number in range(ask.samples) for one in ask.problems]
        task = self.report.begin("answers", len(starts))
        found: dict[tuple[str, int], Answer] = {}
        for start, text in sampler.write(starts, lambda count: self.report.advance(task, count)):
            # The end token is one of those that are written.
            written = min(len(prompt.data(text)) + 1, limit)
            judged = judge_text(
                text,
                start.problem,
                sample=start.sample,
                finished=written < limit,
                usage=Usage(
                    prompt_tokens=len(prompt.ids(start.problem.question)),
                    completion_tokens=written,
                ),
            )
            found[start.problem.id, start.sample] = Answer(
                start.problem, start.sample, text, judged
            )
        return [
            found.get((one.problem.id, one.sample)) or _unfit(one.problem, one.sample)
            for one in starts
        ]


def _unfit(problem: Problem, sample: int) -> Answer:
    reason = "the question does not fit into the context"
    return Answer(problem, sample, "", failure(problem, sample, reason))
