"""A wrong trace, taken apart at its first wrong state, and put right.

Texts are canonical: states numbered from 1, one blank line between them, so that pairs differ in
what is said and not in how.
"""

from __future__ import annotations

from dataclasses import dataclass

from statespace import answers
from statespace.actions import LABELS, Action
from statespace.reader import read
from statespace.repair import backtrack_text
from statespace.text import SEPARATOR, render
from statespace.trace import Trace, Verdict
from training.curriculum.faults import Fault, final_path, locate
from training.problems.problem import Problem
from training.traces import annotated, graph
from training.traces.graph import Pairs


@dataclass(frozen=True, slots=True)
class Repair:
    """A wrong trace and its repair, as states.

    The trace is `good`, then `wrong` (its first wrong state, and what else stands before it is
    noticed), then `after`. Its repair goes on after `wrong` with `verify` (Verify and Backtrack, to
    the state numbered `target`) and `rest`, which ends in the right answer.
    """

    good: Pairs
    wrong: Pairs
    after: Pairs
    verify: Pairs
    rest: Pairs
    target: int
    refuted: bool

    @property
    def right(self) -> Pairs | None:
        """The right continuation of `good`; None if the repair does not go on from its end."""
        return self.rest if self.target == len(self.good) else None

    @property
    def noticed(self) -> int:
        """The number of the Verify."""
        return len(self.good) + len(self.wrong) + 1

    def prefix(self, *, wrong: bool) -> str:
        """What precedes the wrong state, or with `wrong` what precedes Verify; ready to go on."""
        states = (*self.good, *self.wrong) if wrong else self.good
        return render(states) + SEPARATOR if states else ""

    def correction(self) -> str:
        """Verify, Backtrack and the right states to the end."""
        return render((*self.verify, *self.rest), first=self.noticed)

    def continuation(self) -> str:
        """How the wrong trace went on; empty if it ended there."""
        return render(self.after, first=self.noticed)


def states(text: str) -> Pairs | None:
    """The states of a trace's text; None unless it is canonical but for spaces.

    That is: numbered 1, 2, 3, …, known actions, and nothing before or after.
    """
    trace = read(text)
    numbers = [transition.number for transition in trace.transitions]
    known = all(transition.action in LABELS for transition in trace.transitions)
    if not numbers or not known or trace.preamble or trace.trailing:
        return None
    if numbers != list(range(1, len(numbers) + 1)):
        return None
    return tuple((t.action, t.output) for t in trace.transitions)


def reference(problem: Problem) -> Pairs | None:
    """The correct trace that the problem's own graph or annotated solution gives, if any."""
    if problem.quantities:
        return graph.trace(problem)
    return annotated.trace(problem.question, problem.solution) if problem.solution else None


def by_graph(problem: Problem, wrong: Pairs) -> Repair | None:
    """The repair of a wrong trace by the problem's own graph, or its annotated solution.

    It goes on from the last correct state where the states before agree with the correct ones, else
    from the question. None where the first wrong state cannot be named or there is no solution.
    """
    trace = read(render(wrong))
    fault = locate(problem, trace)
    correct = reference(fault.problem) if fault else None
    if fault is None or correct is None:
        return None
    before, target = _before(trace, fault.index)
    if before == correct[: len(before)]:
        return _split(wrong, fault, correct[len(before) :], target)
    whole = reference(problem)
    return _split(wrong, fault, whole, 0) if whole else None


def by_model(problem: Problem, wrong: Pairs, fault: Fault, text: str) -> Repair | None:
    """The repair by what the model wrote when it went on from the last good state.

    None unless that is legal, unrefuted and right.
    """
    good = wrong[: fault.index]
    written = states(render(good) + SEPARATOR + text if good else text)
    if written is None or written[: len(good)] != good or not accepted(problem, written):
        return None
    return _split(wrong, fault, written[len(good) :], len(good))


def by_teacher(problem: Problem, wrong: Pairs, reviewed: Pairs) -> Repair | None:
    """The repair that a reviewer wrote behind the first states of `wrong`.

    None unless Verify and a Backtrack to one of those states follow them, and then, legal and
    unrefuted, states that lead to the right answer.
    """
    shared = 0
    while shared < min(len(wrong), len(reviewed)) and wrong[shared] == reviewed[shared]:
        shared += 1
    verify, rest = reviewed[shared : shared + 2], reviewed[shared + 2 :]
    if [action for action, _ in verify] != [Action.VERIFY, Action.BACKTRACK] or not rest:
        return None
    trace = read(render(reviewed))
    target = trace.transitions[shared + 1].target
    if target is None or target >= shared or not accepted(problem, reviewed, since=shared):
        return None
    return Repair(
        good=wrong[:target],
        wrong=wrong[target:shared],
        after=wrong[shared:],
        verify=verify,
        rest=rest,
        target=target,
        refuted=trace.transitions[target].verdict is Verdict.REFUTED,
    )


def accepted(problem: Problem, written: Pairs, *, since: int = 0) -> bool:
    """Whether a trace is legal and right, and nothing in it from state `since` on is refuted."""
    trace = read(render(written))
    return (
        all(transition.legal for transition in trace.transitions)
        and all(t.verdict is not Verdict.REFUTED for t in trace.transitions[since:])
        and trace.answer is not None
        and answers.equal(trace.answer, problem.answer)
    )


def _split(wrong: Pairs, fault: Fault, rest: Pairs, target: int) -> Repair:
    """A wrong trace taken apart at its fault; `rest` goes on from the state numbered `target`."""
    return Repair(
        good=wrong[: fault.index],
        wrong=wrong[fault.index : fault.index + 1],
        after=wrong[fault.index + 1 :],
        verify=((Action.VERIFY, fault.verify), (Action.BACKTRACK, backtrack_text(target))),
        rest=rest,
        target=target,
        refuted=fault.refuted,
    )


def _before(trace: Trace, index: int) -> tuple[Pairs, int]:
    """The states on the path to the wrong one, and the number of the last."""
    path = [transition for transition in final_path(trace) if transition.id - 1 < index]
    number = path[-1].number if path else 0
    return tuple((t.action, t.output) for t in path), number or 0
