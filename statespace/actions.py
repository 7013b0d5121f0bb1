"""The actions of a State-Transition Reasoner and which may follow which.

The action set is Table 1 of Kwai-STaR (arXiv 2411.04799). The paper names some actions in two
ways ("Verify" and "Check", "Solve Subques" and "Solve Subproblem"); `parse_label` accepts them all.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Action(StrEnum):
    """What a transition does. The value is the wire name."""

    FORMALIZE = "formalize"
    DECOMPOSE = "decompose"
    SOLVE_SUBQUESTION = "solve_subquestion"
    SOLVE_PARENT = "solve_parent"
    VERIFY = "verify"
    BACKTRACK = "backtrack"
    SUMMARIZE = "summarize"
    OTHER = "other"
    """A label outside the action set; the raw label is kept and the transition is illegal."""


LABELS: Final = MappingProxyType(
    {
        Action.FORMALIZE: "Formalize",
        Action.DECOMPOSE: "Decompose",
        Action.SOLVE_SUBQUESTION: "Solve Subquestion",
        Action.SOLVE_PARENT: "Solve Parent",
        Action.VERIFY: "Verify",
        Action.BACKTRACK: "Backtrack",
        Action.SUMMARIZE: "Summarize",
    }
)
"""The label each action is written with in trace text."""

_ALIASES: Final = MappingProxyType(
    {
        "formalise": Action.FORMALIZE,
        "solve subques": Action.SOLVE_SUBQUESTION,
        "solve subproblem": Action.SOLVE_SUBQUESTION,
        "check": Action.VERIFY,
        "summarise": Action.SUMMARIZE,
        **{label.lower(): action for action, label in LABELS.items()},
    }
)

FORWARD: Final = frozenset(
    {
        Action.FORMALIZE,
        Action.DECOMPOSE,
        Action.SOLVE_SUBQUESTION,
        Action.SOLVE_PARENT,
        Action.SUMMARIZE,
    }
)
"""The five actions of stage-1 (fundamental) traces; stage 2 adds Verify and Backtrack."""

START_SUCCESSORS: Final = frozenset(
    {Action.FORMALIZE, Action.DECOMPOSE, Action.SOLVE_SUBQUESTION, Action.SOLVE_PARENT}
)
"""What may follow state 0, the question."""

SUCCESSORS: Final = MappingProxyType(
    {
        Action.FORMALIZE: frozenset(
            {Action.DECOMPOSE, Action.SOLVE_SUBQUESTION, Action.SOLVE_PARENT, Action.VERIFY}
        ),
        Action.DECOMPOSE: frozenset({Action.FORMALIZE, Action.SOLVE_SUBQUESTION, Action.VERIFY}),
        Action.SOLVE_SUBQUESTION: frozenset(
            {
                Action.SOLVE_SUBQUESTION,
                Action.DECOMPOSE,
                Action.SOLVE_PARENT,
                Action.SUMMARIZE,
                Action.VERIFY,
            }
        ),
        Action.SOLVE_PARENT: frozenset({Action.SUMMARIZE, Action.VERIFY}),
        Action.SUMMARIZE: frozenset({Action.VERIFY}),
    }
)
"""What may follow a state that a forward action made. Verify and Backtrack depend on the state they
check or return to; `statespace.tree` resolves them."""


def parse_label(raw: str) -> Action:
    """The action a written label names, aliases and any case accepted; `OTHER` for the rest."""
    return _ALIASES.get(" ".join(raw.lower().split()), Action.OTHER)
