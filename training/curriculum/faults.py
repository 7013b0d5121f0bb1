"""Where a wrong trace goes wrong first, and what Verify is to say of it.

The arithmetic verifier is asked first; what it cannot refute is compared with the problem's graph:
a plan (Formalize) that does not lead to the right answer, a subquestion left out, a value or an
answer that the plan contradicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from statespace import answers
from statespace.actions import Action
from statespace.repair import contradiction_text, omission_text, refutation, verify_text
from statespace.trace import Trace, Transition, Verdict
from training.problems.graph import evaluate
from training.problems.numbers import plain
from training.problems.problem import Problem, Quantity
from training.traces.graph import upper

_OPERAND: Final = r"(?:[a-z]|\d+(?:\.\d+)?)"
_ITEM: Final = re.compile(
    rf"([^:=]+): ([a-z]) = ({_OPERAND}(?: [-+*/] {_OPERAND})*)\.(?: |$)", re.A
)
"""One sentence of Formalize: "Wheels of the cars: c = a * 4."."""
_FIND: Final = "Find the "
_CURRENCIES: Final = "$£€"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first wrong state of a trace.

    `index` counts the trace's transitions from 0; `verify` is what Verify says of it; `refuted`
    tells whether the arithmetic verifier saw it. `problem` is the problem as the trace's plan puts
    it, where that plan is right, else as the generator does.
    """

    index: int
    verify: str
    refuted: bool
    problem: Problem


def locate(problem: Problem, trace: Trace) -> Fault | None:
    """The first wrong state on the final path of `trace`; None if none can be named.

    None is also the answer where a state is illegal, or where a generated problem's Formalize is
    not written as traces write it. Of other problems only refuted states are found.
    """
    planned: Problem | None = None
    values: dict[str, str] = {}
    for transition in final_path(trace):
        index, number = transition.id - 1, transition.number
        if not transition.legal or number is None:
            return None
        if transition.verdict is Verdict.REFUTED:
            text = _refuted(transition, number)
            return Fault(index, text, True, planned or problem) if text else None
        if transition.action is Action.FORMALIZE:
            quantities = plan(problem, transition.output)
            if quantities is None and problem.quantities:
                return None
            if quantities is None or not problem.quantities:
                continue
            if text := _misplanned(problem, quantities, number):
                return Fault(index, text, False, problem)
            planned = replace(problem, quantities=quantities)
            values = {q.symbol: q.value for q in quantities}
        elif planned and (text := _disagrees(planned, values, transition, number)):
            return Fault(index, text, False, planned)
    return None


def final_path(trace: Trace) -> Iterator[Transition]:
    """The transitions on the path to the last state, dead ends, Verify and Backtrack left out."""
    chain: list[Transition] = []
    by_id = {transition.id: transition for transition in trace.transitions}
    state = trace.transitions[-1].id if trace.transitions else 0
    while state:
        transition = by_id[state]
        chain.append(transition)
        if transition.action is Action.BACKTRACK and transition.target is not None:
            state = transition.target
        else:
            state = transition.parent
    aside = (Action.VERIFY, Action.BACKTRACK)
    return (found for found in reversed(chain) if found.action not in aside)


def plan(problem: Problem, formalized: str) -> tuple[Quantity, ...] | None:
    """The quantities that a Formalize names, with the values that follow from them.

    None where it is not written as traces write it or where a value does not exist.
    """
    known = {upper(q.description): q for q in problem.quantities}
    money = problem.unit in tuple(_CURRENCIES)
    quantities: list[Quantity] = []
    values: dict[str, Fraction] = {}
    position = 0
    for item in _ITEM.finditer(formalized):
        if item.start() != position:
            return None
        position = item.end()
        description = item[1].removeprefix(_FIND)
        if not description.strip():
            return None
        like = known.get(upper(description))
        try:
            value = evaluate(item[3], values)
        except (KeyError, ValueError, ZeroDivisionError):
            return None
        given = re.fullmatch(r"[\d.]+", item[3]) is not None
        written = item[3] if given else plain(value, money=money or _cents(like))
        if like and answers.equal(like.value, written):
            written = like.value
        values[item[2]] = value
        quantities.append(
            Quantity(
                item[2],
                like.description if like else description[0].lower() + description[1:],
                written,
                None if given else item[3],
            )
        )
    whole = position == len(formalized) and quantities and quantities[-1].expression is not None
    return tuple(quantities) if whole else None


def _cents(quantity: Quantity | None) -> bool:
    return quantity is not None and re.fullmatch(r"\d+\.\d\d", quantity.value) is not None


def _refuted(transition: Transition, number: int) -> str | None:
    check = refutation(transition)
    return verify_text(number, check) if check.computed is not None else None


def _misplanned(problem: Problem, quantities: Sequence[Quantity], number: int) -> str | None:
    """What is wrong with a plan that does not give the right answer: its first difference."""
    if answers.equal(quantities[-1].value, problem.answer):
        return None
    described = {q.description for q in quantities}
    for ours, right in zip(quantities, problem.quantities, strict=False):
        if ours.description != right.description:
            if right.description not in described:
                return omission_text(number, right.description)
            return contradiction_text(number, _sentence(ours), _sentence(right), 0)
        if _definition(ours) != _definition(right):
            return contradiction_text(number, _definition(ours), _definition(right), 0)
    if len(quantities) < len(problem.quantities):
        return omission_text(number, problem.quantities[len(quantities)].description)
    ours, right = quantities[-1], problem.quantities[-1]
    return contradiction_text(
        number, f"the goal is the {ours.description}", f"it is the {right.description}", 0
    )


def _definition(quantity: Quantity) -> str:
    return f"{quantity.symbol} = {quantity.expression or quantity.value}"


def _sentence(quantity: Quantity) -> str:
    return f"the {quantity.description} is {_definition(quantity)}"


def _disagrees(
    planned: Problem, values: Mapping[str, str], transition: Transition, number: int
) -> str | None:
    """How a state after Formalize disagrees with the plan; None if it doesn't."""
    output, goal = transition.output, planned.quantities[-1]
    match transition.action:
        case Action.DECOMPOSE:
            asked = set(re.findall(r"What is ([a-z])\b", output))
            for quantity in planned.quantities:
                if quantity.expression is not None and quantity.symbol not in asked:
                    return omission_text(number, quantity.description)
        case Action.SOLVE_SUBQUESTION:
            return _missolved(planned, values, output, number)
        case Action.SOLVE_PARENT:
            stated = answers.extract(output)
            if stated is None or not answers.equal(stated, goal.value):
                named = re.search(r"answer is ([a-z]) =", output)
                if named and named[1] != goal.symbol:
                    return contradiction_text(
                        number, f"the answer is {named[1]}", f"it is {goal.symbol}", 1
                    )
                claim = f"the answer is {stated}" if stated else "no answer"
                return contradiction_text(number, claim, f"it is {goal.value}", number - 1)
        case Action.SUMMARIZE:
            stated = answers.extract(output)
            if stated is None or not answers.equal(stated, planned.answer):
                claim = f"the answer is {stated}" if stated else "no answer"
                return contradiction_text(number, claim, f"it is {planned.answer}", number - 1)
    return None


def _missolved(planned: Problem, values: Mapping[str, str], output: str, number: int) -> str | None:
    symbol, *chain = output.split(" = ")
    quantity = next((q for q in planned.quantities if q.symbol == symbol), None)
    if quantity is None or not chain:
        return None
    if re.search("[a-z]", chain[0]) and chain[0] != quantity.expression:
        return contradiction_text(number, f"{symbol} = {chain[0]}", _definition(quantity), 1)
    if answers.equal(chain[-1], quantity.value):
        return None
    if len(chain) > 1 and quantity.expression is not None:
        numbers = " ".join(values.get(token, token) for token in quantity.expression.split())
        if chain[1] != numbers:
            return contradiction_text(number, f"{symbol} = {chain[1]}", f"{symbol} = {numbers}", 1)
    return f"State {number} says {symbol} = {chain[-1]}, but {symbol} = {quantity.value}."
