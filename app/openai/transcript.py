"""A solution as text: what a client that knows nothing of transitions shows."""

from __future__ import annotations

from typing import Final

from statespace.actions import Action
from statespace.solutions import Solution
from statespace.trace import Transition

_SEVERAL: Final = frozenset({"vote", "beam"})
"""Strategies that tell of several paths, and so say of each step which one it is on."""


def has_several(solution: Solution) -> bool:
    """Whether the steps of several paths may come between each other."""
    return solution.strategy.partition("-")[0] in _SEVERAL


def answer_states(solution: Solution) -> tuple[int, ...]:
    """The states that the answer rests on; none if there is no answer."""
    if solution.answer is None:
        return ()
    for path in solution.paths:
        # Solutions that were kept before there were several paths do not say whose answer it is.
        if path.path == solution.answer_path or (
            solution.answer_path is None and path.answer == solution.answer
        ):
            return path.states
    return ()


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
    states = answer_states(solution)
    return next(
        (
            transition
            for transition in reversed(solution.transitions)  # the latest: it may be verified after
            if transition.id in states and transition.action == Action.SUMMARIZE
        ),
        None,
    )
