"""`statewise train pairs`: wrong traces and problems → pairs and advanced traces, in files.

pairs.jsonl              preference pairs
pairs.advanced.jsonl     traces to fine-tune on: repairs, confirmations and clean ones
pairs.manifest.json      what they were made from, and what became of every wrong trace
pairs.samples/           the model's own continuations, for `--repair self`
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import RootModel

from statespace.text import render
from training import manifest, rows
from training.curriculum import collect, repair, wrong
from training.curriculum.collect import Collection, Repairing
from training.curriculum.own import OwnRepairs
from training.curriculum.pairs import is_anchor
from training.curriculum.sampler import Sampler
from training.curriculum.settings import Pairs
from training.errors import DataError
from training.problems import jsonl, output as outputs
from training.problems.problem import Problem
from training.problems.sources.trainable import trainable
from training.progress import Report
from training.rows import Origin, RejectedRow, TraceRow
from training.traces.graph import Pairs as States
from training.traces.inputs import digests
from training.traces.teacher.review import RepairRow

CODE: Final = (Path(__file__).parent,)
"""What decides the pairs; its digest is part of a file's key."""

Case = tuple[Problem, States, Origin, int]
"""A wrong trace of a problem: its states, who wrote it, and which sample it is."""


class _Written(RootModel[RepairRow | RejectedRow | TraceRow]):
    """A line of any file of traces."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is read. `corrupt` wrong traces are made of each problem that has a graph."""

    problems: Sequence[Path]
    wrong: Sequence[Path] = ()
    reviews: Sequence[Path] = ()
    corrupt: int = 1

    def digests(self) -> dict[str, Any]:
        """What identifies them. Raises DataError."""
        return {
            **digests([*self.problems, *self.wrong, *self.reviews]),
            "corrupt": self.corrupt,
        }


def make(  # noqa: PLR0913
    inputs: Inputs,
    settings: Pairs,
    target: Path,
    *,
    seed: int,
    sampler: Callable[[], Sampler] | None = None,
    model: str = "",
    report: Report,
) -> dict[str, Any]:
    """Writes the files; finished ones are left as they are. Returns the manifest.

    `sampler` gives the model that repairs, `model` names it. Raises DataError.
    """
    advanced = target.with_suffix(".advanced.jsonl")
    for path in (target, advanced):
        outputs.check_apart(path, *inputs.problems, *inputs.wrong, *inputs.reviews)
    read = inputs.digests()
    key = manifest.key(read, settings.model_dump(), seed, model, manifest.source_digest(CODE))
    if done := outputs.finished(target, key):
        return done
    made = _collect(inputs, settings, seed, sampler, target, report)
    pairs = made.rows(settings.anchor, seed)
    if not pairs:
        raise DataError(f"no pair could be made: {dict(made.counts)}; give more wrong traces")
    # Several wrong traces of one problem share its clean one.
    traces = {row.key: row for row in (*made.advanced, *made.confirmed, *made.clean)}
    counts = {
        target: rows.write(target, pairs),
        advanced: rows.write(advanced, traces.values()),
    }
    anchors = sum(map(is_anchor, pairs))
    return outputs.finish(
        target,
        counts,
        step="pairs",
        key=key,
        settings=settings.model_dump(mode="json"),
        seed=seed,
        model=model,
        inputs=read,
        counts=dict(made.counts),
        anchors=anchors,
    )


def _collect(  # noqa: PLR0913, PLR0917
    inputs: Inputs,
    settings: Pairs,
    seed: int,
    sampler: Callable[[], Sampler] | None,
    target: Path,
    report: Report,
) -> Collection:
    made = Collection(settings.mode, settings.repair, settings.noticing)
    problems = {
        problem.id: problem for path in inputs.problems for problem in trainable(jsonl.read(path))
    }
    if settings.repair == "teacher":
        cases, mend = _reviewed(inputs, problems, made)
    else:
        cases = [*_corrupted(problems, inputs.corrupt, seed), *_written(inputs, problems, made)]
        mend = repair.by_graph
    if settings.repair == "self":
        if sampler is None:
            raise DataError("--repair self: name the model that repairs its traces with --model")
        own = report.begin("own repairs", len(cases) * settings.sampled)
        mend = OwnRepairs(
            sampler(),
            [(problem, states) for problem, states, _, _ in cases],
            tries=settings.sampled,
            folder=target.with_suffix(".samples"),
            advance=lambda count: report.advance(own, count),
        )
    task = report.begin("pairs", len(cases))
    for problem, states, origin, sample in cases:
        made.add(problem, states, mend, origin=origin, sample=sample)
        report.advance(task)
    return made


def _corrupted(problems: dict[str, Problem], count: int, seed: int) -> Iterator[Case]:
    graphs = (problem for problem in problems.values() if problem.quantities)
    for problem, sample in itertools.product(graphs, range(count)):
        found = wrong.corrupt(problem, Random(f"{seed}/{problem.id}/{sample}"))
        if found is not None:
            yield problem, found.states, "graph", sample


def _written(inputs: Inputs, problems: dict[str, Problem], made: Collection) -> Iterator[Case]:
    for path in inputs.wrong:
        outputs.check_whole(path)
        lines = trainable(line.root for line in rows.read(path, _Written))
        for row in lines:
            for problem, states, sample in collect.written([row], problems, made.counts):
                yield problem, states, row.origin, sample


def _reviewed(
    inputs: Inputs, problems: dict[str, Problem], made: Collection
) -> tuple[list[Case], Repairing]:
    """The wrong traces of a reviewer's rows, and what the reviewer wrote behind them."""
    if not inputs.reviews:
        raise DataError("--repair teacher: name the reviewer's repaired traces with --reviews")
    cases: list[Case] = []
    reviews: dict[tuple[str, str], States] = {}
    for path in inputs.reviews:
        outputs.check_whole(path)
        for row in trainable(rows.read(path, RepairRow)):
            before, after = repair.states(row.wrong.trace), repair.states(row.trace)
            problem = problems.get(row.problem)
            if problem is None or before is None or after is None:
                made.counts["unknown problem" if problem is None else "unparsed"] += 1
                continue
            cases.append((problem, before, row.wrong.origin, row.sample))
            reviews.setdefault((problem.id, render(before)), after)

    def mend(problem: Problem, states: States) -> repair.Repair | None:
        return repair.by_teacher(problem, states, reviews[problem.id, render(states)])

    return cases, mend
