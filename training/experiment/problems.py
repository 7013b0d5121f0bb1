"""The experiment's problems: a pool to learn from, and four sets that nobody learns from.

All are the generator's own, of the recipe's relations; of what it makes, those are taken whose
values keep the recipe's bounds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Final

from training.data import stream
from training.experiment.settings import Experiment
from training.problems import generator
from training.problems.problem import Problem, Split
from training.sections import Section

SEEN: Final = "seen wordings"
HELDOUT: Final = "held-out wordings"
LONGER: Final = "longer chains"
LARGER: Final = "larger numbers"
SETS: Final = (SEEN, HELDOUT, LONGER, LARGER)

_SEED: Final = 4
"""Problems are the same for all seeds of the experiment, which decide order, mistakes and samples.

The recipe was tuned on those of another seed.
"""


class _Bounds(Section):
    """What a problem of a set has to be."""

    split: Split = "seen"
    operations: dict[int, float]
    above: int = 0
    """The largest value exceeds this …"""
    most: int
    """… and not this."""


def largest(problem: Problem) -> Fraction:
    """The largest value of a quantity of `problem`, given or derived."""
    return max(Fraction(quantity.value) for quantity in problem.quantities)


def sets(recipe: Experiment) -> dict[str, list[Problem]]:
    """The four sets by name, without a question twice."""
    wanted = recipe.problems
    low, high = wanted.longer
    lengths = dict.fromkeys(range(low, high + 1), 1.0)
    bounds = {
        SEEN: _Bounds(operations=wanted.operations, most=wanted.largest),
        HELDOUT: _Bounds(split="heldout", operations=wanted.operations, most=wanted.largest),
        LONGER: _Bounds(operations=lengths, most=wanted.largest),
        LARGER: _Bounds(operations=wanted.operations, above=wanted.largest, most=wanted.larger),
    }
    known: set[str] = set()
    return {
        name: list(
            itertools.islice(_drawn(recipe, f"test/{name}", one, known), recipe.evaluation.problems)
        )
        for name, one in bounds.items()
    }


def pool(recipe: Experiment, tested: frozenset[str]) -> list[Problem]:
    """What is learnt from: no question of `tested`, none twice."""
    wanted = recipe.problems
    bounds = _Bounds(operations=wanted.operations, most=wanted.largest)
    return list(itertools.islice(_drawn(recipe, "pool", bounds, set(tested)), wanted.pool))


def _drawn(recipe: Experiment, purpose: str, one: _Bounds, known: set[str]) -> Iterator[Problem]:
    """Fitting problems without end; their questions are added to `known`."""
    seed = stream(_SEED, f"experiment/{purpose}")
    rng = Random(seed)
    lengths, weights = list(one.operations), list(one.operations.values())
    kinds = frozenset(recipe.problems.relations)
    length = rng.choices(lengths, weights)[0]
    for index in itertools.count():
        problem = generator.generate(
            seed, index, split=one.split, operations=(length, length), only=kinds
        )
        if problem.question in known:
            continue
        if not one.above < largest(problem) <= one.most:
            continue
        known.add(problem.question)
        yield problem
        # Drawn anew only now: else lengths that are found rarely would be rare in the set.
        length = rng.choices(lengths, weights)[0]
