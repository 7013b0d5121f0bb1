"""Units that ask for solutions of problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from training.problems.problem import Problem
from training.rows import TraceRow, row_key
from training.traces.teacher import prompts
from training.traces.teacher.sampling import Message, Sampling, Unit


def units(problems: Iterable[Problem], sampling: Sampling, samples: int = 1) -> Iterator[Unit]:
    """`samples` units a problem, each id once; more samples later keep the keys of these."""
    digest = sampling.digest
    seen: set[str] = set()
    for problem in problems:
        if problem.id in seen:
            continue
        seen.add(problem.id)
        shown = prompts.messages(sampling.prompt, problem.question)
        messages = tuple(Message(role=role, content=text) for role, text in shown)
        for sample in range(samples):
            key = row_key(problem.id, sample, digest)
            yield Unit(
                row=TraceRow(
                    key=key,
                    problem=problem.id,
                    question=problem.question,
                    gold=problem.answer,
                    trace="",
                    origin=sampling.origin,
                    sample=sample,
                    source=problem.source,
                    split=problem.split,
                    licence=problem.licence,
                ),
                messages=messages,
                seed=sampling.seed_of(key),
            )
