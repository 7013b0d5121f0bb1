"""The wording of Verify and Backtrack, in one place, so that what is served is what was trained.

State 3 says 48 / 2 = 26, but 48 / 2 = 24.
Backtrack to State 2.

What arithmetic cannot refute contradicts the question or an earlier state:

State 1 says m = 48 + 2, but by the question, m = 48 / 2.
State 1 leaves out the clips sold in May.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from statespace.arithmetic.rationals import render
from statespace.errors import RepairError
from statespace.trace import Check, Transition, Verdict

_RELATION: Final = re.compile(r"=|≈|\\approx")
_DIGITS: Final = r"[0-9][0-9,]{0,40}(?:\.[0-9]{1,40})?"
_NUMBER: Final = re.compile(_DIGITS, re.ASCII)
_DIVISIONS: Final = frozenset("/÷")
_MINUS: Final = frozenset("-−")
_PRODUCT: Final = rf"{_DIGITS}(?: ?[*×·/÷] ?{_DIGITS}){{0,8}}"
_FACTOR: Final = re.compile(rf"([*×·/÷]?) ?({_DIGITS})", re.ASCII)
_TERM: Final = re.compile(rf"([+−-]?) ?({_PRODUCT})", re.ASCII)
_SUM: Final = re.compile(rf" ?{_PRODUCT}(?: ?[+−-] ?{_PRODUCT}){{0,8}} ?", re.ASCII)
_ALONE: Final = re.compile(r"[^0-9]{0,8}[0-9][0-9,.]*(?:/[0-9]+)?[^0-9+*/×·÷−-]*", re.ASCII)
"""A side that is one number, with what may stand around it."""


def refutation(transition: Transition) -> Check:
    """The first refuted check of `transition`. Raises `RepairError` if nothing is refuted."""
    for check in transition.checks:
        if check.verdict is Verdict.REFUTED:
            return check
    raise RepairError(
        f"transition {transition.id} has no refuted check: there is nothing to repair"
    )


def is_worded(check: Check) -> bool:
    """Whether `verify_text` can say what is wrong: the claim is refuted by a value."""
    return check.computed is not None and _RELATION.search(check.claim) is not None


def verify_text(number: int, check: Check) -> str:
    """What Verify says of the refuted `check` in the state written as `number`.

    Raises `RepairError` if the check has no computed value to set against the claim.
    """
    relations = list(_RELATION.finditer(check.claim))
    if not relations or check.computed is None:
        raise RepairError(f"the claim {check.claim!r} has no computed value to state")
    left = check.claim[: relations[-1].start()].strip()
    return f"State {number} says {check.claim}, but {left} = {check.computed}."


def missteps(check: Check) -> tuple[str, ...]:
    """What a retry must not say again: the refuted claim as far as its first wrong digit.

    Where the right side is an expression of numbers, it is the first one that is wrong beside the
    left side, term by term: of 20 * 13 + 9 * 13 = 260 + 107 it is the second 1 that should be
    another digit. If their terms do not match, the first number is taken to be the wrong one, and
    else the claim as a whole. Also the claim to the end of the number, for tokenizers that write
    several digits at once. Empty where the wrong number is how the right one begins.
    """
    relations = list(_RELATION.finditer(check.claim))
    if not relations or check.computed is None or check.stated is None:
        return ()
    found = _wrong_number(check, relations[-1])
    if found is None:
        return (check.claim,)
    number, right = found
    wrong = next((i for i, digit in enumerate(number[0]) if right[i : i + 1] != digit), None)
    if wrong is None:
        return ()
    ends = (number.start() + wrong + 1, number.end())
    return tuple(dict.fromkeys(check.claim[:end] for end in ends))


def _wrong_number(check: Check, relation: re.Match[str]) -> tuple[re.Match[str], str] | None:
    """The wrong number of the right side, and what it should be; None if that is not known."""
    assert check.computed is not None
    assert check.stated is not None
    claim, start = check.claim, relation.end()
    if (first := _NUMBER.search(claim, start)) is None:
        return None
    if _ALONE.fullmatch(claim, start):
        return first, check.computed
    left, right = _terms(claim[: relation.start()]), _terms(claim[start:])
    if left is None or right is None:
        return None
    if len(left) == len(right):
        for wanted, (at, value) in zip(left, right, strict=True):
            number = _NUMBER.match(claim, start + at)
            if wanted[1] != value:
                lone = number is not None and _fraction(number[0]) == abs(value)
                return (number, _text(abs(wanted[1]))) if number and lone else None
    if not claim[first.end() :].lstrip().startswith(("+", "-", "−")):
        return None
    change = _fraction(check.computed) - _fraction(check.stated)
    return first, _text(_fraction(first[0]) + change)


def _terms(side: str) -> list[tuple[int, Fraction]] | None:
    """The terms of a sum of products of numbers: where each begins, and its value."""
    if not _SUM.fullmatch(side):
        return None
    terms = []
    for found in _TERM.finditer(side):
        value = Fraction(1)
        for operator, factor in _FACTOR.findall(found[2]):
            number = _fraction(factor)
            if operator in _DIVISIONS and not number:
                return None
            value = value / number if operator in _DIVISIONS else value * number
        terms.append((found.start(2), -value if found[1] in _MINUS else value))
    return terms


def _fraction(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def _text(value: Fraction) -> str:
    return render((value.numerator, value.denominator))


def contradiction_text(number: int, claim: str, truth: str, source: int) -> str:
    """What Verify says of a `claim` of State `number` that State `source` contradicts; 0 is the
    question."""
    by = f"by State {source}" if source else "by the question"
    return f"State {number} says {claim}, but {by}, {truth}."


def omission_text(number: int, missing: str) -> str:
    """What Verify says of the state written as `number` if it leaves out what is `missing`."""
    return f"State {number} leaves out the {missing}."


def holds_text(number: int) -> str:
    """What Verify says of a state in which everything holds."""
    return f"State {number} is correct."


def backtrack_text(number: int) -> str:
    """What Backtrack says to return to the state written as `number`; 0 is the question."""
    return f"Backtrack to State {number}."
