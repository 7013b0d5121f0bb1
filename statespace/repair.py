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
_NUMBER: Final = re.compile(r"[0-9][0-9,]{0,40}(?:\.[0-9]{1,40})?", re.ASCII)
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

    Where the right side is an expression of numbers, its first one is taken to be wrong if the
    claim holds with another: of 84 - 45 = 49 - 10 it is 4 that should be another digit. Else it is
    the claim as a whole. Also the claim to the end of that number, for tokenizers that write
    several digits at once. Empty where the wrong number is how the right one begins.
    """
    relations = list(_RELATION.finditer(check.claim))
    number = _NUMBER.search(check.claim, relations[-1].end()) if relations else None
    if number is None or check.computed is None or check.stated is None:
        return ()
    right = _as_it_should_be(check, relations[-1], number)
    if right is None:
        return (check.claim,)
    wrong = next((i for i, digit in enumerate(number[0]) if right[i : i + 1] != digit), None)
    if wrong is None:
        return ()
    ends = (number.start() + wrong + 1, number.end())
    return tuple(dict.fromkeys(check.claim[:end] for end in ends))


def _as_it_should_be(check: Check, relation: re.Match[str], number: re.Match[str]) -> str | None:
    """The first number of the right side, such that the claim would hold; None if unknown."""
    assert check.computed is not None
    assert check.stated is not None
    claim = check.claim
    if _ALONE.fullmatch(claim, relation.end()):
        return check.computed
    follows = claim[number.end() :].lstrip()[:1]
    if follows not in {"+", "-", "−"} or any(map(str.isalpha, claim[: relation.start()])):
        return None
    try:
        first = Fraction(number[0].replace(",", ""))
        right = first + Fraction(check.computed) - Fraction(check.stated.replace(",", ""))
    except ValueError:
        return None
    return render((right.numerator, right.denominator))


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
