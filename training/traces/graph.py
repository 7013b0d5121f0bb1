"""A generated problem's graph → its trace: formalize, decompose, solve each step, summarize."""

from __future__ import annotations

from collections.abc import Sequence

from statespace.actions import Action
from statespace.text import render
from training.problems.problem import Problem, Quantity
from training.traces.arithmetic import worked

Pairs = tuple[tuple[Action, str], ...]
"""Actions with their outputs, in order."""


def trace(problem: Problem) -> Pairs:
    """The transitions that solve a procedural problem, each equation exactly true."""
    derived = [q for q in problem.quantities if q.expression is not None]
    values = {q.symbol: q.value for q in problem.quantities}
    return (
        (Action.FORMALIZE, _formalized(problem.quantities)),
        (Action.DECOMPOSE, decomposed([(q.symbol, q.description) for q in derived])),
        *((Action.SOLVE_SUBQUESTION, _solved(quantity, values)) for quantity in derived),
        (Action.SOLVE_PARENT, _answered(problem, derived[-1])),
        (Action.SUMMARIZE, f"The final answer is \\boxed{{{problem.answer}}}."),
    )


def text(problem: Problem) -> str:
    """The trace as a model is to write it."""
    return render(trace(problem))


def _formalized(quantities: tuple[Quantity, ...]) -> str:
    *known, goal = quantities
    sentences = [f"{upper(q.description)}: {q.symbol} = {q.expression or q.value}." for q in known]
    sentences.append(f"Find the {goal.description}: {goal.symbol} = {goal.expression}.")
    return " ".join(sentences)


def decomposed(steps: Sequence[tuple[str, str]]) -> str:
    """The subquestions, one for each symbol and its description."""
    return " ".join(
        f"{number}. What is {symbol}, the {description}?"
        for number, (symbol, description) in enumerate(steps, 1)
    )


def _solved(quantity: Quantity, values: dict[str, str]) -> str:
    expression = quantity.expression or ""
    tokens = [values.get(token, token) for token in expression.split()]
    chain = [quantity.symbol, expression, " ".join(tokens), *worked(tokens, quantity.value)]
    return " = ".join(chain)


def _answered(problem: Problem, goal: Quantity) -> str:
    if problem.unit in ("$", "£", "€"):
        return f"The answer is {goal.symbol} = {problem.unit}{goal.value}."
    return f"The answer is {' '.join(filter(None, (goal.symbol, '=', goal.value, problem.unit)))}."


def upper(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[0].upper() + text[1:]
