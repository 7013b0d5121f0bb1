"""Repairs by the model itself: it goes on from the last good state until it gets the rest right.

Step-DPO (arXiv 2406.18629) found such pairs, which the model could have written, to teach more than
a stronger model's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from statespace.reader import read
from statespace.text import SEPARATOR, render
from statespace.trace import Frozen
from training import manifest, rows
from training.curriculum.faults import Fault, locate
from training.curriculum.repair import Repair, by_model
from training.curriculum.sampler import Advance, Sampler, Start
from training.problems.problem import Problem
from training.traces.graph import Pairs

_CHUNK: Final = 512
"""Continuations that are kept together: what a killed run does again at most."""


class _Row(Frozen):
    problem: str
    prefix: str
    text: str


class OwnRepairs:
    """Continuations of the good states of wrong traces, sampled at once. Call it to repair one."""

    def __init__(
        self,
        sampler: Sampler,
        cases: Sequence[tuple[Problem, Pairs]],
        *,
        tries: int,
        folder: Path,
        advance: Advance = lambda _: None,
    ) -> None:
        self._found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        starts = list(dict.fromkeys(_starts(cases, tries)))
        for begin in range(0, len(starts), _CHUNK):
            chunk = starts[begin : begin + _CHUNK]
            key = manifest.key(
                sampler.digest, [(one.problem.id, one.prefix, one.sample) for one in chunk]
            )
            path = folder / f"{key[:32]}.jsonl"
            if not path.is_file():
                rows.write(path, _written(sampler, chunk))
            for row in rows.read(path, _Row):
                self._found[row.problem, row.prefix].append(row.text)
            advance(len(chunk))

    def __call__(self, problem: Problem, wrong: Pairs) -> Repair | None:
        """The first continuation that is right as a repair; None if there is none."""
        fault = locate(problem, read(render(wrong)))
        if fault is None:
            return None
        texts = self._found[problem.id, _prefix(wrong, fault)]
        repairs = (by_model(problem, wrong, fault, text) for text in texts)
        return next((repair for repair in repairs if repair is not None), None)


def _starts(cases: Sequence[tuple[Problem, Pairs]], tries: int) -> Iterator[Start]:
    for problem, wrong in cases:
        fault = locate(problem, read(render(wrong)))
        if fault is not None:
            for sample in range(tries):
                yield Start(problem, _prefix(wrong, fault), sample)


def _prefix(wrong: Pairs, fault: Fault) -> str:
    good = wrong[: fault.index]
    return render(good) + SEPARATOR if good else ""


def _written(sampler: Sampler, starts: Sequence[Start]) -> Iterator[_Row]:
    for start, text in sampler.write(starts):
        yield _Row(problem=start.problem.id, prefix=start.prefix, text=text)
