"""Someone's things grow or shrink twice."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    amount,
    both,
    own,
    plus,
    several_each,
    within,
)
from training.problems.relations.asks import LEFT, TOTAL
from training.problems.relations.relation import Relation, step


def _two_losses(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(max(5, amount(rng))) if x is None else x
    if have < 5:
        return None
    first = rng.randint(1, int(have) - 2)
    return {"x": have, "b": Fraction(first), "c": Fraction(rng.randint(1, int(have) - first - 1))}


RELATIONS = (
    Relation(
        "two_losses",
        "hold",
        "hold",
        _two_losses,
        {"b": "{nouns} gone first", "c": "{nouns} gone then"},
        (step("z", "x - b", "{nouns} after that"), step("y", "z - c", "{nouns} left")),
        (
            "{S|gives} {b} to {M} and {|sells} {c}.",
            "{S|gives} {b} to {his} {kin} and {|loses} {c}.",
            "{S|gives} {b} to {M}. then {he|loses} {c}.",
            "{S|sells} {b} on {day} and {c} on {next_day}.",
            "{S|gives} {b nouns} to {M} and {c} to a friend.",
            "{S|loses} {b} and {|gives} away {c}.",
            "{S|uses} {b nouns} on {day} and {c} on {next_day}.",
            "{S|gives} {b nouns} to {M} and {c} to {his} {kin}.",
            "{b nouns} {#break} and {c} {#get} lost.",
            "{M|takes} {b nouns} and {his} {kin} takes {c}.",
            "first {S|loses} {b nouns} and then {he|sells} {c}.",
            "{S|hands} {b} to {M}. another {c} {*are} stolen.",
            "{M|gets} {b} of the {nouns}, {his} {kin} gets {c}.",
            "in the morning {S|sells} {b nouns}, in the afternoon {c}.",
            "{S|puts} {b nouns} away and {|gives} {c} to {M}.",
            "~{b} of them {#go} to {M}, another {c} to {his} cousin.",
        ),
        LEFT,
        weight=1.2,
    ),
    Relation(
        "two_gains",
        "hold",
        "hold",
        both(plus("b"), own(c=within(1, 30))),
        {"b": "{nouns} added first", "c": "{nouns} added then"},
        (step("z", "x + b", "{nouns} after that"), step("y", "z + c", "{nouns} now")),
        (
            "{S|buys} {b more} and {|finds} {c more}.",
            "{M|gives} {him} {b nouns} and {his} friend gives {him} {c more}.",
            "{S|gets} {b nouns} on {day} and {c more} on {next_day}.",
            "{M|gives} {him} {b} and {his} {kin} gives {him} {c}.",
            "{S|gets} {b more} from {M}. later {he|finds} {c more}.",
            "first {S|buys} {b nouns}, then {c more}.",
            "{S|picks} {b nouns} in the morning and {c} in the afternoon.",
            "{his} {kin} brings {b nouns} and {M|brings} {c}.",
            "~{b nouns} {#come} from {M}, {c} from someone else.",
        ),
        TOTAL,
    ),
    Relation(
        "gain_and_loss",
        "hold",
        "hold",
        both(plus("b"), own(c=within(1, 12))),
        {"b": "{nouns} added", "c": "{nouns} gone"},
        (step("z", "x + b", "{nouns} after that"), step("y", "z - c", "{nouns} now")),
        (
            "{S|buys} {b more} and then {|gives} {c} away.",
            "{S|buys} {b more} and {|gives} {c} to {his} {kin}.",
            "{S|gets} {b more} from {M} and {|loses} {c}.",
            "{S|gets} {b more nouns} but {|loses} {c}.",
            "{S|finds} {b nouns} and {|gives} {c} of {his} {nouns} to {M}.",
            "{M|gives} {him} {b more} but {c} {*get} lost.",
            "{S|receives} {b nouns} and {|breaks} {c}.",
            "{his} {kin} gives {him} {b nouns}. then {he|gives} {c} to {M}.",
            "{S|adds} {b nouns} and {|takes} away {c}.",
            "{S|makes} {b more} and {|sells} {c}.",
            "{b more} {*are} bought and {c} {*are} sold.",
            "~{b} {#come} in and {c} {#go} out.",
        ),
        LEFT,
        weight=1.2,
    ),
    Relation(
        "given_from",
        "hold",
        "hold",
        several_each("b", "c"),
        {"b": "number of {friends}", "c": "{nouns} for each"},
        (step("z", "b * c", "{nouns} given away"), step("y", "x - z", "{nouns} left")),
        (
            "{S|gives} {c nouns} to each of {b friends}.",
            "{b friends} get {c nouns} each from {him}.",
            "{S|gives} {b friends} {c nouns} each.",
            "{S|has} {b friends} over and {|gives} each of them {c nouns}.",
            "every one of the {b friends} receives {c nouns} from {him}.",
            "{S|hands} {c nouns} to every {friend}. there are {b friends}.",
            "each of {his} {b friends} takes {c nouns}.",
            "~to each of {b friends} {he|hands} {c nouns}.",
        ),
        LEFT,
        weight=1.2,
    ),
    Relation(
        "eat_and_give",
        "hold",
        "hold",
        _two_losses,
        {"b": "{nouns} eaten", "c": "{nouns} given away"},
        (step("z", "x - b", "{nouns} after eating"), step("y", "z - c", "{nouns} left")),
        (
            "{S|eats} {b} and {|gives} {c} to {M}.",
            "{S|eats} {b nouns} and {|gives} {c} to {his} {kin}.",
            "{S|eats} {b}. then {he|gives} {c} away.",
            "{M|eats} {b} and {his} {kin} eats {c}.",
            "{S|has} {b} for lunch and {|gives} {M} {c}.",
            "{b nouns} {#are} eaten and {c} {*are} given to {M}.",
            "{S|eats} {b} of them and {|shares} {c} with {his} {kin}.",
            "first {he|eats} {b nouns}, then {M|takes} {c}.",
            "~{b} are eaten and {c} handed on to {M}.",
        ),
        LEFT,
        (
            "{N|has} {x nouns}. {he|eats} {b} and {|gives} {c} to {his} {kin}. how many are left?",
            "if {N|!has} {x nouns}, {|!eats} {b} and {|!gives} away {c}, how many "
            "{does he} have left?",
            "~{N|has} {x nouns}, of which {b} are eaten and {c} given away. how many stay?",
        ),
        noun="food",
    ),
    Relation(
        "eat_each",
        "hold",
        "",
        several_each("b", "c"),
        {"b": "number of {friends}", "c": "{nouns} each eats"},
        (step("z", "b * c", "{nouns} eaten"), step("y", "x - z", "{nouns} left")),
        (
            "{b friends} eat {c nouns} each.",
            "{b friends} each eat {c nouns}.",
            "each of {b friends} eats {c}.",
            "{b friends} come and eat {c} each.",
            "there are {b friends}, and every {friend} eats {c nouns}.",
            "{c nouns} are eaten by each of {b friends}.",
            "~every one of {b friends} has {c nouns} for lunch.",
        ),
        LEFT,
        (
            "there are {x nouns}. {b friends} eat {c} each. how many are left?",
            "{b friends} each eat {c} of {x nouns}. how many are left?",
            "{b friends} share {x nouns}. each eats {c}. how many {nouns} are left?",
            "~from {x nouns}, {b friends} eat {c} each. how many stay?",
        ),
        noun="food",
        weight=0.8,
    ),
)
