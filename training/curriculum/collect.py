"""From problems and wrong traces to pairs and advanced traces, with a count of everything."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from statespace.text import render
from training.curriculum import pairs, repair, wrong
from training.curriculum.pairs import AdvancedRow
from training.curriculum.repair import Repair
from training.curriculum.settings import Advanced
from training.data import stream
from training.evaluate import is_right
from training.problems import generator
from training.problems.problem import Problem
from training.rows import Origin, PairMode, PairRow, Repairer, TraceRow
from training.traces.graph import Pairs

Repairing = Callable[[Problem, Pairs], Repair | None]
"""Puts a wrong trace right; None if it cannot."""

Item = TypeVar("Item")

_GENERATED, _SAMPLED = "pairs/generated", "pairs/sampled"


@dataclass(slots=True)
class Collection:
    """Rows of one curriculum. `counts` tells what became of every wrong trace."""

    mode: PairMode
    repairer: Repairer
    noticing: float = 1.0
    preferences: list[PairRow] = field(default_factory=list)
    anchors: list[PairRow] = field(default_factory=list)
    advanced: list[AdvancedRow] = field(default_factory=list)
    confirmed: list[AdvancedRow] = field(default_factory=list)
    clean: list[AdvancedRow] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _known: set[str] = field(default_factory=set)

    def add(
        self, problem: Problem, states: Pairs, mend: Repairing, *, origin: Origin, sample: int
    ) -> None:
        """One wrong trace, once; a trace that is met again is only counted."""
        known = f"{problem.id}\0{render(states)}"
        if known in self._known:
            self.counts["duplicate"] += 1
            return
        self._known.add(known)
        mended = mend(problem, states)
        if mended is None:
            self.counts["not repaired"] += 1
            return
        self.counts["refuted" if mended.refuted else "contradicted"] += 1
        who: dict[str, Any] = {"repairer": self.repairer, "wrong": origin, "sample": sample}
        # Drawn by content, so that the order in which traces come changes nothing.
        notices = Random(known).random() < self.noticing
        if self.mode == "step":
            self.preferences += pairs.steps(problem, mended, notices=notices, **who)
        else:
            self.preferences.append(pairs.trajectory(problem, mended, **who))
        self.advanced.append(pairs.advanced(problem, mended, notices=notices, **who))
        confirmed = pairs.confirmed(problem, len(mended.good))
        if confirmed is not None:
            self.confirmed.append(confirmed)
        anchor = pairs.anchor(problem, mended, mode=self.mode, wrong=origin, sample=sample)
        clean = pairs.clean(problem)
        if anchor is not None and clean is not None:
            self.anchors.append(anchor)
            self.clean.append(clean)

    def examples(self, settings: Advanced, seed: int) -> list[AdvancedRow]:
        """What to fine-tune on, shuffled, in the shares of `settings`; the surplus is left out."""
        share = settings.confirmed / (1 - settings.clean) if settings.clean < 1 else 0.0
        noticed = shared(self.advanced, self.confirmed, min(1.0, share), seed)
        return shared(noticed, self.clean, settings.clean, seed)

    def rows(self, anchor: float, seed: int) -> list[PairRow]:
        """The pairs, shuffled, of which a share of `anchor` are anchors.

        What there is too much of for that share is left out.
        """
        return shared(self.preferences, self.anchors, anchor, seed)


def problems(
    seed: int, purpose: str, weights: Mapping[int, float], tested: frozenset[str]
) -> Iterator[Problem]:
    """An endless stream of generated problems of its own, without tested questions."""
    number = stream(seed, purpose)
    rng = Random(number)
    lengths, shares = list(weights), list(weights.values())
    for index in itertools.count():
        length = rng.choices(lengths, shares)[0]
        problem = generator.generate(number, index, operations=(length, length))
        if problem.question not in tested:
            yield problem


def generated(
    count: int, seed: int, weights: Mapping[int, float], tested: frozenset[str]
) -> Iterator[Problem]:
    """The problems whose graphs are corrupted."""
    return itertools.islice(problems(seed, _GENERATED, weights, tested), count)


def asked(
    count: int, seed: int, weights: Mapping[int, float], tested: frozenset[str]
) -> list[Problem]:
    """The problems that the model is asked, to find its own wrong traces."""
    return list(itertools.islice(problems(seed, _SAMPLED, weights, tested), count))


def corrupted(found: Iterable[Problem], seed: int) -> Iterator[tuple[Problem, Pairs, int]]:
    """Wrong traces of generated problems, one each."""
    for problem in found:
        made = wrong.corrupt(problem, Random(f"{seed}/{problem.id}"))
        if made is not None:
            yield problem, made.states, 0


def written(
    rows: Iterable[TraceRow], known: Mapping[str, Problem], counts: Counter[str]
) -> Iterator[tuple[Problem, Pairs, int]]:
    """The wrong ones among traces that were written; what cannot be used is counted."""
    for row in rows:
        if is_right(row.trace, row.gold):
            counts["right"] += 1
            continue
        problem = known.get(row.problem)
        states = repair.states(row.trace)
        if problem is None:
            counts["unknown problem"] += 1
        elif states is None:
            counts["unparsed"] += 1
        else:
            yield problem, states, row.sample


def shared(first: Sequence[Item], second: Sequence[Item], share: float, seed: int) -> list[Item]:
    """Items of both, shuffled, of which `share` are of the second; the surplus is left out."""
    rng = Random(seed)
    ours, others = rng.sample(first, len(first)), rng.sample(second, len(second))
    if share == 1:
        return others
    wanted = round(len(ours) * share / (1 - share))
    if wanted > len(others):
        ours = ours[: round(len(others) * (1 - share) / share)]
    both = ours + others[:wanted]
    rng.shuffle(both)
    return both
