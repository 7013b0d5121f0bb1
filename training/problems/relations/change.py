"""Someone's things grow or shrink."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    amount,
    both,
    few,
    minus,
    over,
    own,
    plus,
    times,
    within,
)
from training.problems.relations.asks import LEFT, NOW, TOTAL
from training.problems.relations.relation import Relation, step


def _two_losses(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(max(5, amount(rng))) if x is None else x
    if have < 5:
        return None
    first = rng.randint(1, int(have) - 2)
    return {"x": have, "b": Fraction(first), "c": Fraction(rng.randint(1, int(have) - first - 1))}


def _packed(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(10, 120)) if x is None else x
    size = few(rng, 2, 10)
    if have <= 2 * size or have.denominator != 1:
        return None
    return {
        "x": have,
        "b": Fraction(rng.randint(1, min(12, int((have - 1) / size)))),
        "c": Fraction(size),
    }


RELATIONS = (
    Relation(
        "gain",
        "hold",
        "hold",
        plus("b"),
        {"b": "{nouns} added"},
        (step("y", "x + b", "{nouns} now"),),
        (
            "{S|buys} {b more nouns}.",
            "{M|gives} {him} {b more nouns}.",
            "{S|finds} {b nouns}.",
            "then {S|gets} {b more nouns}.",
            "{S|collects} another {b nouns}.",
            "{S|receives} {b nouns} from {M}.",
            "{S|wins} {b nouns}.",
            "{S|picks up} {b more nouns}.",
            "later {S|gets} {b more} from {M}.",
            "{he|is given} {b more nouns}.",
            "{S|adds} {b nouns}.",
            "{b more nouns} {#are} given to {him}.",
            "~{S|gains} {b nouns} more.",
            "~{M|hands} {him} {b nouns} as a present.",
        ),
        NOW,
        (
            "{N|has} {x nouns} and {|gets} {b more}. how many {nouns} {does he} have?",
            "{N|has} {x nouns}, and {M|gives} {him} {b more}. how many in total?",
            "if {N|!has} {x nouns} and {|!buys} {b more}, how many {does he} have?",
            "{N|has} {x nouns} and {|buys} {b more}. what is the total?",
            "~starting from {x nouns}, {N|gets} {b more}. how many {nouns} is that?",
        ),
        weight=2.5,
    ),
    Relation(
        "loss",
        "hold",
        "hold",
        minus("b"),
        {"b": "{nouns} gone"},
        (step("y", "x - b", "{nouns} left"),),
        (
            "{S|gives} {b nouns} to {M}.",
            "{S|gives} {M} {b nouns}.",
            "{S|loses} {b nouns}.",
            "{S|gives away} {b nouns}.",
            "{S|sells} {b nouns}.",
            "{S|sells} {b} of them.",
            "{M|takes} {b} of them.",
            "{M|takes} {b nouns} from {him}.",
            "{b} of the {nouns} {#get} lost.",
            "{S|uses} {b nouns}.",
            "{S|throws away} {b nouns}.",
            "then {S|gives} {b} to {M}.",
            "{S|drops} {b nouns} on the way home.",
            "{S|donates} {b nouns}.",
            "{b nouns} {#are} given to {M}.",
            "{S|trades} {b nouns} away.",
            "~{S|hands out} {b nouns}.",
            "~{S|parts with} {b nouns}.",
            "~{b} of {his} {nouns} {#go} missing.",
        ),
        LEFT,
        (
            "{N|has} {x nouns}. {he|gives} {b} away. how many are left?",
            "if {N|!has} {x nouns} and {|!gives} {b} to {M}, how many {does he} have left?",
            "{N|has} {x nouns} but {|loses} {b} of them. how many {does he} have left?",
            "{N|has} {x nouns}. how many are left after {he} {|gives} {M} {b}?",
            "~out of {x nouns}, {N|gives away} {b}. how many stay with {him}?",
        ),
        weight=2.5,
    ),
    Relation(
        "eat",
        "hold",
        "hold",
        minus("b"),
        {"b": "{nouns} eaten"},
        (step("y", "x - b", "{nouns} left"),),
        (
            "{S|eats} {b nouns}.",
            "{S|eats} {b} of them.",
            "{M|eats} {b} of the {nouns}.",
            "{b} of them {#are} eaten.",
            "{S|eats} {b nouns} for breakfast.",
            "~{S|has} {b} of the {nouns} for lunch.",
        ),
        (
            "how many {nouns} are left?",
            "how many {nouns} {does S} have left?",
            "how many {nouns} are not eaten?",
            "how many {nouns} remain?",
            "~how many {nouns} are still uneaten?",
        ),
        (
            "{N|has} {x nouns} and {|eats} {b}. how many are left?",
            "if {N|!eats} {b} of {x nouns}, how many are left?",
            "{N|has} {x nouns}. {he|eats} {b} of them. how many {does he} have now?",
            "~{x nouns}, {b} of them eaten by {@N}: how many are left?",
        ),
        noun="food",
        weight=1.5,
    ),
    Relation(
        "half_away",
        "hold",
        "hold",
        over("b", 2, 2),
        {},
        (step("y", "x / 2", "{nouns} left"),),
        (
            "{S|gives} half of the {nouns} to {M}.",
            "{S|sells} half of them.",
            "{S|loses} half of {his} {nouns}.",
            "{S|gives away} half the {nouns}.",
            "half of the {nouns} {*are} sold.",
            "~{M|gets} half of {N's} {nouns}.",
        ),
        LEFT,
        (
            "{N|has} {x nouns} and {|gives} half of them to {M}. how many are left?",
            "if {N|!has} {x nouns} and {|!sells} half, how many {nouns} {does he} have left?",
            "what is left if {N|!gives} away half of {his} {x nouns}?",
            "~half of {N's} {x nouns} {*are} given away. how many remain?",
        ),
    ),
    Relation(
        "multiply",
        "hold",
        "hold",
        times("b", 2, 5),
        {"b": "times as many"},
        (step("y", "x * b", "{nouns} now"),),
        (
            "by summer {S|has} {xb} as many {nouns}.",
            "after a month {S|has} {xb} as many.",
            "soon {S|has} {xb} as many {nouns}.",
            "a year later {S|has} {xb} as many {nouns}.",
            "~over time {he|comes} to have {xb} as many {nouns}.",
        ),
        NOW,
    ),
    Relation(
        "two_losses",
        "hold",
        "hold",
        _two_losses,
        {"b": "{nouns} gone first", "c": "{nouns} gone then"},
        (step("z", "x - b", "{nouns} after that"), step("y", "z - c", "{nouns} left")),
        (
            "{S|gives} {b} to {M} and {|sells} {c}.",
            "{S|gives} {b nouns} to {M} and {c} to a friend.",
            "{S|loses} {b} and {|gives} away {c}.",
            "{S|uses} {b nouns} on {day} and {c} on {next_day}.",
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
            "{S|gets} {b more nouns} but {|loses} {c}.",
            "{S|finds} {b nouns} and {|gives} {c} of {his} {nouns} to {M}.",
            "~{b} {#come} in and {c} {#go} out.",
        ),
        LEFT,
        weight=1.2,
    ),
    Relation(
        "given_from",
        "hold",
        "hold",
        _packed,
        {"b": "number of {friends}", "c": "{nouns} for each"},
        (step("z", "b * c", "{nouns} given away"), step("y", "x - z", "{nouns} left")),
        (
            "{S|gives} {c nouns} to each of {b friends}.",
            "{b friends} get {c nouns} each from {him}.",
            "{S|gives} {b friends} {c nouns} each.",
            "~to each of {b friends} {he|hands} {c nouns}.",
        ),
        LEFT,
        weight=1.2,
    ),
)
