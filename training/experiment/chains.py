"""Plain chains of thought, from the graph that traces are made from as well.

They say what traces say once: each quantity that has to be found, by name and in order, with the
same worked arithmetic; without symbols, states and a plan. The last sentence states the answer.
"""

from __future__ import annotations

from training.problems.problem import Problem, Quantity
from training.traces.arithmetic import worked

_FIRST, _NEXT = "First find the", "Then find the"


def chain(problem: Problem) -> str:
    r"""A generated problem's chain of thought, each equation exactly true.

    `First find the eggs in all: 4 * 12 = 48. Then find the eggs left: 48 - 5 = 43. The answer is
    \boxed{43}.` Raises ValueError for a problem without a graph.
    """
    derived = [one for one in problem.quantities if one.expression is not None]
    if not derived:
        raise ValueError(f"{problem.id} has no graph, so there is no chain of thought to write")
    values = {one.symbol: one.value for one in problem.quantities}
    sentences = [
        f"{_NEXT if place else _FIRST} {one.description}: {_solved(one, values)}."
        for place, one in enumerate(derived)
    ]
    return " ".join([*sentences, f"The answer is \\boxed{{{problem.answer}}}."])


def _solved(quantity: Quantity, values: dict[str, str]) -> str:
    tokens = [values.get(token, token) for token in (quantity.expression or "").split()]
    return " = ".join([" ".join(tokens), *worked(tokens, quantity.value)])
