"""Comparisons: more than, fewer than, times as many."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    minus,
    over,
    own,
    plus,
    times,
    within,
)
from training.problems.relations.asks import OF_M
from training.problems.relations.relation import Relation, step


def _poorer(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(5, 120)) if x is None else x
    return {"x": have, "b": Fraction(rng.randint(1, int(have) - 1))} if have >= 2 else None


RELATIONS = (
    Relation(
        "difference",
        "hold",
        "",
        minus("b"),
        {"b": "{nouns} of {M}"},
        (step("y", "x - b", "difference"),),
        (
            "{M|has} {b nouns}.",
            "{M|has} {b}.",
            "{M|has} only {b nouns}.",
            "~{b nouns} belong to {M}.",
        ),
        (
            "how many more {nouns} {does N} have than {M}?",
            "how many fewer {nouns} {does M} have than {@N}?",
            "how many more {nouns} must {M} get to have as many as {@N}?",
            "what is the difference between their numbers of {nouns}?",
            "~by how many {nouns} is {M} behind {N}?",
        ),
        (
            "{N|has} {x nouns} and {M|has} {b}. how many more {does N} have?",
            "if {N|!has} {x nouns} and {M|!has} {b nouns}, how many more {nouns} "
            "{does N} have than {M}?",
            "~{N|has} {x nouns} against {M's} {b}. what is the difference?",
        ),
        weight=1.5,
    ),
    Relation(
        "more_than",
        "hold",
        "",
        plus("b"),
        {"b": "how many more"},
        (step("y", "x + b", "{nouns} of {M}"),),
        (
            "{M|has} {b more nouns} than {@N}.",
            "{M|has} {b} more than {@N}.",
            "{N|has} {b fewer nouns} than {M}.",
            "~{M|is} ahead of {@N} by {b nouns}.",
        ),
        OF_M,
        (
            "{N|has} {x nouns}. {M|has} {b} more. how many {does M} have?",
            "{M|has} {b more nouns} than {@N}. {N|has} {x}. how many {does M} have?",
            "{M|has} {b} more than {@N}. if {N|!has} {x nouns}, how many {does M} have?",
            "if {N|!has} {x nouns} and {M|!has} {b} more than that, how many {does M} have?",
            "~{M|has} {b more nouns} than {@N}, who has {x}. how many is that?",
        ),
    ),
    Relation(
        "fewer_than",
        "hold",
        "",
        minus("b"),
        {"b": "how many fewer"},
        (step("y", "x - b", "{nouns} of {M}"),),
        (
            "{M|has} {b fewer nouns} than {@N}.",
            "{M|has} {b} fewer than {@N}.",
            "{M|has} {b} less than {@N}.",
            "{N|has} {b more nouns} than {M}.",
            "~{M|has} {b} short of what {N|has}.",
        ),
        OF_M,
        (
            "{N|has} {x nouns}. {M|has} {b} fewer. how many {does M} have?",
            "{M|has} {b fewer nouns} than {@N}. {N|has} {x}. how many {does M} have?",
            "~{M|has} {b fewer nouns} than {@N}, who has {x}. how many {does M} have?",
        ),
    ),
    Relation(
        "times_as_many",
        "hold",
        "",
        times("b", 2, 9),
        {"b": "times as many"},
        (step("y", "x * b", "{nouns} of {M}"),),
        (
            "{M|has} {xb} as many {nouns} as {@N}.",
            "{M|has} {xb} as many as {@N}.",
            "{M|has} {xb} the number of {nouns} that {N|has}.",
            "~the number {M|has} is {xb} that of {@N}.",
        ),
        OF_M,
        (
            "{N|has} {x nouns}. {M|has} {xb} as many. how many {does M} have?",
            "{M|has} {xb} as many {nouns} as {@N}. {N|has} {x}. how many {does M} have?",
            "{M|has} {xb} as many {nouns} as {@N}. if {N|!has} {x}, how many {does M} have?",
            "if {N|!has} {x nouns} and {M|!has} {xb} as many, how many {nouns} {does M} have?",
            "~{M|has} {xb} as many {nouns} as {@N}, and {N|has} {x}. how many has {M}?",
        ),
    ),
    Relation(
        "more_than_twice",
        "hold",
        "",
        own(b=within(1, 15), k=within(2, 4)),
        {"k": "times as many", "b": "how many more"},
        (step("z", "x * k", "{k} times the {nouns} of {@N}"), step("y", "z + b", "{nouns} of {M}")),
        (
            "{M|has} {b} more than {xk} as many {nouns} as {@N}.",
            "{M|has} {b} more than {xk} what {N|has}.",
            "~the {nouns} of {M} are {b} more than {xk} those of {@N}.",
        ),
        OF_M,
    ),
    Relation(
        "half_as_many",
        "hold",
        "",
        over("b", 2, 2),
        {},
        (step("y", "x / 2", "{nouns} of {M}"),),
        (
            "{M|has} half as many {nouns} as {@N}.",
            "{M|has} just half as many as {@N}.",
            "{N|has} twice as many {nouns} as {M}.",
            "{N|has} double the number that {M} has.",
            "~{M|has} half of what {N|has}.",
        ),
        OF_M,
        (
            "{N|has} {x nouns}. {M|has} half as many. how many {does M} have?",
            "{M|has} half as many {nouns} as {@N}. {N|has} {x}. how many {does M} have?",
            "~{M|has} half as many {nouns} as {@N}, who has {x}. how many is that?",
        ),
    ),
    Relation(
        "purses_difference",
        "purse",
        "",
        _poorer,
        {"b": "money of {M}"},
        (step("y", "x - b", "difference"),),
        (
            "{M|has} {$b}.",
            "{M|has} only {$b}.",
            "{his} friend {M} has {$b}.",
            "~{$b} belong to {M}.",
        ),
        (
            "how much more money {does N} have than {M}?",
            "how much less money {does M} have?",
            "how much more {does N} have than {M}?",
            "~by how much {is N} richer?",
        ),
        (
            "{N|has} {$x} and {M|has} {$b}. how much more {does N} have?",
            "~with {$x} against {M's} {$b}, how far ahead {is N}?",
        ),
        unit="$",
        money=frozenset("by"),
        weight=0.6,
    ),
    Relation(
        "purses_times",
        "purse",
        "",
        times("b", 2, 6),
        {"b": "times as much"},
        (step("y", "x * b", "money of {M}"),),
        (
            "{M|has} {xb} as much money as {@N}.",
            "{M|has} {xb} as much as {@N}.",
            "~the money of {M} is {xb} that of {@N}.",
        ),
        ("how much money {does M} have?", "how much {does M} have?", "~what sum has {M}?"),
        (
            "{N|has} {$x} and {M|has} {xb} as much. how much {does M} have?",
            "~{M|has} {xb} the {$x} that {N|has}. how much is that?",
        ),
        unit="$",
        money=frozenset("y"),
        weight=0.6,
    ),
)
