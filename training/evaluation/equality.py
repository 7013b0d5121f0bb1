"""When an answer is the gold one: as numbers, exactly or within a tolerance, else symbolically."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from statespace import answers, equality, symbolic
from statespace.errors import SymbolicError
from training.errors import EvaluationError


def matches(answer: str, gold: str, tolerance: float = 0.0) -> bool:
    """Whether `answer` is `gold`; `tolerance` is relative to gold, 0 asks for exact equality.

    Where gold is a number without a percent sign, an answer may bear one: data sets leave it out.
    Raises EvaluationError if math-verify is needed and not installed.
    """
    expected = answers.number(gold)
    if expected is None:
        return same(answer, gold)
    found = _number(answer, percent="%" in gold)
    if found is None:
        with _needed():
            return "\\" in answer and symbolic.equal(gold, answer)
    return abs(found - expected) <= Fraction(str(tolerance)) * abs(expected)


def same(one: str, other: str) -> bool:
    """Whether two answers are mathematically equal.

    Raises EvaluationError if math-verify is needed and not installed.
    """
    with _needed():
        return equality.same(one, other)


def require() -> None:
    """Raises EvaluationError if math-verify is not installed."""
    with _needed():
        symbolic.comparer().require()


def is_plain(gold: str) -> bool:
    """Whether comparing with `gold` needs exact arithmetic only."""
    return answers.number(gold) is not None


@contextmanager
def _needed() -> Iterator[None]:
    try:
        yield
    except SymbolicError as error:
        raise EvaluationError(str(error)) from error


def _number(answer: str, *, percent: bool) -> Fraction | None:
    text = answer if percent else answer.replace("\\%", "").replace("%", "")
    return answers.number(text)
