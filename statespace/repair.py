"""The wording of Verify and Backtrack, in one place, so that what is served is what was trained.

State 3 says 48 / 2 = 26, but 48 / 2 = 24.
Backtrack to State 2.

What arithmetic cannot refute contradicts the question or an earlier state:

State 1 says m = 48 + 2, but by the question, m = 48 / 2.
State 1 leaves out the clips sold in May.
"""

from __future__ import annotations

import re
from typing import Final

from statespace.errors import RepairError
from statespace.trace import Check, Transition, Verdict

_RELATION: Final = re.compile(r"=|≈|\\approx")


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
