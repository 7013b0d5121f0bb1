"""Where an answer first goes wrong: the same rule for chains of thought and for traces.

Both write each step as numbers with a result, `48 - 5 = 43`, in the order of the problem's graph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from training.experiment.answers import Answer
from training.problems.problem import Problem

_NUMBER: Final = r"\d{1,9}(?:\.\d{1,9})?"
_STEP: Final = re.compile(
    rf"(?<![\w.] )(?<![\w.])({_NUMBER}) ([-+*/]) ({_NUMBER})((?: = [\d.+*/ -]{{1,80}}?)*)"
    rf" = ({_NUMBER})(?![ \d]*[-+*/=])",
    re.A,
)


class Mistake(StrEnum):
    """What the first difference from the problem's own solution is."""

    NONE = "none"
    """The answer is right."""
    UNFINISHED = "unfinished"
    """No answer is stated: cut off, or nothing that can be read."""
    OPERATION = "operation"
    """A step that is not the problem's: another operation, one too many or too few."""
    NUMBER = "number"
    """The right operation on other numbers: misread in the question or miscopied."""
    ARITHMETIC = "arithmetic"
    """The right numbers and operation, another result."""
    ANSWER = "answer"
    """All steps are right, and another answer is stated."""


class Step(NamedTuple):
    """One worked step."""

    left: Fraction
    operator: str
    right: Fraction
    result: Fraction


def steps(text: str) -> list[Step]:
    """The worked steps of an answer, in order; how a hard one is split up is left out."""
    return [
        Step(Fraction(one[1]), one[2], Fraction(one[3]), Fraction(one[5]))
        for one in _STEP.finditer(text)
    ]


def expected(problem: Problem) -> list[Step]:
    """The steps that solve a generated problem whose relations have two operands."""
    values = {one.symbol: one.value for one in problem.quantities}
    found = []
    for one in problem.quantities:
        if one.expression is not None:
            left, operator, right = (values.get(t, t) for t in one.expression.split())
            found.append(Step(Fraction(left), operator, Fraction(right), Fraction(one.value)))
    return found


def mistake(answer: Answer) -> Mistake:
    """The first mistake of an answer; of a trace that goes back, of all that it wrote."""
    if answer.judgement.right:
        return Mistake.NONE
    if answer.judgement.answer is None:
        return Mistake.UNFINISHED
    written, right = steps(answer.text), expected(answer.problem)
    for ours, theirs in zip(written, right, strict=False):
        if ours.operator != theirs.operator:
            return Mistake.OPERATION
        if not _same(ours, theirs):
            return Mistake.NUMBER
        if ours.result != theirs.result:
            return Mistake.ARITHMETIC
    return Mistake.ANSWER if len(written) == len(right) else Mistake.OPERATION


def mistakes(answers: Iterable[Answer]) -> dict[str, int]:
    """How many answers make which mistake first."""
    counts = Counter(mistake(one) for one in answers)
    return {kind.value: counts[kind] for kind in Mistake}


def _same(ours: Step, theirs: Step) -> bool:
    if ours.operator in "+*":
        return {ours.left, ours.right} == {theirs.left, theirs.right}
    return (ours.left, ours.right) == (theirs.left, theirs.right)
