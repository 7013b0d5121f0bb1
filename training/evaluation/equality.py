"""When an answer is the gold one: as numbers, exactly or within a tolerance, else symbolically."""

from __future__ import annotations

from fractions import Fraction

from statespace import answers
from training.evaluation import symbolic


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
        return "\\" in answer and symbolic.equal(gold, answer)
    return abs(found - expected) <= Fraction(str(tolerance)) * abs(expected)


def same(one: str, other: str) -> bool:
    """Whether two answers are mathematically equal: what votes are grouped by."""
    one, other = _clean(one), _clean(other)
    if answers.equal(one, other):
        return True
    numbers = answers.number(one), answers.number(other)
    return None in numbers and _has_mathematics(one, other) and symbolic.equal(one, other)


def is_plain(gold: str) -> bool:
    """Whether comparing with `gold` needs exact arithmetic only."""
    return answers.number(gold) is not None


def _number(answer: str, *, percent: bool) -> Fraction | None:
    text = answer if percent else answer.replace("\\%", "").replace("%", "")
    return answers.number(text)


def _clean(answer: str) -> str:
    r"""`answer` without the markup that a box's contents are stripped of, such as `\text{…}`."""
    return answers.extract(f"\\boxed{{{answer}}}") or answer


def _has_mathematics(one: str, other: str) -> bool:
    """Plain words are compared as such; formulas have digits, operators or commands."""
    return all(
        any(not c.isalpha() and not c.isspace() for c in text) or len(text) == 1
        for text in (one, other)
    )
