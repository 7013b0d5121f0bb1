"""What a solution was heading to before it went back for the first time.

Looked at are the states on the path from the question to the first Backtrack that names a target,
without Verify and Backtrack themselves. They were heading to something

- `right` or `wrong`, if the newest of them is a Solve Parent or a Summarize, as the answer that it
  states is the gold one or not;
- else `wrong`, if arithmetic refutes one of them, or the problem's graph of quantities contradicts
  one of them (`training.curriculum.faults`);
- else `right`, if the newest of them solves a subquestion and the reference (the graph, or the
  annotated solution) has the value that it states; `wrong`, if the graph lacks it. An annotated
  solution is only one way among several, so that a value which it lacks proves nothing;
- else `unknown`.

With the final answer this gives wrong→right, right→wrong and so on. It tells what going back was
good for, not what the model would have answered without it, which no text can tell. Backtracks that
the server's verifier wrote count like the model's own.
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
from training.evaluation.reviews import CHECKING, chain, fault
from training.problems.problem import Problem

Heading = Literal["right", "wrong", "unknown"]

_ANSWERING: Final = (Action.SOLVE_PARENT, Action.SUMMARIZE)
_ANNOTATION: Final = re.compile(r"<<[^<>]{0,400}=([^<>=]{1,100})>>")


def heading(
    transitions: Sequence[Transition], problem: Problem, tolerance: float = 0.0
) -> Heading | None:
    """What the path before the first Backtrack was heading to; None without a Backtrack."""
    first = next((i for i, one in enumerate(transitions) if one.target is not None), None)
    if first is None:
        return None
    by_id = {one.id: one for one in transitions}
    path = [one for one in chain(transitions[first].parent, by_id) if one.action not in CHECKING]
    if not path:
        return "unknown"
    newest = path[0]
    stated = answers.extract(newest.output)
    if newest.action in _ANSWERING and stated is not None:
        return "right" if matches(stated, problem.answer, tolerance) else "wrong"
    refuted = any(one.verdict is Verdict.REFUTED for one in path)
    if refuted or fault(transitions[:first], problem) is not None:
        return "wrong"
    value = answers.number(stated) if stated is not None else None
    if value is None or newest.action is not Action.SOLVE_SUBQUESTION:
        return "unknown"
    return _by_reference(value, problem)


def _by_reference(value: Fraction, problem: Problem) -> Heading:
    if problem.quantities:
        known = {answers.number(one.value) for one in problem.quantities if one.expression}
        return "right" if value in known else "wrong"
    annotated = {answers.number(text.strip()) for text in _ANNOTATION.findall(problem.solution)}
    return "right" if value in annotated else "unknown"
