"""What a reasoner does about its mistakes: how often it errs, checks and changes its answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from statespace.actions import Action
from statespace.reader import read
from statespace.trace import Trace, Verdict
from training.curriculum.faults import locate
from training.evaluate import is_right
from training.problems.problem import Problem


@dataclass(slots=True)
class Corrections:
    """Counts over traces, one for each problem.

    A trace *errs* if one of its states is wrong, taken back later or not. The *error-insertion
    rate* is the share of traces that err; after stage 2 it must not be higher than before.
    """

    traces: int = 0
    right: int = 0
    erring: int = 0
    verifying: int = 0
    """Traces with a Verify."""
    backtracking: int = 0
    """Traces with a legal Backtrack."""
    wrong_to_right: int = 0
    """A wrong state was taken back, and the answer is right."""
    wrong_to_wrong: int = 0
    right_to_right: int = 0
    right_to_wrong: int = 0
    """A state was taken back though all before it was right, and the answer is wrong."""
    unresolved: int = 0

    def add(self, problem: Problem, text: str) -> None:
        """Counts one trace."""
        trace = read(text, problem.question)
        right = is_right(text, problem.answer)
        actions = [transition.action for transition in trace.transitions]
        back = next((i for i, t in enumerate(trace.transitions) if t.target is not None), None)
        erred = back is not None and _errs(problem, trace, back)
        self.traces += 1
        self.right += right
        self.unresolved += not trace.resolved
        self.verifying += Action.VERIFY in actions
        self.erring += erred or not right
        if back is not None:
            self.backtracking += 1
            self.wrong_to_right += erred and right
            self.wrong_to_wrong += erred and not right
            self.right_to_right += not erred and right
            self.right_to_wrong += not erred and not right

    def record(self) -> dict[str, Any]:
        """The counts, and the error-insertion rate."""
        rate = self.erring / self.traces if self.traces else 0.0
        return {**asdict(self), "error_insertion_rate": rate}


def _errs(problem: Problem, trace: Trace, end: int) -> bool:
    """Whether one of the states before the transition at `end` is wrong."""
    before = trace.model_copy(update={"transitions": trace.transitions[:end]})
    refuted = any(t.verdict is Verdict.REFUTED for t in before.transitions)
    return refuted or locate(problem, before) is not None
