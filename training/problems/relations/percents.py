"""Percentages and fractions of numbers."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    over,
    percent,
)
from training.problems.relations.relation import Relation, step


def _parts(rng: Random, x: Fraction | None) -> Numbers | None:
    """A fraction c/b in lowest terms, and an x that it divides."""
    parts, taken = rng.choice(
        ((3, 2), (4, 3), (5, 2), (5, 3), (5, 4), (8, 3), (8, 5), (10, 3), (10, 7))
    )
    whole = Fraction(parts * rng.randint(2, 20)) if x is None else x
    return (
        {"x": whole, "b": Fraction(parts), "c": Fraction(taken)}
        if (whole / parts).denominator == 1
        else None
    )


RELATIONS = (
    Relation(
        "increase",
        "",
        "",
        percent("p"),
        {"x": "number before", "p": "percent more"},
        (step("z", "p / 100 * x", "increase"), step("y", "x + z", "number after")),
        (
            "a town has {x people}. its population grows by {p%}.",
            "a school has {x students}. next year it has {p%} more.",
            "a club has {x members}. their number goes up by {p%}.",
            "last year there were {x visitors}. this year there are {p%} more.",
            "~the {x members} of a club rise by {p%}.",
        ),
        (
            "how many are there then?",
            "what is the new number?",
            "how many is that now?",
            "how many is that then?",
            "how many are there after that?",
            "~what has the number become?",
        ),
        (
            "what is {x} increased by {p%}?",
            "increase {x} by {p%}.",
            "{x} plus {p%} is what?",
            "a number of {x} grows by {p%}. what is it now?",
            "~let {x} rise by {p%}. what comes out?",
        ),
        unit="",
        weight=0.8,
    ),
    Relation(
        "fraction_of",
        "",
        "",
        over("b", 2, 10),
        {"x": "whole", "b": "parts"},
        (step("y", "x / b", "one part"),),
        (),
        (),
        (
            "what is {1/b} of {x}?",
            "find {1/b} of {x}.",
            "how much is {1/b} of {x}?",
            "{1/b} of {x}?",
            "what is 1/{b} of {x}?",
            "take {1/b} of {x}.",
            "how many is {1/b} of {x}?",
            "if you take {1/b} of {x}, what do you get?",
            "what number is {1/b} of {x}?",
            "{1/b} of {x} is what?",
            "~work out {1/b} of the number {x}.",
        ),
        unit="",
        weight=0.7,
    ),
    Relation(
        "parts_number",
        "",
        "",
        _parts,
        {"c": "parts taken", "b": "parts in all", "x": "whole"},
        (step("z", "x / b", "one part"), step("y", "z * c", "part")),
        (),
        (),
        (
            "what is {c}/{b} of {x}?",
            "find {c}/{b} of {x}.",
            "how much is {c}/{b} of {x}?",
            "take {c}/{b} of {x}.",
            "{c}/{b} of {x} is what?",
            "if you take {c}/{b} of {x}, what do you get?",
            "calculate {c}/{b} of {x}.",
            "what number is {c}/{b} of {x}?",
            "~work out {c}/{b} of the number {x}.",
        ),
        unit="",
        weight=0.6,
    ),
)
