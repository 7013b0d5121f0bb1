"""What a solution was heading to before it went back for the first time.

The *abandoned* states are those on the path from the first Backtrack's target to the Backtrack,
without Verify and Backtrack themselves. What they were heading to is

- `right` or `wrong`, if the newest of them is a Solve Parent or a Summarize, as the answer that it
  states is the gold one or not;
- else `wrong` if arithmetic refutes one of them;
- else, by the value that the newest of them states, `right` if the reference solution has it, and
  `wrong` if the reference is the problem's whole graph of quantities and lacks it. An annotated
  solution is only one way among several, so that a value it lacks proves nothing;
- else `unknown`: no reference, no value, or nothing was abandoned.

With the final answer this gives wrong→right, right→wrong and so on. It tells what going back was
good for, not what the model would have answered without it, which no text can tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Literal

from statespace import answers
from statespace.actions import Action
from statespace.trace import Transition, Verdict
from training.evaluation.equality import matches
from training.evaluation.reviews import chain
from training.problems.problem import Problem

Heading = Literal["right", "wrong", "unknown"]

_ANSWERING: Final = (Action.SOLVE_PARENT, Action.SUMMARIZE)
_CHECKING: Final = (Action.VERIFY, Action.BACKTRACK)
_ANNOTATION: Final = re.compile(r"<<[^<>]{0,400}=([^<>=]{1,100})>>")


def heading(
    transitions: Sequence[Transition], problem: Problem, tolerance: float = 0.0
) -> Heading | None:
    """What the first abandoned branch was heading to; None if the solution never goes back."""
    first = next((one for one in transitions if one.target is not None), None)
    if first is None:
        return None
    left = _abandoned(first, {one.id: one for one in transitions})
    if not left:
        return "unknown"
    newest = left[0]
    stated = answers.extract(newest.output)
    if newest.action in _ANSWERING and stated is not None:
        return "right" if matches(stated, problem.answer, tolerance) else "wrong"
    if any(state.verdict is Verdict.REFUTED for state in left):
        return "wrong"
    value = answers.number(stated) if stated is not None else None
    return "unknown" if value is None else _by_reference(value, problem)


def _abandoned(backtrack: Transition, by_id: dict[int, Transition]) -> list[Transition]:
    left = []
    for state in chain(backtrack.parent, by_id):
        if state.id == backtrack.target:
            break
        if state.action not in _CHECKING:
            left.append(state)
    return left


def _by_reference(value: Fraction, problem: Problem) -> Heading:
    if problem.quantities:
        known = {answers.number(one.value) for one in problem.quantities if one.expression}
        return "right" if value in known else "wrong"
    annotated = {answers.number(text.strip()) for text in _ANNOTATION.findall(problem.solution)}
    return "right" if value in annotated else "unknown"
