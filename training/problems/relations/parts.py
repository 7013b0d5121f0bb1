"""A part is used, eaten or kept: halves, fractions, slices."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    divisors,
    few,
    minus,
    over,
    own,
    percent,
    smaller,
    within,
)
from training.problems.relations.relation import Relation, step


def _rest_shared(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(10, 90)) if x is None else x
    eaten = Fraction(rng.randint(1, max(1, int(have) // 2)))
    choices = divisors(have - eaten, 2, 10)
    return {"x": have, "b": eaten, "c": Fraction(rng.choice(choices))} if choices else None


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
        "fraction_used",
        "hold",
        "hold",
        over("b", 2, 8),
        {"b": "parts"},
        (step("z", "x / b", "{nouns} gone"), step("y", "x - z", "{nouns} left")),
        (
            "{S|gives} {1/b} of them to {M}.",
            "{S|sells} {1/b} of the {nouns}.",
            "{S|uses} {1/b} of {his} {nouns}.",
            "{S|loses} {1/b} of them.",
            "~{1/b} of the {nouns} {*are} set aside for {M}.",
        ),
        (
            "how many {nouns} are left?",
            "how many {nouns} {does S} have left?",
            "how many {nouns} {does S} still have?",
            "how many remain?",
            "~what number of {nouns} {is he} left with?",
        ),
        (
            "{N|has} {x nouns} and {|gives} away {1/b} of them. how many are left?",
            "~{N|parts} with {1/b} of {his} {x nouns}. how many are left?",
        ),
    ),
    Relation(
        "several_parts",
        "hold",
        "",
        _parts,
        {"c": "parts taken", "b": "parts in all"},
        (step("z", "x / b", "one part"), step("y", "z * c", "{color} {nouns}")),
        (
            "{c}/{b} of them are {color}.",
            "{c}/{b} of the {nouns} are {color}.",
            "~the {color} ones make up {c}/{b} of the {nouns}.",
        ),
        (
            "how many {nouns} are {color}?",
            "how many {color} {nouns} are there?",
            "how many are {color}?",
            "~how many of the {nouns} have the color {color}?",
        ),
        (
            "{c}/{b} of {x nouns} are {color}. how many are {color}?",
            "~of {x nouns}, {c}/{b} are {color}. how many {color} ones is that?",
        ),
        noun="thing",
    ),
    Relation(
        "percent_left",
        "hold",
        "",
        percent("p"),
        {"p": "percent used"},
        (step("z", "p / 100 * x", "{nouns} used"), step("y", "x - z", "{nouns} left")),
        (
            "{S|sells} {p%} of them.",
            "{S|gives away} {p%} of the {nouns}.",
            "{S|uses} {p%} of {his} {nouns}.",
            "~{p%} of the {nouns} {*are} handed out.",
        ),
        (
            "how many {nouns} are left?",
            "how many {nouns} {does S} have left?",
            "how many remain?",
            "~what number of {nouns} stays behind?",
        ),
    ),
    Relation(
        "percent_part",
        "hold",
        "",
        percent("p"),
        {"p": "percent that are {color}"},
        (step("y", "p / 100 * x", "{color} {nouns}"),),
        (
            "{p%} of them are {color}.",
            "{p%} of the {nouns} are {color}.",
            "{p%} are {color}.",
            "~the {color} ones make up {p%}.",
        ),
        (
            "how many {nouns} are {color}?",
            "how many {color} {nouns} are there?",
            "how many are {color}?",
            "find the number of {color} {nouns}.",
            "~how many of the {nouns} have the color {color}?",
        ),
        (
            "{p%} of {x nouns} are {color}. how many is that?",
            "if {p%} of {x nouns} are {color}, how many {color} {nouns} are there?",
            "~of {x nouns}, {p%} are {color}. how many {color} ones is that?",
        ),
        noun="thing",
    ),
    Relation(
        "rest_shared",
        "hold",
        "",
        _rest_shared,
        {"b": "{nouns} kept", "c": "number of {friends}"},
        (step("z", "x - b", "{nouns} to share"), step("y", "z / c", "{nouns} for each")),
        (
            "{S|keeps} {b} and {|shares} the rest equally among {c friends}.",
            "{S|eats} {b} and {|gives} the rest to {c friends}, the same number to each.",
            "{S|sets} aside {b nouns}. the others are shared equally by {c friends}.",
            "~except for {b}, all are dealt out evenly to {c friends}.",
        ),
        (
            "how many {nouns} does each {friend} get?",
            "how many does each {friend} get?",
            "how many {nouns} will each {friend} receive?",
            "~what is the share of one {friend}?",
        ),
        noun="food",
    ),
    Relation(
        "slices",
        "",
        "",
        own(a=few, b=lambda rng: rng.choice((4, 6, 8, 8, 10, 12)), c=within(1, 7)),
        {"a": "number of pizzas", "b": "slices of each", "c": "slices eaten"},
        (step("z", "a * b", "slices in all"), step("y", "z - c", "slices left")),
        (
            "{N|orders} {a pizzas} with {b slices} each. {c slices} {#are} eaten.",
            "there are {a pizzas}, each cut into {b slices}. {N|eats} {c slices}.",
            "{N|cuts} {a pizzas} into {b slices} each and {|eats} {c}.",
            "~of {a pizzas} with {b slices} each, {c slices} get eaten.",
        ),
        (
            "how many slices are left?",
            "how many slices remain?",
            "how many slices of pizza are left?",
            "~how many slices stay on the plates?",
        ),
        unit="slices",
        weight=0.7,
    ),
    Relation(
        "one_pizza",
        "",
        "",
        smaller("x", "b", lambda rng: rng.choice((6, 8, 8, 10, 12, 16))),
        {"x": "slices in all", "b": "slices eaten"},
        (step("y", "x - b", "slices left"),),
        (
            "a {pie} is cut into {x slices}. {N|eats} {b}.",
            "a {pie} has {x slices}. {b} of them {#are} eaten.",
            "{N|cuts} a {pie} into {x slices} and {|eats} {b} of them.",
            "~of the {x slices} of a {pie}, {N|takes} {b}.",
        ),
        (
            "how many slices are left?",
            "how many slices remain?",
            "how many are left?",
            "~how many slices are still there?",
        ),
        unit="slices",
        weight=0.7,
    ),
    Relation(
        "rest_of_group",
        "place",
        "",
        minus("b"),
        {"b": "{nouns} of the first kind"},
        (step("y", "x - b", "the rest"),),
        (
            "{b} of them {#are} {color}.",
            "{b} {#are} {color} and the rest are {color2}.",
            "{b} of the {nouns} {#are} {color}. the others are {color2}.",
            "~all are {color2} except {b}, which are {color}.",
        ),
        (
            "how many {nouns} are not {color}?",
            "how many are not {color}?",
            "find how many {nouns} are not {color}.",
            "~how many of them have another color than {color}?",
        ),
        (
            "there {#are x} {x nouns} {place}. {b} {#are} {color} and the rest are "
            "{color2}. how many are {color2}?",
            "{x nouns} {#are} {place}. {b} {#are} {color}. how many are not {color}?",
            "~out of {x nouns}, {b} {#are} {color} and the others {color2}. how many "
            "{color2} {nouns} are there?",
        ),
        noun="thing",
    ),
)
