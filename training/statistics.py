"""How two ways of answering the same problems compare, over problems and seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from training.sections import Section

Rights = Sequence[Sequence[bool]]
"""For each seed, for each problem in the same order: whether the answer is right."""

DRAWS: Final = 2000
_SEED: Final = 0


class Paired(Section):
    """One way of answering, `ours`, against another, `theirs`; differences are ours less theirs."""

    difference: Annotated[float, Field(description="Of accuracies, −1 to 1.")]
    low: Annotated[float, Field(description="95 % bootstrap interval over problems and seeds.")]
    high: float
    only_ours: Annotated[int, Field(description="Problem and seed: right by ours only.")]
    only_theirs: int
    mcnemar: Annotated[float, Field(description="Exact, two-sided p over problems and seeds.")]


def paired(ours: Rights, theirs: Rights) -> Paired:
    """Compare; seeds and problems stand in the same order in both.

    The bootstrap draws seeds and, within all of them, problems anew, both with replacement, so that
    its interval holds for other problems and other seeds alike; with three seeds it is a rough one.
    McNemar's exact test takes each problem of each seed for itself. Raises ValueError where the two
    have not the same seeds and problems.
    """
    if not ours or [len(one) for one in ours] != [len(one) for one in theirs]:
        raise ValueError("only answers to the same problems can be compared")
    # Where a problem and seed differ: 1, 0 or -1.
    gaps = [
        [int(mine) - int(other) for mine, other in zip(first, second, strict=True)]
        for first, second in zip(ours, theirs, strict=True)
    ]
    flat = [gap for seed in gaps for gap in seed]
    better, worse = flat.count(1), flat.count(-1)
    low, high = _interval(gaps)
    return Paired(
        difference=sum(flat) / len(flat),
        low=low,
        high=high,
        only_ours=better,
        only_theirs=worse,
        mcnemar=mcnemar(better, worse),
    )


def _interval(gaps: Sequence[Sequence[int]]) -> tuple[float, float]:
    found = np.array(gaps)
    seeds, problems = found.shape
    rng = np.random.default_rng(_SEED)
    # How often each was drawn, in every draw.
    of_seeds = rng.multinomial(seeds, [1 / seeds] * seeds, DRAWS)
    of_problems = rng.multinomial(problems, [1 / problems] * problems, DRAWS)
    totals = ((of_seeds @ found) * of_problems).sum(axis=1)
    low, high = np.quantile(totals / found.size, (0.025, 0.975))
    return float(low), float(high)


def mcnemar(first: int, second: int) -> float:
    """The exact two-sided p of `first` against `second` discordant pairs (McNemar 1947)."""
    total = first + second
    tail = sum(math.comb(total, k) for k in range(min(first, second) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**total)))


def spread(values: Sequence[float]) -> float:
    """The sample standard deviation; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
