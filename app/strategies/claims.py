"""What a transition claims, so that two which say the same in other words count as one.

Arithmetic is compared by its exact numbers: `m = 48 / 2 = 24` and `In May, 48 ÷ 2 = 24.0.` are the
same step. An answer is compared as a number too, a Backtrack by its target, and what holds nothing
to compute by its words.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction

from statespace.actions import Action
from statespace.answers import extract, number
from statespace.trace import Check, Transition

Claim = tuple[Action, Hashable]


def claim(transition: Transition) -> Claim:
    """What `transition` claims; equal for two that claim the same. Total."""
    return transition.action, _content(transition)


def _content(transition: Transition) -> Hashable:
    if transition.target is not None:
        return transition.target
    if transition.action is Action.SUMMARIZE and (answer := extract(transition.output)) is not None:
        value = number(answer)
        return _words(answer) if value is None else value
    if transition.checks:
        return frozenset(_values(check) for check in transition.checks)
    return _words(transition.output)


def _values(check: Check) -> Hashable:
    """The two sides of an equation; its words where one of them is not known."""
    if check.stated is None or check.computed is None:
        return _words(check.claim)
    return Fraction(check.stated), Fraction(check.computed)


def _words(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" .")
