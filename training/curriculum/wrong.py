"""Wrong traces of generated problems: one mistake such as small models make, and what follows.

The mistake is made in the problem's graph and carried through it, so that all states after the
first wrong one agree with it, and the answer is wrong. A slip or a miscopied number contradicts the
trace itself, which the verifier sees; a wrong relation, number or goal contradicts the question
only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from random import Random
from typing import Final

from statespace import answers
from statespace.actions import Action
from training.problems.graph import evaluate
from training.problems.numbers import plain
from training.problems.problem import Problem, Quantity
from training.traces import graph
from training.traces.arithmetic import worked
from training.traces.graph import Pairs

_ATTEMPTS: Final = 12
_LARGEST: Final = 100_000
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")
_CURRENCIES: Final = ("$", "£", "€")
_OPERATORS: Final = "+-*/"
_STEPS_BEFORE: Final = 2
"""Formalize and Decompose come before the states that solve."""


class Kind(StrEnum):
    """What the mistake is."""

    OPERATION = "operation"
    """Another operation: a sum for a difference."""
    OPERAND = "operand"
    """Another quantity in a relation."""
    SWAP = "swap"
    """The operands of a difference or a quotient change places."""
    NUMBER = "number"
    """A number of the question is misread, or the one beside it is taken."""
    GOAL = "goal"
    """What is looked for is only a part of what is asked."""
    SLIP = "slip"
    """Arithmetic that does not hold."""
    COPY = "copy"
    """A symbol gets another value than it has."""
    EARLY = "early"
    """The answer is given before the last subquestion is solved."""


REFUTABLE: Final = frozenset({Kind.SLIP, Kind.COPY})
"""What the arithmetic verifier sees."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong trace: its states, and the index of the first wrong one."""

    states: Pairs
    first: int
    kind: Kind


def corrupt(problem: Problem, rng: Random, kinds: Sequence[Kind] = tuple(Kind)) -> Wrong | None:
    """A wrong trace of a generated problem; None where none of `kinds` fits it.

    Raises ValueError for a problem without a graph.
    """
    if not problem.quantities:
        raise ValueError(f"{problem.id} has no graph: only generated problems can be corrupted")
    for kind in rng.sample(list(kinds), len(kinds)):
        for _ in range(_ATTEMPTS):
            try:
                wrong = _MAKERS[kind](problem, rng)
            except (ZeroDivisionError, _UnusableError):
                continue
            if wrong is not None and _misses(wrong.states, problem):
                return wrong
    return None


class _UnusableError(ValueError):
    """The mistake leads to a value that nobody would write without a pause."""


def _misses(states: Pairs, problem: Problem) -> bool:
    stated = answers.extract(states[-1][1])
    return stated is not None and not answers.equal(stated, problem.answer)


def _operation(problem: Problem, rng: Random) -> Wrong | None:
    index = _derived(problem, rng)
    tokens = _tokens(problem, index)
    place = rng.randrange(1, len(tokens), 2)
    if "100" in tokens:
        return None
    tokens[place] = rng.choice([sign for sign in _OPERATORS if sign != tokens[place]])
    return _replanned(problem, index, tokens, Kind.OPERATION)


def _operand(problem: Problem, rng: Random) -> Wrong | None:
    index = _derived(problem, rng)
    tokens = _tokens(problem, index)
    place = rng.randrange(0, len(tokens), 2)
    others = [q.symbol for q in problem.quantities[:index] if q.symbol not in tokens]
    if not others or tokens[place].isdigit():
        return None
    tokens[place] = rng.choice(others)
    return _replanned(problem, index, tokens, Kind.OPERAND)


def _swap(problem: Problem, rng: Random) -> Wrong | None:
    index = _derived(problem, rng)
    tokens = _tokens(problem, index)
    if len(tokens) != 3 or tokens[1] not in "-/":
        return None
    return _replanned(problem, index, tokens[::-1], Kind.SWAP)


def _number(problem: Problem, rng: Random) -> Wrong | None:
    givens = [index for index, q in enumerate(problem.quantities) if q.expression is None]
    index = rng.choice(givens)
    value = problem.quantities[index].value
    others = [found for found in _NUMBER.findall(problem.question) if found != value]
    written = rng.choice(others) if others and rng.random() < 0.6 else _misread(value, rng)
    if Fraction(written) == Fraction(value):
        return None
    changed = {index: replace(problem.quantities[index], value=written)}
    return Wrong(_trace(problem, _propagated(problem, changed)), 0, Kind.NUMBER)


def _goal(problem: Problem, rng: Random) -> Wrong | None:
    derived = _all_derived(problem)
    if len(derived) < 2:
        return None
    kept = problem.quantities[: rng.choice(derived[:-1]) + 1]
    return Wrong(_trace(problem, kept), 0, Kind.GOAL)


def _slip(problem: Problem, rng: Random) -> Wrong:
    index = _derived(problem, rng)
    place = _STEPS_BEFORE + _all_derived(problem).index(index)
    *chain, value = graph.trace(problem)[place][1].split(" = ")
    if len(chain) > 3 and "(" not in chain[-1] and rng.random() < 0.6:
        chain, value = _slipped_between(chain, value, rng)
    else:
        value = _misread(value, rng)
    return _continued(problem, index, [*chain, value], Kind.SLIP)


def _slipped_between(chain: list[str], value: str, rng: Random) -> tuple[list[str], str]:
    """A wrong number in what stands before the result, and the result that follows from it."""
    terms = chain[-1].split()
    place = rng.randrange(0, len(terms), 2)
    terms[place] = _misread(terms[place], rng)
    result = evaluate(" ".join(terms), {})
    return [*chain[:-1], " ".join(terms)], _written(result, money="." in value)


def _copy(problem: Problem, rng: Random) -> Wrong | None:
    index = _derived(problem, rng)
    quantity = problem.quantities[index]
    values = {q.symbol: q.value for q in problem.quantities}
    tokens = _tokens(problem, index)
    places = [place for place, token in enumerate(tokens) if token in values]
    numbers = [values.get(token, token) for token in tokens]
    place = rng.choice(places)
    others = [q.value for q in problem.quantities[:index] if q.symbol not in tokens]
    numbers[place] = rng.choice([*others, _misread(numbers[place], rng)])
    result = evaluate(" ".join(numbers), {})
    if result == Fraction(quantity.value):
        return None
    value = _written(result, money=_money(problem))
    chain = [quantity.symbol, " ".join(tokens), " ".join(numbers), *worked(numbers, value)]
    return _continued(problem, index, chain, Kind.COPY)


def _early(problem: Problem, rng: Random) -> Wrong | None:
    derived = _all_derived(problem)
    if len(derived) < 2:
        return None
    last = rng.randrange(len(derived) - 1)
    kept = problem.quantities[: derived[last] + 1]
    solved = _STEPS_BEFORE + last + 1
    states = (*graph.trace(problem)[:solved], *_trace(problem, kept)[-2:])
    return Wrong(states, solved, Kind.EARLY)


_MAKERS: Final[dict[Kind, Callable[[Problem, Random], Wrong | None]]] = {
    Kind.OPERATION: _operation,
    Kind.OPERAND: _operand,
    Kind.SWAP: _swap,
    Kind.NUMBER: _number,
    Kind.GOAL: _goal,
    Kind.SLIP: _slip,
    Kind.COPY: _copy,
    Kind.EARLY: _early,
}


def _all_derived(problem: Problem) -> list[int]:
    return [index for index, q in enumerate(problem.quantities) if q.expression is not None]


def _derived(problem: Problem, rng: Random) -> int:
    return rng.choice(_all_derived(problem))


def _tokens(problem: Problem, index: int) -> list[str]:
    return (problem.quantities[index].expression or "").split()


def _replanned(problem: Problem, index: int, tokens: list[str], kind: Kind) -> Wrong:
    """The trace of another relation: Formalize is wrong, all that follows agrees with it."""
    changed = {index: replace(problem.quantities[index], expression=" ".join(tokens))}
    return Wrong(_trace(problem, _propagated(problem, changed)), 0, kind)


def _continued(problem: Problem, index: int, chain: list[str], kind: Kind) -> Wrong:
    """The trace in which one state solves by a wrong `chain`, and later ones build upon it."""
    fixed = {index: chain[-1]}
    states = list(_trace(problem, _propagated(problem, {}, fixed)))
    place = _STEPS_BEFORE + _all_derived(problem).index(index)
    states[place] = (Action.SOLVE_SUBQUESTION, " = ".join(chain))
    return Wrong(tuple(states), place, kind)


def _propagated(
    problem: Problem, changed: dict[int, Quantity], fixed: dict[int, str] | None = None
) -> tuple[Quantity, ...]:
    """The quantities with some `changed`, and values that follow; `fixed` ones are as stated."""
    values: dict[str, Fraction] = {}
    quantities = []
    for index, original in enumerate(problem.quantities):
        quantity = changed.get(index, original)
        if fixed and index in fixed:
            quantity = replace(quantity, value=fixed[index])
        elif quantity.expression is not None:
            result = evaluate(quantity.expression, values)
            same = quantity is original and result == Fraction(original.value)
            value = original.value if same else _written(result, money=_money(problem))
            quantity = replace(quantity, value=value)
        values[quantity.symbol] = Fraction(quantity.value)
        quantities.append(quantity)
    return tuple(quantities)


def _trace(problem: Problem, quantities: Iterable[Quantity]) -> Pairs:
    kept = tuple(quantities)
    return graph.trace(replace(problem, quantities=kept, answer=kept[-1].value))


def _written(value: Fraction, *, money: bool) -> str:
    if not 0 < value <= _LARGEST or (value * 100).denominator != 1:
        raise _UnusableError(str(value))
    return plain(value, money=money)


def _money(problem: Problem) -> bool:
    return problem.unit in _CURRENCIES or any(
        re.fullmatch(r"\d+\.\d0", q.value) for q in problem.quantities
    )


def _misread(number: str, rng: Random) -> str:
    """A number near or like `number`: a digit off, a carry lost, digits exchanged or dropped."""
    value = Fraction(number)
    places = [place for place, digit in enumerate(number) if digit.isdigit()]
    place = rng.choice(places)
    digit = rng.choice([d for d in "123456789" if d != number[place]])
    options = [number[:place] + digit + number[place + 1 :]]
    if value.denominator == 1:
        steps = (1, -1, 2, 10, -10) if value > 10 else (1, -1, 2)
        options += [str(value + step) for step in steps if value + step > 0]
        if len(number) > 1 and number[0] != number[1] != "0":
            options.append(number[1] + number[0] + number[2:])
            options.append(number[1:])
    chosen = rng.choice(options)
    if Fraction(chosen) in (0, value):
        raise _UnusableError(chosen)
    return chosen
