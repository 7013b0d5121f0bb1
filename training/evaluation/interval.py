"""Shares with their 95 % intervals, and how values spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from statespace.trace import Frozen

_Z: Final = statistics.NormalDist().inv_cdf(0.975)


class Share(Frozen):
    """A share of `total` with its 95 % interval; both 0 to 1."""

    count: Annotated[float, Field(description="Whole, but for means over several samples.")]
    total: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, count: float, total: int) -> Share:
        """Wilson's score interval (Wilson 1927), without continuity correction.

        Nothing observed gives 0 with the interval from 0 to 1. `count` need not be whole: where it
        is a sum of means over samples of a problem, which vary less than single ones, the interval
        is wider than it need be.
        """
        if total == 0:
            return cls(count=0, total=0, value=0.0, low=0.0, high=1.0)
        value = count / total
        scale = 1 + _Z**2 / total
        middle = (value + _Z**2 / (2 * total)) / scale
        half = _Z * math.sqrt(value * (1 - value) / total + (_Z / (2 * total)) ** 2) / scale
        low = 0.0 if count == 0 else max(0.0, middle - half)
        high = 1.0 if count == total else min(1.0, middle + half)
        return cls(count=count, total=total, value=value, low=low, high=high)


class Spread(Frozen):
    """How values spread over solutions."""

    mean: float = 0.0
    median: float = 0.0
    p95: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Zeros where there are no values."""
        if not values:
            return cls()
        return cls(
            mean=statistics.fmean(values),
            median=statistics.median(values),
            p95=_percentile(sorted(values), 0.95),
        )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """By linear interpolation between the two nearest, as numpy does."""
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
