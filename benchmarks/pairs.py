"""Ratios of paired measurements, so that what slows the whole machine cancels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median
from typing import Final

CONFIDENCE: Final = 0.93
"""What an interval shall reach, if there are enough pairs: with 5 there are."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of `count` values, with the least and the greatest; to four decimals."""

    median: float
    min: float
    max: float
    count: int


@dataclass(frozen=True, slots=True)
class Interval:
    """The median of `count` values, and between which of them the true one lies."""

    median: float
    low: float
    high: float
    count: int
    confidence: float
    """How likely it does, whatever the distribution, if the values are independent."""


def spread(values: Sequence[float]) -> Spread:
    """Raises `ValueError` if there are no values."""
    if not values:
        raise ValueError("a spread needs at least one value")
    return Spread(
        round(median(values), 4), round(min(values), 4), round(max(values), 4), len(values)
    )


def interval(values: Sequence[float]) -> Interval:
    """The narrowest pair of values, equally far from both ends, that reaches `CONFIDENCE`.

    Each value is as likely above the true median as below it, so that the chance of all but a few
    on one side is that of a coin. Raises `ValueError` if there are no values.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    ordered, count = sorted(values), len(values)
    left_out = 0
    while left_out + 1 < (count + 1) // 2 and _confidence(count, left_out + 1) >= CONFIDENCE:
        left_out += 1
    return Interval(
        round(median(ordered), 4),
        round(ordered[left_out], 4),
        round(ordered[count - 1 - left_out], 4),
        count,
        round(_confidence(count, left_out), 3),
    )


def _confidence(count: int, left_out: int) -> float:
    tail: int = sum(comb(count, few) for few in range(left_out + 1))
    return 1 - 2 * tail / float(2**count)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The spread of `ours / theirs`, pair by pair: values at the same place were measured together.

    Raises `ValueError` if the two do not pair up or a divisor is not positive.
    """
    return spread(divided(ours, theirs))


def divided(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """`ours / theirs`, pair by pair. Raises `ValueError` as `ratios` does."""
    if any(value <= 0 for value in theirs):
        raise ValueError("cannot take a ratio to a value that is not positive")
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]
