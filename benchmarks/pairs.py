"""Ratios of paired measurements, so that what slows the whole machine cancels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of `count` values, with the least and the greatest; to four decimals."""

    median: float
    min: float
    max: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Raises `ValueError` if there are no values."""
    if not values:
        raise ValueError("a spread needs at least one value")
    return Spread(
        round(median(values), 4), round(min(values), 4), round(max(values), 4), len(values)
    )


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The spread of `ours / theirs`, pair by pair: values at the same place were measured together.

    Raises `ValueError` if the two do not pair up or a divisor is not positive.
    """
    if any(value <= 0 for value in theirs):
        raise ValueError("cannot take a ratio to a value that is not positive")
    return spread([mine / other for mine, other in zip(ours, theirs, strict=True)])
