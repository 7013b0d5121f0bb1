"""What the model's own Verify is worth, measured against the arithmetic verifier.

A Verify *checks* the state that its text names ("State 3 says …"), if that is on its path, else the
state it grows from. It *flags* that state if the next transition is a Backtrack or its text says
that something is wrong ("…, but 48 / 2 = 24"). Only what the model wrote itself is counted: where
the server steers (`origin: verifier`), the model has found nothing.

The truth is arithmetic: a wrong choice of operation, correctly calculated, is no error to it, and a
Verify that objects to one counts as a false alarm. Where a problem has its graph of quantities, the
flags are also held against that: *justified* is a flag of a state that arithmetic refutes or that
is the first which the graph contradicts (`training.curriculum.faults`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from statespace.actions import Action
from statespace.trace import Frozen, Origin, Trace, Transition, Verdict
from training.curriculum.faults import locate
from training.problems.problem import Problem

_OBJECTION: Final = re.compile(
    r"\b(?:but|incorrect|wrong|(?:not|isn't) (?:correct|right|true)|should be|"
    r"(?<!no )(?<!any )(?:mistake|error))\b",
    re.I,
)
_NAMED: Final = re.compile(r"\bstate\s{1,4}([0-9]{1,9})\b", re.I)
CHECKING: Final = (Action.VERIFY, Action.BACKTRACK)


class Reviews(Frozen):
    """Counts over one solution, or added up over many."""

    verifies: int = 0
    """Verify transitions."""
    flagged_refuted: int = 0
    """Verifies that flag a state which arithmetic refutes: they are right to."""
    flagged_verified: int = 0
    """… a state in which all that can be checked holds: a false alarm."""
    flagged_unchecked: int = 0
    """… a state in which nothing can be checked: no evidence either way."""
    flags_with_graph: int = 0
    """Flags in solutions of problems that have their graph."""
    justified: int = 0
    """Those of them that graph or arithmetic bear out."""
    refuted: int = 0
    """States of the model that arithmetic refutes, whether a Verify follows or not."""
    caught: int = 0
    """Those of them that a Verify flags."""

    def __add__(self, other: Reviews) -> Reviews:
        mine, others = self.model_dump(), other.model_dump()
        return Reviews(**{name: mine[name] + others[name] for name in mine})

    @property
    def precision(self) -> float | None:
        """Share of flagged, checkable states that arithmetic refutes; None if there is none."""
        checkable = self.flagged_refuted + self.flagged_verified
        return self.flagged_refuted / checkable if checkable else None

    @property
    def precision_by_graph(self) -> float | None:
        """Share of flags that are justified, where there is a graph; None if there is none."""
        return self.justified / self.flags_with_graph if self.flags_with_graph else None

    @property
    def recall(self) -> float | None:
        """Share of refuted states that are flagged; None if none is refuted."""
        return self.caught / self.refuted if self.refuted else None


def review(transitions: Sequence[Transition], problem: Problem) -> Reviews:
    """The counts of one solution."""
    by_id = {transition.id: transition for transition in transitions}
    following = dict(zip(by_id, [*transitions, None][1:], strict=True))
    refuted = {
        transition.id
        for transition in transitions
        if transition.action not in CHECKING
        and transition.origin is Origin.MODEL
        and transition.verdict is Verdict.REFUTED
    }
    verdicts: list[Verdict] = []
    caught: set[int] = set()
    verifies = justified = 0
    for index, transition in enumerate(transitions):
        if transition.action is not Action.VERIFY or transition.origin is not Origin.MODEL:
            continue
        verifies += 1
        state = _checked(transition, by_id)
        if state is not None and _flags(transition, following[transition.id]):
            verdicts.append(state.verdict)
            caught |= {state.id} & refuted
            first = fault(transitions[:index], problem)
            justified += state.verdict is Verdict.REFUTED or first == state.id
    return Reviews(
        verifies=verifies,
        flagged_refuted=verdicts.count(Verdict.REFUTED),
        flagged_verified=verdicts.count(Verdict.VERIFIED),
        flagged_unchecked=verdicts.count(Verdict.UNCHECKED),
        flags_with_graph=len(verdicts) if problem.quantities else 0,
        justified=justified if problem.quantities else 0,
        refuted=len(refuted),
        caught=len(caught),
    )


def chain(state: int, by_id: dict[int, Transition]) -> list[Transition]:
    """The transitions that led to `state`, newest first."""
    found: list[Transition] = []
    while (transition := by_id.get(state)) is not None:
        found.append(transition)
        state = transition.parent
    return found


def fault(transitions: Sequence[Transition], problem: Problem) -> int | None:
    """The first state that the problem's graph contradicts; None without one or without a graph."""
    if not problem.quantities:
        return None
    trace = Trace(question=problem.question, transitions=tuple(transitions))
    try:
        found = locate(problem, trace)
    except ValueError:  # a plan whose values have more digits than Python writes
        return None
    return found.index + 1 if found else None


def _checked(verify: Transition, by_id: dict[int, Transition]) -> Transition | None:
    before = [one for one in chain(verify.parent, by_id) if one.action not in CHECKING]
    if named := _NAMED.search(verify.output):
        for state in before:
            if state.number == int(named[1]):
                return state
    return before[0] if before else None


def _flags(verify: Transition, following: Transition | None) -> bool:
    backtracks = (
        following is not None
        and following.action is Action.BACKTRACK
        and following.parent == verify.id
        and following.origin is Origin.MODEL
    )
    return backtracks or _OBJECTION.search(verify.output) is not None
