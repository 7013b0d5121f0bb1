"""A solution as text: what a client that knows nothing of transitions shows."""

from __future__ import annotations

from statespace.actions import Action
from statespace.solutions import Solution
from statespace.trace import Transition


def content(solution: Solution) -> str | None:
    """What the solution says in the end; None if it has not come so far."""
    if solution.text is not None:
        return solution.text
    summary = _summary(solution)
    return solution.answer if summary is None else summary.output


def content_tokens(solution: Solution) -> int:
    """Generated tokens of `content`; the others were spent on reasoning."""
    if solution.text is not None:
        return solution.usage.completion_tokens
    summary = _summary(solution)
    return 0 if summary is None else summary.tokens


def _summary(solution: Solution) -> Transition | None:
    """The Summarize that states the answer."""
    states = solution.answer_states
    return next(
        (
            transition
            for transition in reversed(solution.transitions)  # the latest: it may be verified after
            if transition.id in states and transition.action == Action.SUMMARIZE
        ),
        None,
    )
