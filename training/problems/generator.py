"""Makes problems: draws a chain of relations, numbers for it, a scene and wordings.

`generate` is a pure function of its arguments, so that any problem can be made alone, in any
process, in any order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from random import Random

from training.problems import layout, scenes
from training.problems.graph import Graph, UnsuitableNumbersError, operations_in
from training.problems.names import Person
from training.problems.nouns import pluralize, singularize
from training.problems.numbers import Numbers, start
from training.problems.problem import Problem, Split, problem_id
from training.problems.relations import ALL
from training.problems.relations.relation import Kind, Relation
from training.problems.wording import Renderer, Style

_WORD = re.compile(r"[\w'-]+")
_SHARES = {1: 0.30, 2: 0.35, 3: 0.20, 4: 0.08, 5: 0.04, 6: 0.03}
"""How often problems have so many operations."""
_ALONE = 1.6
"""How much likelier are relations that stand alone, since no chain leads to them."""
_ATTEMPTS = 500
_REPEATABLE = frozenset(
    {"gain", "loss", "eat", "arrive", "depart", "put_in", "take_out", "spend", "earn_more"}
)
MONEY_KINDS = frozenset({"bill", "purse"})


@dataclass(slots=True)
class Link:
    """One relation of a chain with its numbers, by the relation's own names."""

    relation: Relation
    numbers: Numbers
    other: Person
    """Who `{M}` is in this relation: someone new each time, never spoken of as the protagonist."""


def generate(
    seed: int,
    index: int,
    *,
    split: Split = "seen",
    operations: tuple[int, int] = (1, 6),
    only: frozenset[str] | None = None,
) -> Problem:
    """Problem number `index` of the stream `seed`; `operations` bounds (inclusive) its length.

    `only` names the relations that it may hold. Raises ValueError for bounds that hold no length
    the generator makes, RuntimeError if many attempts give no sensible problem.
    """
    rng = Random(f"{seed}/{index}/{split}")
    low, high = operations
    lengths = [n for n in _SHARES if low <= n <= high]
    if not lengths:
        raise ValueError(f"operations must lie within 1 and {max(_SHARES)}, not {operations}")
    length = rng.choices(lengths, [_SHARES[n] for n in lengths])[0]
    for _ in range(_ATTEMPTS):
        chain = _chain(rng, length, only)
        if chain is None:
            continue
        try:
            return _compose(rng, chain, split)
        except (UnsuitableNumbersError, scenes.UnsuitableSceneError, layout.NoWordingError):
            continue
    raise RuntimeError(f"no problem with {low} to {high} operations for seed {seed}, index {index}")


@cache
def _operations(relation: Relation) -> int:
    return sum(operations_in(step.expression) for step in relation.steps)


@cache
def _candidates(
    takes: Kind | None, room: int, only: frozenset[str] | None
) -> tuple[list[Relation], list[float]]:
    """Relations that may come next, with weights; `takes` None: at the start."""
    fitting = [
        relation
        for relation in ALL
        if (only is None or relation.name in only)
        and (takes is None or relation.takes == takes)
        and _operations(relation) <= room
        and (relation.gives or _operations(relation) == room)
    ]
    return fitting, [
        relation.weight * (1 if relation.takes or relation.gives else _ALONE)
        for relation in fitting
    ]


def _chain(rng: Random, length: int, only: frozenset[str] | None) -> list[Relation] | None:
    chain: list[Relation] = []
    kind: Kind | None = None
    room = length
    while room:
        fitting, weights = _candidates(kind, room, only)
        if not fitting:
            return None
        relation = rng.choices(fitting, weights)[0]
        if relation in chain and relation.name not in _REPEATABLE:
            return None
        chain.append(relation)
        kind = relation.gives
        room -= _operations(relation)
    return chain


def _compose(rng: Random, chain: Sequence[Relation], split: Split) -> Problem:
    scene = scenes.scene(rng, chain)
    renderer = Renderer(rng, scene, Style.drawn(rng))
    graph = Graph()
    links: list[Link] = []
    value: Fraction | None = None
    known: str | None = None
    for relation in chain:
        numbers = relation.draw(rng, value)
        if numbers is None:
            raise UnsuitableNumbersError(relation.name)
        if max(numbers.values(), default=Fraction(0)) > relation.top:
            raise UnsuitableNumbersError(relation.name)
        if relation.takes and value is None and "x" not in numbers:
            numbers["x"] = start(rng, money=relation.takes in MONEY_KINDS)
        link = Link(relation, numbers, scenes.bystander(rng, scene))
        known = _extend(graph, renderer, link, known)
        value = graph.values[known]
        links.append(link)
    question = layout.question(rng, renderer, links, heldout=split == "heldout")
    last = chain[-1]
    answer = graph.quantities[-1].value
    return Problem(
        id=problem_id(question, answer),
        question=question,
        answer=answer,
        source="procedural",
        split=split,
        operations=graph.operations,
        relations=tuple(relation.name for relation in chain),
        quantities=tuple(graph.quantities),
        unit=_mentioned(renderer.unit(last.unit, value or Fraction(0)), question),
    )


def _mentioned(unit: str, question: str) -> str:
    """The unit if the question mentions it, else nothing: it must be derivable from the words."""
    if not unit or unit in "$£€":
        return unit
    last = unit.rpartition(" ")[2]
    forms = {last, pluralize(last), singularize(last)}
    return "" if forms.isdisjoint(_WORD.findall(question.lower())) else unit


def _extend(graph: Graph, renderer: Renderer, link: Link, known: str | None) -> str:
    """Adds one relation's quantities to the graph; returns the symbol of its result.

    A number that the relation doesn't name as a given stands in expressions as itself.
    """
    relation, numbers, other = link.relation, link.numbers, link.other
    symbols: dict[str, str] = {}
    if known is not None:
        symbols["x"] = known
    elif relation.takes:
        money = relation.takes in MONEY_KINDS
        text = renderer.describe(scenes.STATEMENTS[relation.takes].description, numbers, other)
        symbols["x"] = graph.given(text, numbers["x"], money=money)
    for name, description in relation.givens.items():
        text = renderer.describe(description, numbers, other)
        symbols[name] = graph.given(text, numbers[name], money=name in relation.money)
    hidden = numbers.keys() - symbols.keys()
    symbols |= {name: str(numbers[name]) for name in hidden}
    for step in relation.steps:
        symbols[step.name] = graph.derive(
            renderer.describe(step.description, numbers, other),
            step.expression,
            symbols,
            money=step.name in relation.money,
            fractional=step.name in relation.fractional,
        )
    return symbols[relation.steps[-1].name]
