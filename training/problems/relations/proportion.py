"""Proportion: what holds for some, worked out for one and then for others."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    few,
    price,
)
from training.problems.relations.relation import Relation, step


def _proportion(rng: Random, _: Fraction | None) -> Numbers | None:
    each = few(rng, 2, 15)
    some = few(rng, 2, 8)
    return {"x": Fraction(each * some), "b": Fraction(some), "c": Fraction(_other(rng, some))}


def _price(rng: Random, _: Fraction | None) -> Numbers | None:
    some = few(rng, 2, 8)
    return {"x": price(rng, 12) * some, "b": Fraction(some), "c": Fraction(_other(rng, some))}


def _other(rng: Random, some: int) -> int:
    other = few(rng, 2, 15)
    return other if other != some else other + 1


RELATIONS = (
    Relation(
        "price_proportion",
        "",
        "bill",
        _price,
        {"x": "cost of {b nouns}", "b": "number of {nouns}", "c": "number wanted"},
        (step("z", "x / b", "price of one"), step("y", "z * c", "cost of {c nouns}")),
        (
            "{b nouns} cost {$x}. {N|buys} {c}.",
            "{N|pays} {$x} for {b nouns}. then {he|wants} {c} instead.",
            "the {shop} sells {b nouns} for {$x}. {N|needs} {c nouns}.",
            "{b nouns} cost {$x} in all. {N|needs} {c} of them.",
            "{$x} is the price of {b nouns}. {N|wants} {c}.",
            "for {b nouns} {N|pays} {$x}. {M|buys} {c} at the same price.",
            "~for {$x} one gets {b nouns}. {N|orders} {c}.",
        ),
        (
            "how much do {c nouns} cost?",
            "how much does that cost?",
            "what is the price of {c nouns}?",
            "how much are {c nouns}?",
            "~what are {c nouns} at this price?",
        ),
        (
            "if {b nouns} cost {$x}, how much do {c nouns} cost?",
            "{b nouns} cost {$x}. how much do {c} cost?",
            "{b nouns} for {$x}. how much for {c}?",
            "how much are {c nouns} if {b} cost {$x}?",
            "{b nouns} are {$x}. how much are {c nouns}?",
            "how much do {c nouns} cost when {b} of them cost {$x}?",
            "{N|pays} {$x} for {b nouns}. how much would {c} cost?",
            "~at {$x} for {b nouns}, what is the price of {c}?",
        ),
        unit="$",
        money=frozenset("xyz"),
        weight=1.5,
    ),
    Relation(
        "work_proportion",
        "",
        "",
        _proportion,
        {"x": "{makes} made", "b": "{spans} taken", "c": "{spans} asked for"},
        (step("z", "x / b", "{makes} per {span}"), step("y", "z * c", "{makes} in {c spans}")),
        (
            "a machine makes {x makes} in {b spans}.",
            "{N|makes} {x makes} in {b spans}.",
            "in {b spans}, {N|makes} {x makes}.",
            "{x makes} {*are} made in {b spans}.",
            "a factory needs {b spans} for {x makes}.",
            "~{b spans} are enough for {@N} to make {x makes}.",
        ),
        (
            "how many {makes} is that in {c spans}?",
            "at this rate, how many {makes} are made in {c spans}?",
            "how many are made in {c spans}?",
            "how many {makes} can be made in {c spans}?",
            "~what number of {makes} would {c spans} bring?",
        ),
        (
            "if {N|!makes} {x makes} in {b spans}, how many can {he} make in {c spans}?",
            "a machine makes {x makes} in {b spans}. how many does it make in {c spans}?",
            "{N|makes} {x makes} in {b spans}. how many {makes} in {c spans}?",
            "{x makes} take {b spans}. how many {makes} can be made in {c spans}?",
            "~{x makes} in {b spans} means how many in {c spans}?",
        ),
        unit="{makes}",
    ),
    Relation(
        "distance_proportion",
        "",
        "",
        _proportion,
        {"x": "distance first", "b": "hours first", "c": "hours asked for"},
        (step("z", "x / b", "speed"), step("y", "z * c", "distance in {c hours}")),
        (
            "a {vehicle} goes {x dists} in {b hours}.",
            "{N|drives} {x dists} in {b hours}.",
            "{N|walks} {x dists} in {b hours}.",
            "{N|rides} {x dists} in {b hours}.",
            "in {b hours}, {N|travels} {x dists}.",
            "~it takes {b hours} for a {vehicle} to cover {x dists}.",
        ),
        (
            "how far is it in {c hours} at the same speed?",
            "how many {dists} is that in {c hours}?",
            "at this speed, how far is it in {c hours}?",
            "how far {does S} get in {c hours}?",
            "~what distance would {c hours} make?",
        ),
        (
            "if a {vehicle} goes {x dists} in {b hours}, how far does it go in {c hours}?",
            "{N|drives} {x dists} in {b hours}. how far {does he} get in {c hours} at the "
            "same speed?",
            "~{x dists} in {b hours} is how far in {c hours}?",
        ),
        unit="{dists}",
    ),
    Relation(
        "recipe_proportion",
        "",
        "",
        _proportion,
        {"x": "cups used", "b": "cakes", "c": "cakes wanted"},
        (step("z", "x / b", "cups for one cake"), step("y", "z * c", "cups for {c cakes}")),
        (
            "{N|uses} {x cups} of {noun_mass} for {b cakes}.",
            "a recipe for {b cakes} needs {x cups} of {noun_mass}.",
            "{x cups} of {noun_mass} are enough for {b cakes}.",
            "to bake {b cakes}, {N|needs} {x cups} of {noun_mass}.",
            "~{b cakes} take {x cups} of {noun_mass}.",
        ),
        (
            "how many cups are needed for {c cakes}?",
            "how many cups of {noun_mass} do {c cakes} need?",
            "how many cups for {c cakes}?",
            "how many cups are used for {c cakes}?",
            "~what do {c cakes} take?",
        ),
        (
            "if {b cakes} need {x cups} of {noun_mass}, how many cups do {c cakes} need?",
            "{N|uses} {x cups} of {noun_mass} for {b cakes}. how many cups for {c cakes}?",
            "~{x cups} make {b cakes}. how many make {c}?",
        ),
        unit="cups",
    ),
    Relation(
        "box_proportion",
        "",
        "hold",
        _proportion,
        {"x": "{nouns} in {b boxs}", "b": "number of {boxs}", "c": "{boxs} bought"},
        (step("z", "x / b", "{nouns} in a {box}"), step("y", "z * c", "{nouns} in {c boxs}")),
        (
            "there are {x nouns} in {b boxs}. {N|buys} {c boxs} of the same size.",
            "{b boxs} hold {x nouns}. {N|has} {c boxs}.",
            "in {b boxs} there are {x nouns}. {N|takes} {c boxs}.",
            "{N|has} {c boxs}. {b} such {boxs} have {x nouns} in them.",
            "~{x nouns} fill {b boxs}. {N|gets} {c such boxs}.",
        ),
        (
            "how many {nouns} {does S} have?",
            "how many {nouns} are in {c boxs}?",
            "how many {nouns} {does S} get?",
            "~how many {nouns} are in all {c} of them?",
        ),
        (
            "if {b boxs} hold {x nouns}, how many {nouns} do {c boxs} hold?",
            "there are {x nouns} in {b boxs}. how many are in {c boxs}?",
            "~{x nouns} go into {b boxs}. how many go into {c}?",
        ),
    ),
)
