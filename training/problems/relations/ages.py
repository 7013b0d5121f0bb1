"""Ages now, then and of others."""

from __future__ import annotations

from random import Random

from training.problems.numbers import (
    minus,
    own,
    smaller,
    within,
)
from training.problems.relations.relation import Relation, step


def _age(rng: Random) -> int:
    return rng.randint(3, 40)


RELATIONS = (
    Relation(
        "age_older",
        "",
        "",
        own(a=_age, b=within(2, 30)),
        {"a": "age of {@N}", "b": "years older"},
        (step("y", "a + b", "age of {M}"),),
        (
            "{N|!is} {a years} old. {M} is {b years} older.",
            "{N|!is} {a}. {M} is {b years} older than {@N}.",
            "{M} is {b years} older than {@N}, who is {a}.",
            "~{N|!is} {a years} old and {b years} younger than {M}.",
        ),
        (
            "how old is {M}?",
            "what is {M's} age?",
            "find {M's} age.",
            "~how many years old must {M} be?",
        ),
        (
            "{M} is {b years} older than {@N}. {N|!is} {a}. how old is {M}?",
            "if {N|!is} {a} and {M} is {b years} older, how old is {M}?",
            "~{M} was born {b years} before {N}, who is {a}. how old is {M}?",
        ),
        unit="years",
        named=True,
    ),
    Relation(
        "age_younger",
        "",
        "",
        smaller("a", "b", within(8, 50), gap=3),
        {"a": "age of {@N}", "b": "years younger"},
        (step("y", "a - b", "age of {M}"),),
        (
            "{N|!is} {a years} old. {M} is {b years} younger.",
            "{N|!is} {a}. {M} is {b years} younger than {@N}.",
            "{N|!is} {a years} old and {b years} older than {M}.",
            "~{M} was born {b years} after {N}, who is {a}.",
        ),
        (
            "how old is {M}?",
            "what is {M's} age?",
            "find {M's} age.",
            "~how many years old must {M} be?",
        ),
        (
            "if {N|!is} {a} and {M} is {b years} younger, how old is {M}?",
            "~{N}, aged {a}, is {b years} ahead of {M}. how old is {M}?",
        ),
        unit="years",
        named=True,
    ),
    Relation(
        "age_later",
        "",
        "",
        own(a=_age, b=within(2, 25)),
        {"a": "age now", "b": "years from now"},
        (step("y", "a + b", "age then"),),
        (
            "{N|!is} {a years} old.",
            "{N|!is} {a} now.",
            "{N|!is} {a years} old now.",
            "~today {N|!turns} {a}.",
        ),
        (
            "how old will {S} be in {b years}?",
            "how old will {S} be {b years} from now?",
            "what will {his} age be in {b years}?",
            "~which birthday will it be in {b years}?",
        ),
        unit="years",
    ),
    Relation(
        "age_before",
        "",
        "",
        minus("b"),
        {"x": "age now", "b": "years ago"},
        (step("y", "x - b", "age then"),),
        ("{N|!is} {x years} old.", "{N|!is} {x} now.", "~today {N|!turns} {x}."),
        (
            "how old was {N} {b years} ago?",
            "how old was {N} {b years} earlier?",
            "what was {N's} age {b years} ago?",
            "~what age had {N} {b years} back?",
        ),
        unit="years",
        named=True,
        top=90,
    ),
    Relation(
        "age_times",
        "",
        "",
        own(a=within(2, 20), b=within(2, 4)),
        {"a": "age of {@N}", "b": "times as old"},
        (step("y", "a * b", "age of {M}"),),
        (
            "{N|!is} {a years} old. {M} is {xb} as old.",
            "{N|!is} {a}. {M} is {xb} as old as {@N}.",
            "{M} is {xb} as old as {@N}, who is {a}.",
            "~the age of {M} is {xb} that of {@N}, and {N|!is} {a}.",
        ),
        (
            "how old is {M}?",
            "what is {M's} age?",
            "find {M's} age.",
            "~how many years old must {M} be?",
        ),
        (
            "if {N|!is} {a years} old and {M} is {xb} as old, how old is {M}?",
            "~{N|!is} {a}, {M} {xb} that. how old is {M}?",
        ),
        unit="years",
        named=True,
    ),
    Relation(
        "age_sum",
        "",
        "",
        own(a=within(2, 20), b=within(2, 20)),
        {"a": "age of {@N}", "b": "years older"},
        (step("z", "a + b", "age of {M}"), step("y", "a + z", "sum of ages")),
        (
            "{N|!is} {a years} old. {M} is {b years} older.",
            "{N|!is} {a}. {M} is {b years} older than {@N}.",
            "~{N|!is} {a years} old and {b years} younger than {M}.",
        ),
        (
            "what is the sum of their ages?",
            "how old are they together?",
            "what is the total of their ages?",
            "~what do the two ages come to?",
        ),
        unit="years",
        named=True,
    ),
)
