"""The arithmetic verifier: finds the claims in an output and checks them exactly.

A claim is `a op b = c` in running text, or a link of a chain of such. Both sides are exact
rationals. Rules:

- A bare number with d decimals holds if it is the other side rounded to d decimals; ties may go
  up or to even. Where the rounding is coarse (over 10 %) it is `unchecked`.
- A truncated value is `unchecked`: it is no rounding, but in GSM8K's solutions nearly all of them
  are meant (full boxes, `17/3 = 5 and 2/3`, `8.333...%`).
- Units, currency signs and words beside numbers are skipped. A percentage may mean hundredths or a
  unit of its own; after + or - it may also be relative to what precedes it.
- A name takes the value that the text gave it last. A claim with a name of unknown value is
  `unchecked`. `m = 48 / 2` binds m; giving a name a new value is no mistake.
- Where the words leave room for a reading in which the claim might hold, it is `unchecked`: a
  false refutation costs more than a missed one.

Nothing is evaluated as code. The work is bounded by `statespace.arithmetic.limits`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from statespace.arithmetic.limits import MAX_TEXT, Budget, OutOfStepsError
from statespace.arithmetic.links import LinkChecker
from statespace.arithmetic.scope import Scope
from statespace.arithmetic.tokens import tokenize
from statespace.trace import Check, Verdict

__all__ = ["Scope", "Verification", "verify_output"]

_RELATIONS = ("=", "≈", "\\approx")


@dataclass(frozen=True, slots=True)
class Verification:
    """What the verifier says of one output.

    `scope` is what the path knows after it; `steps` is the work done, in steps of
    `statespace.arithmetic.limits`.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    scope: Scope
    steps: int


def verify_output(text: str, scope: Scope = Scope.EMPTY) -> Verification:
    """Check every arithmetic claim in `text`, given what `scope` knows.

    Total: never raises on any text, and stops after `limits.MAX_STEPS` steps with the checks made
    so far. Offsets in the checks are characters of `text`.
    """
    if not any(relation in text for relation in _RELATIONS):
        return Verification(Verdict.UNCHECKED, (), scope, 0)
    budget = Budget()
    checker = LinkChecker(text, scope, budget)
    # Out of steps, what was found until then stands; the rest of the text is not checked.
    with suppress(OutOfStepsError):
        checker.run(tokenize(text, 0, _scanned(text), budget))
    checks = tuple(checker.checks)
    return Verification(_overall(checks), checks, checker.scope, budget.spent)


def _scanned(text: str) -> int:
    """How much of `text` is read: all, or whole lines (else words) within the limit."""
    if len(text) <= MAX_TEXT:
        return len(text)
    return max(text.rfind("\n", 0, MAX_TEXT), 0) or max(text.rfind(" ", 0, MAX_TEXT), 0)


def _overall(checks: tuple[Check, ...]) -> Verdict:
    verdicts = {check.verdict for check in checks}
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    return Verdict.VERIFIED if Verdict.VERIFIED in verdicts else Verdict.UNCHECKED
