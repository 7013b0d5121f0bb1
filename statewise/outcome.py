"""Whether an answer is to be believed, in words; the web page has its own (`words.mjs`)."""

from __future__ import annotations

from typing import Final

from statespace.answers import equal
from statespace.events import Event, SolutionCompleted
from statespace.grounding import told
from statespace.solutions import Solution, Status
from statespace.trace import Verdict

STARTER: Final = "starter"
HINT: Final = (
    "The starter reasoner knows short school problems in plain words and little else, and answers "
    "others all the same: checks see wrong arithmetic, not a misread problem. Serve a model of "
    "your own with statewise serve --model FOLDER."
)


def is_solved(event: Event) -> bool:
    """Whether this end event states an answer, and no refuted transition is on its path."""
    if not isinstance(event, SolutionCompleted):
        return False
    return event.solution.answer is not None and holds(event.solution)


def holds(solution: Solution) -> bool:
    """Whether nothing that the answer rests on is refuted; dead ends do not count."""
    return not any(each.verdict is Verdict.REFUTED for each in solution.behind)


def support(solution: Solution) -> tuple[int, int, float] | None:
    """Of a vote: the paths that say the answer, all that say one, and the share of weight.

    None where there was no vote, or nobody's answer won.
    """
    counted = [each for each in solution.paths if each.answer is not None and each.weight]
    chosen = next((each for each in counted if each.path == solution.answer_path), None)
    if chosen is None or chosen.answer is None or not solution.strategy.startswith("vote"):
        return None
    agreeing = [each for each in counted if each.answer and equal(each.answer, chosen.answer)]
    weights = [sum(each.weight or 0.0 for each in paths) for paths in (agreeing, counted)]
    return len(agreeing), len(counted), weights[0] / weights[1]


def doubts(solution: Solution) -> list[str]:
    """Why this answer is not to be taken for granted; none for one that is."""
    found: list[str] = []
    if not holds(solution):
        found.append("A step that it rests on is wrong: do not trust it.")
    elif not any(each.verdict is Verdict.VERIFIED for each in solution.behind):
        found.append("Nothing that it rests on could be checked.")
    found += told(solution.grounding)
    said = support(solution)
    if said is not None and said[2] <= 0.5:
        found.append(f"Only {said[0]} of {said[1]} paths with an answer say this.")
    return found


def hint(solution: Solution) -> str | None:
    """What the shipped reasoner is for.

    Also where all steps hold: that does not show whether it has read the problem rightly.
    """
    asked = solution.model == STARTER and solution.status is not Status.CANCELLED
    return HINT if asked else None
