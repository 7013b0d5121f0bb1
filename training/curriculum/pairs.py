"""Preference pairs, and traces to fine-tune on, from wrong traces and their repairs.

- `trajectory` (Kwai-STaR): after the first wrong state, to verify, go back and put it right is
  preferred to going on. The paper's pairs hold the wrong states on both sides; there their
  log-probabilities cancel, so here they are the prompt, and no likelihood term can teach them.
- `step` (Step-DPO, arXiv 2406.18629): where the trace first goes wrong, the right state is
  preferred to the wrong one; once the wrong one stands, Verify and Backtrack to what followed; and
  once the right one stands, going on to a false alarm.
- Anchors, in both modes: a whole correct trace is preferred to the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from statespace.actions import Action
from statespace.repair import holds_text
from statespace.text import SEPARATOR, header, render
from statespace.trace import Frozen
from training.curriculum.repair import Repair, reference
from training.problems.problem import Problem
from training.rows import Origin, PairMode, PairRow, Repairer, row_key


class AdvancedRow(Frozen):
    """A trace to fine-tune on: after the question and `prefix`, which bears no loss, `completion`.

    `prefix` ends in the first wrong state and the blank line after it, or in the header of a Verify
    that finds nothing wrong; a clean trace has none.
    """

    key: str
    problem: str
    question: str
    prefix: str = ""
    completion: Annotated[str, Field(description="To the end of the trace.")]
    repair: Repairer | None = None
    wrong: Origin | None = None


def trajectory(
    problem: Problem, repair: Repair, *, repairer: Repairer, wrong: Origin, sample: int
) -> PairRow:
    """The whole repair, preferred to how the wrong trace went on, or to ending there."""
    return PairRow(
        key=_key(problem, repair, sample, "trajectory"),
        problem=problem.id,
        question=problem.question,
        prefix=repair.prefix(wrong=True),
        chosen=repair.correction(),
        rejected=repair.continuation(),
        mode="trajectory",
        repair=repairer,
        wrong=wrong,
        complete=True,
    )


def steps(  # noqa: PLR0913
    problem: Problem,
    repair: Repair,
    *,
    repairer: Repairer,
    wrong: Origin,
    sample: int,
    notices: bool = True,
) -> Iterator[PairRow]:
    """The right state preferred to the wrong one, going back after it, and going on after that.

    Without `notices` the second is left out.
    """
    number = len(repair.good) + 1
    shared = {
        "problem": problem.id,
        "question": problem.question,
        "mode": "step",
        "repair": repairer,
        "wrong": wrong,
        "complete": False,
    }
    if repair.right:
        yield PairRow(
            key=_key(problem, repair, sample, "step"),
            prefix=repair.prefix(wrong=False),
            chosen=render(repair.right[:1], first=number),
            rejected=render(repair.wrong[:1], first=number),
            **shared,
        )
    if repair.after and notices:
        yield PairRow(
            key=_key(problem, repair, sample, "verify"),
            prefix=repair.prefix(wrong=True),
            chosen=render(repair.verify, first=repair.noticed),
            rejected=render(repair.after[:1], first=repair.noticed),
            **shared,
        )
    if repair.right and len(repair.right) > 1:
        yield PairRow(
            key=_key(problem, repair, sample, "calm"),
            prefix=render((*repair.good, repair.right[0])) + SEPARATOR,
            chosen=render(repair.right[1:2], first=number + 1),
            # Only to raise the alarm is rejected; what Verify would say is not.
            rejected=header(number + 1, Action.VERIFY),
            **shared,
        )


def anchor(
    problem: Problem, repair: Repair, *, mode: PairMode, wrong: Origin, sample: int
) -> PairRow | None:
    """A whole correct trace, preferred to the wrong one; None if the problem has no solution."""
    correct = reference(problem)
    if correct is None:
        return None
    return PairRow(
        key=_key(problem, repair, sample, "anchor"),
        problem=problem.id,
        question=problem.question,
        chosen=render(correct),
        rejected=_text(repair),
        mode=mode,
        repair="graph",
        wrong=wrong,
        complete=True,
    )


def is_anchor(row: PairRow) -> bool:
    """Whether a pair prefers a clean trace: nothing precedes it, and it goes to the end."""
    return row.complete and not row.prefix


def advanced(  # noqa: PLR0913
    problem: Problem,
    repair: Repair,
    *,
    repairer: Repairer,
    wrong: Origin,
    sample: int,
    notices: bool = True,
) -> AdvancedRow:
    """The repair as a trace to fine-tune on.

    Without `notices` Verify and Backtrack are part of the prefix: what is learnt is to go on after
    them, as a server that checks states has it written, and not to write them.
    """
    prefix, completion = repair.prefix(wrong=True), repair.correction()
    if not notices:
        prefix += render(repair.verify, first=repair.noticed) + SEPARATOR
        completion = render(repair.rest, first=repair.noticed + len(repair.verify))
    return AdvancedRow(
        key=_key(problem, repair, sample, "advanced"),
        problem=problem.id,
        question=problem.question,
        prefix=prefix,
        completion=completion,
        repair=repairer,
        wrong=wrong,
    )


def confirmed(problem: Problem, index: int) -> AdvancedRow | None:
    """The correct trace with a Verify that finds state `index` (from 0) correct.

    To verify is part of the prefix: only what is found is learnt, so that a false alarm can end
    well, not that one is raised. None if the state is the last, or there is no solution.
    """
    correct = reference(problem)
    if correct is None or index >= len(correct) - 1:
        return None
    number = index + 1
    rest = render(correct[number:], first=number + 2)
    return AdvancedRow(
        key=row_key(problem.id, index, "confirmed"),
        problem=problem.id,
        question=problem.question,
        prefix=render(correct[:number]) + SEPARATOR + header(number + 1, Action.VERIFY),
        completion=f" {holds_text(number)}{SEPARATOR}{rest}",
    )


def _key(problem: Problem, repair: Repair, sample: int, what: str) -> str:
    """Different wrong traces give different rows, whoever wrote them."""
    return row_key(problem.id, sample, f"{what}\0{_text(repair)}")


def _text(repair: Repair) -> str:
    """The wrong trace."""
    return render((*repair.good, *repair.wrong, *repair.after))


def clean(problem: Problem) -> AdvancedRow | None:
    """The correct trace of a problem; None if it has no solution."""
    correct = reference(problem)
    if correct is None:
        return None
    return AdvancedRow(
        key=row_key(problem.id, 0, "clean"),
        problem=problem.id,
        question=problem.question,
        completion=render(correct),
    )
