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
from math import floor
from typing import Final, NamedTuple

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
_PERCENT: Final = re.compile(r" ?(?:\\?%|percent\b)", re.I)
_OVER: Final = re.compile(r" ?/ ?([0-9]{1,40})", re.ASCII)
_LEADING: Final = re.compile(r"[0-9]+", re.ASCII)
_LONG: Final = 50
"""Decimals of an endless number, more than a written one has."""
_HALF: Final = Fraction(1, 2)


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
    several digits at once. A digit is wrong if the right number has another one there however it
    is written. Empty where the wrong number is how the right one begins.
    """
    relations = list(_RELATION.finditer(check.claim))
    if not relations or check.computed is None or check.stated is None:
        return ()
    wrong = _wrong_number(check, relations[-1])
    if wrong is None:
        return (check.claim,)
    written, after = check.claim[wrong.start : wrong.end], check.claim[wrong.end :]
    ends = {wrong.end}
    if (wrong.stated < 0) == (wrong.right < 0):
        forms = _forms(abs(wrong.right), written, after)
        if any(form.startswith(written) for form in forms):
            return ()
        ends.add(wrong.start + 1 + max(_first_difference(written, form) for form in forms))
    return tuple(check.claim[:end] for end in sorted(ends))


class _Wrong(NamedTuple):
    """Where the wrong number of a claim stands, its value, and what that should be."""

    start: int
    end: int
    stated: Fraction
    right: Fraction


def _wrong_number(check: Check, relation: re.Match[str]) -> _Wrong | None:
    """The wrong number of the right side; None if that is not known."""
    assert check.computed is not None
    assert check.stated is not None
    claim, start = check.claim, relation.end()
    if (first := _NUMBER.search(claim, start)) is None:
        return None
    computed, stated = _fraction(check.computed), _fraction(check.stated)
    if _ALONE.fullmatch(claim, start):
        dot = claim[first.start() - 1] == "."  # ".5"
        return _Wrong(first.start() - dot, first.end(), stated, computed)
    left, right = _terms(claim[: relation.start()]), _terms(claim[start:])
    if left is None or right is None:
        return None
    if len(left) == len(right):
        for (_, wanted), (at, value) in zip(left, right, strict=True):
            number = _NUMBER.match(claim, start + at)
            if wanted != value:
                lone = number is not None and _fraction(number[0]) == abs(value)
                return _Wrong(*number.span(), value, wanted) if number and lone else None
    if not claim[first.end() :].lstrip().startswith(("+", "-", "−")):
        return None
    value = right[0][1]
    return _Wrong(*first.span(), value, value + computed - stated)


def _forms(value: Fraction, written: str, after: str) -> set[str]:
    """How `value` may be written in place of `written`, which `after` follows.

    In full, as a fraction, rounded to as many decimals or fewer; in hundredths before a percent
    sign. What has a denominator is not rounded.
    """
    over = _OVER.match(after)
    roundings = 0 if over else 1 + len(written.partition(".")[2])
    values = [value, value * 100] if _PERCENT.match(after) else [value]
    plain = {_decimal(floor(each * 10**_LONG), _LONG) for each in values}
    for each in values:
        plain |= {_text(each), str(each), f"{floor(each)} {each % 1}"}
        for places in range(roundings):
            scaled = each * 10**places
            # Both customs for a tie hold.
            plain |= {_decimal(whole, places) for whole in (round(scaled), floor(scaled + _HALF))}
    if over:
        plain.add(str(value * int(over[1])))
    return {
        form
        for text in plain
        for form in (text, text.removeprefix("0"), _LEADING.sub(_with_commas, text, count=1))
        if form
    }


def _decimal(digits: int, places: int) -> str:
    text = str(digits).rjust(places + 1, "0")
    return f"{text[:-places]}.{text[-places:]}" if places else text


def _with_commas(digits: re.Match[str]) -> str:
    return f"{int(digits[0]):,}"


def _first_difference(written: str, form: str) -> int:
    return next(at for at, digit in enumerate(written) if form[at : at + 1] != digit)


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
