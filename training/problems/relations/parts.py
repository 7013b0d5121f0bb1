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
            "{S|eats} {1/b} of them.",
            "{1/b} of the {nouns} {*are} sold.",
            "{M|gets} {1/b} of the {nouns}.",
            "{1/b} of {his} {nouns} {*break}.",
            "~{1/b} of the {nouns} {*are} set aside for {M}.",
        ),
        (
            "how many {nouns} are left?",
            "how many {nouns} {does S} have left?",
            "how many {nouns} {does S} still have?",
            "how many remain?",
            "how many {nouns} {does S} keep?",
            "how many {nouns} are there then?",
            "~what number of {nouns} {is he} left with?",
        ),
        (
            "{N|has} {x nouns} and {|gives} away {1/b} of them. how many are left?",
            "{N|has} {x nouns}. {he|loses} {1/b} of them. how many are left?",
            "{N|gives} {M} {1/b} of {his} {x nouns}. how many {does N} keep?",
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
            "{color} is the color of {c}/{b} of them.",
            "{S|paints} {c}/{b} of them {color}.",
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
            "{N|has} {x nouns}. {c}/{b} of them are {color}. how many {color} {nouns} "
            "{does he} have?",
            "there are {x nouns}, and {c}/{b} are {color}. how many is that?",
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
            "{p%} of the {nouns} {*are} sold.",
            "{S|loses} {p%} of them.",
            "{M|takes} {p%} of the {nouns}.",
            "~{p%} of the {nouns} {*are} handed out.",
        ),
        (
            "how many {nouns} are left?",
            "how many {nouns} {does S} have left?",
            "how many remain?",
            "how many {nouns} are still there?",
            "~what number of {nouns} stays behind?",
        ),
        (
            "{N|has} {x nouns} and {|sells} {p%}. how many are left?",
            "{p%} of {x nouns} {*are} sold. how many are left?",
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
            "{color} is the color of {p%} of them.",
            "{S|paints} {p%} of the {nouns} {color}.",
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
            "{N|has} {x nouns}. {p%} of them are {color}. how many {color} {nouns} is that?",
            "how many of {x nouns} are {color} if {p%} are?",
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
            "{S|takes} {b} for {him} alone. {c friends} share what is left equally.",
            "{b} {*are} eaten. {c friends} share the rest equally.",
            "{S|gives} {b} to {M} and {|divides} the rest equally among {c friends}.",
            "~except for {b}, all are dealt out evenly to {c friends}.",
        ),
        (
            "how many {nouns} does each {friend} get?",
            "how many does each {friend} get?",
            "how many {nouns} will each {friend} receive?",
            "how many does every {friend} get?",
            "how many {nouns} are there for each {friend}?",
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
            "{a pizzas} {*are} cut into {b slices} each, and {c} {*are} eaten.",
            "each of {a pizzas} has {b slices}. {N|eats} {c} of the slices.",
            "~of {a pizzas} with {b slices} each, {c slices} get eaten.",
        ),
        (
            "how many slices are left?",
            "how many slices remain?",
            "how many slices of pizza are left?",
            "how many slices are not eaten?",
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
            "there are {x slices} of {pie}. {N|eats} {b}.",
            "{N|has} a {pie} with {x slices}. {M|takes} {b}.",
            "~of the {x slices} of a {pie}, {N|takes} {b}.",
        ),
        (
            "how many slices are left?",
            "how many slices remain?",
            "how many are left?",
            "how many slices are not eaten?",
            "~how many slices are still there?",
        ),
        ("a {pie} has {x slices}. {N|eats} {b}. how many slices are left?",),
        unit="slices",
        weight=0.7,
    ),
    Relation(
        "rest_of_group",
        "place",
        "",
        minus("b"),
        {"b": "{nouns} of the first kind"},
        (step("y", "x - b", "rest"),),
        (
            "{b} of them {#are} {color}.",
            "{b} {#are} {color} and the rest are {color2}.",
            "{b} of the {nouns} {#are} {color}. the others are {color2}.",
            "only {b} {#are} {color}.",
            "{b} have the color {color}, the others don't.",
            "{color} is the color of {b} of them.",
            "~all are {color2} except {b}, which are {color}.",
        ),
        (
            "how many {nouns} are not {color}?",
            "how many are not {color}?",
            "find how many {nouns} are not {color}.",
            "how many {nouns} have another color?",
            "~how many of them have another color than {color}?",
        ),
        (
            "there {#are x} {x nouns} {place}. {b} {#are} {color} and the rest are "
            "{color2}. how many are {color2}?",
            "{x nouns} {#are} {place}. {b} {#are} {color}. how many are not {color}?",
            "there {#are x} {x nouns}. {b} {#are} {color}. how many are not {color}?",
            "{N|has} {x nouns}, and {b} of them {#are} {color}. how many {nouns} are not {color}?",
            "~out of {x nouns}, {b} {#are} {color} and the others {color2}. how many "
            "{color2} {nouns} are there?",
        ),
        noun="thing",
    ),
)
