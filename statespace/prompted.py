"""What a model is told that was not trained on state transitions: instructions and two examples.

Training and cards know nothing of it: it can be reworded without harm to a checkpoint.
"""

from __future__ import annotations

from typing import Any, Final

from statespace.actions import Action
from statespace.errors import PromptError
from statespace.prompts import Prompt
from statespace.repair import backtrack_text
from statespace.text import render

_PENS: Final = (
    "A shop sold 48 pens in May and half as many in June. How many pens did it sell in both "
    "months together?",
    render(
        [
            (Action.FORMALIZE, "Let m be the pens sold in May and j those sold in June. m = 48"),
            (Action.DECOMPOSE, "How many pens were sold in June? How many in both months?"),
            (Action.SOLVE_SUBQUESTION, "j = m / 2 = 48 / 2 = 24"),
            (Action.SOLVE_PARENT, "m + j = 48 + 24 = 72"),
            (Action.SUMMARIZE, r"The final answer is \boxed{72}."),
        ]
    ),
)
_EGGS: Final = (
    "A box holds 12 eggs. Lea buys 7 boxes and breaks 5 eggs. How many whole eggs does she have?",
    render(
        [
            (Action.FORMALIZE, "Let b be the eggs bought and w the whole ones. w = b - 5"),
            (Action.SOLVE_SUBQUESTION, "b = 7 * 12 = 94"),
            (Action.VERIFY, "State 2 says 7 * 12 = 94, but 7 * 12 = 84."),
            (Action.BACKTRACK, backtrack_text(1)),
            (Action.SOLVE_SUBQUESTION, "b = 7 * 12 = 84"),
            (Action.SOLVE_PARENT, "w = b - 5 = 84 - 5 = 79"),
            (Action.SUMMARIZE, r"The final answer is \boxed{79}."),
        ]
    ),
)

INSTRUCTIONS: Final = "\n\n".join(
    [
        r"""You solve a maths problem as a sequence of states. Each state takes one action:

Formalize: write what is given and what is asked for as mathematics.
Decompose: divide the problem into smaller questions.
Solve Subquestion: answer one of them. Write every calculation out.
Solve Parent: answer the problem itself from what was found.
Verify: check the newest state, and say whether it is right. Do so when you doubt it.
Backtrack: after a Verify that found a mistake, return to the last state that is right.
Summarize: give the final answer in \boxed{}. It is the last state.

A state is written in three lines, with an empty line before the next one:

State NUMBER:
Action: NAME
Output: TEXT

Write nothing but states. Two examples follow.""",
        *(f"Problem: {question}\n\n{solution}" for question, solution in (_PENS, _EGGS)),
        "Now solve the problem that you are given in the same way.",
    ]
)
"""Stands before the problem: as the system message, or in the user's turn."""


def prompt(tokenizer: Any) -> Prompt:
    """The prompt of a tokenizer's chat template with the instructions. Raises `PromptError`."""
    try:
        return Prompt.from_tokenizer(tokenizer, system=INSTRUCTIONS)
    except PromptError:  # many templates know no system message
        return Prompt.from_tokenizer(tokenizer, lead=f"{INSTRUCTIONS}\n\nProblem: ")
