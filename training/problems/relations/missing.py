"""Questions that go backwards: the start, the change, the other part."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    amount,
    minus,
    over,
    plus,
)
from training.problems.relations.relation import Relation, step


def _target(rng: Random, x: Fraction | None) -> Numbers | None:
    """x and a larger count."""
    have = Fraction(amount(rng)) if x is None else x
    return {"x": have, "b": have + amount(rng, 1)}


RELATIONS = (
    Relation(
        "start_before_loss",
        "",
        "",
        plus("b"),
        {"b": "{nouns} given away", "x": "{nouns} left"},
        (step("y", "x + b", "{nouns} at first"),),
        (
            "{N|has} some {nouns}. {he|gives} {b} of them to {M} and now {|!has} {x} left.",
            "{N|gives} {b nouns} to {M}. now {he|!has} {x nouns} left.",
            "after giving away {b nouns}, {N|!has} {x nouns} left.",
            "{N|loses} {b} of {his} {nouns}. {he|!has} {x nouns} now.",
            "{N|has} some {nouns}. {he|sells} {b} and {x} {*are} left.",
            "{N|uses} {b nouns} and still {|!has} {x}.",
            "~once {N} had sold {b nouns}, {x nouns} were left.",
            "~{b} of {N's} {nouns} {#are} gone and {x} {*are} still there.",
        ),
        (
            "how many {nouns} did {S} have at first?",
            "how many {nouns} did {S} have to begin with?",
            "how many {nouns} did {S} start with?",
            "how many {nouns} did {S} have before?",
            "how many {nouns} were there at the start?",
            "how many {nouns} did {S} have in the beginning?",
            "~what was {S's} original number of {nouns}?",
        ),
    ),
    Relation(
        "start_before_gain",
        "",
        "",
        minus("b"),
        {"x": "{nouns} now", "b": "{nouns} added"},
        (step("y", "x - b", "{nouns} at first"),),
        (
            "{N|has} some {nouns}. {M|gives} {him} {b more} and now {he|!has} {x}.",
            "{N|buys} {b more nouns}. now {he|!has} {x nouns}.",
            "after buying {b nouns}, {N|!has} {x nouns}.",
            "{N|finds} {b nouns} and now {|!has} {x nouns} in all.",
            "~with the {b nouns} from {M}, {N|!has} {x nouns}.",
        ),
        (
            "how many {nouns} did {S} have at first?",
            "how many {nouns} did {S} have to begin with?",
            "how many {nouns} did {S} start with?",
            "how many {nouns} did {S} have before?",
            "~what was {S's} original number of {nouns}?",
        ),
    ),
    Relation(
        "change_unknown_gain",
        "",
        "",
        minus("b"),
        {"b": "{nouns} at first", "x": "{nouns} now"},
        (step("y", "x - b", "{nouns} added"),),
        (
            "{N|has} {b nouns}. {he|buys} some more and now {he|!has} {x}.",
            "{N} had {b nouns}. now {he|!has} {x nouns}.",
            "{N|starts} with {b nouns} and {|ends} up with {x}.",
            "{N|has} {b nouns}. {M|gives} {him} some. then {he|has} {x nouns}.",
            "~from {b nouns}, {N|comes} to {x nouns}.",
        ),
        (
            "how many {nouns} did {S} get?",
            "how many more {nouns} did {S} get?",
            "how many {nouns} were added?",
            "how many new {nouns} {does S} have?",
            "~by how many {nouns} did the number grow?",
        ),
    ),
    Relation(
        "change_unknown_loss",
        "",
        "",
        minus("b"),
        {"x": "{nouns} at first", "b": "{nouns} left"},
        (step("y", "x - b", "{nouns} gone"),),
        (
            "{N|has} {x nouns}. {he|gives} some to {M} and {|!has} {b} left.",
            "{N} had {x nouns}. now {he|!has} only {b}.",
            "{N|has} {x nouns} but {|loses} some. {b} {#are} left.",
            "{N|starts} with {x nouns} and {|ends} up with {b}.",
            "~of {x nouns}, {N|!has} only {b} left.",
        ),
        (
            "how many {nouns} are gone?",
            "how many fewer {nouns} {does S} have now?",
            "how many {nouns} {does S} no longer have?",
            "~by how many {nouns} did the number shrink?",
        ),
        (
            "{N} had {x nouns}. {he|eats} some and {|!has} {b} left. how many did {he} eat?",
            "{N} had {x nouns} and {|!has} {b} left. how many {nouns} did {he} use?",
            "~{N} had {x nouns}, now {b} are left. how many have gone?",
        ),
        noun="food",
    ),
    Relation(
        "need_more",
        "hold",
        "",
        _target,
        {"b": "{nouns} needed"},
        (step("y", "b - x", "{nouns} missing"),),
        (
            "{S|needs} {b nouns}.",
            "{S|wants} to have {b nouns}.",
            "{S|needs} {b} in all.",
            "{his} goal is {b nouns}.",
            "~{S|must} get to {b nouns}.",
        ),
        (
            "how many more {nouns} {does S} need?",
            "how many more {nouns} must {S} get?",
            "how many more does {S} need?",
            "how many {nouns} are missing?",
            "~how many {nouns} still stand between {him} and the goal?",
        ),
        (
            "{N|!has} {x nouns} but {|!needs} {b}. how many more {does he} need?",
            "{N|!needs} {b nouns} and {|!has} {x}. how many more {nouns} {does he} need?",
            "~{N|!has} {x} of the {b nouns} {he|!needs}. how many are missing?",
        ),
    ),
    Relation(
        "other_part",
        "",
        "",
        minus("b"),
        {"x": "{nouns} together", "b": "{nouns} of {@N}"},
        (step("y", "x - b", "{nouns} of {M}"),),
        (
            "{N} and {M} have {x nouns} together. {N|!has} {b}.",
            "together {N} and {M} have {x nouns}. {b} of them belong to {@N}.",
            "{N} and {M} have a total of {x nouns}. {N|!has} {b nouns}.",
            "~{x nouns} belong to {N} and {M}, and {b} of these are {N's}.",
        ),
        (
            "how many {nouns} {does M} have?",
            "how many belong to {M}?",
            "how many of the {nouns} are {M's}?",
            "find how many {nouns} {M|!has}.",
            "~what number of {nouns} is {M's}?",
        ),
        named=True,
    ),
    Relation(
        "boys_or_girls",
        "",
        "",
        minus("b"),
        {"x": "children in all", "b": "the first kind"},
        (step("y", "x - b", "the rest"),),
        (
            "there are {x} students in a class. {b} {*are} {firsts}.",
            "a class has {x} students and {b} of them are {firsts}.",
            "out of {x} students, {b} are {firsts}.",
            "there were {x} children at the party. {b} of them were {firsts}.",
            "~{x} pupils, {b} of them {firsts}, go to a school.",
        ),
        (
            "how many {seconds} are there?",
            "how many {seconds} is that?",
            "how many are {seconds}?",
            "what is the number of {seconds}?",
            "how many of them are {seconds}?",
            "~how many of them are not {firsts}?",
        ),
        unit="{seconds}",
        noun="child",
    ),
    Relation(
        "times_inverse",
        "hold",
        "",
        over("b", 2, 9),
        {"b": "times as many"},
        (step("y", "x / b", "{nouns} of {M}"),),
        (
            "that is {xb} as many as {M} has.",
            "{S|!has} {xb} as many {nouns} as {M}.",
            "this is {xb} as many {nouns} as {M} has.",
            "~it is {xb} what {M} has.",
        ),
        (
            "how many {nouns} {does M} have?",
            "find how many {nouns} {M|!has}.",
            "what is the number of {nouns} {M|!has}?",
            "~how many {nouns} are {M's}?",
        ),
    ),
    Relation(
        "more_inverse",
        "hold",
        "",
        minus("b"),
        {"b": "how many more"},
        (step("y", "x - b", "{nouns} of {M}"),),
        (
            "that is {b} more than {M} has.",
            "{S|!has} {b more nouns} than {M}.",
            "this is {b more} than {M} has.",
            "~{M} is {b nouns} behind.",
        ),
        (
            "how many {nouns} {does M} have?",
            "find how many {nouns} {M|!has}.",
            "what is the number of {nouns} {M|!has}?",
            "~how many {nouns} are {M's}?",
        ),
    ),
    Relation(
        "fewer_inverse",
        "hold",
        "",
        plus("b"),
        {"b": "how many fewer"},
        (step("y", "x + b", "{nouns} of {M}"),),
        (
            "that is {b} fewer than {M} has.",
            "{S|!has} {b fewer nouns} than {M}.",
            "this is {b} less than {M} has.",
            "~{M} is {b nouns} ahead.",
        ),
        (
            "how many {nouns} {does M} have?",
            "find how many {nouns} {M|!has}.",
            "what is the number of {nouns} {M|!has}?",
            "~how many {nouns} are {M's}?",
        ),
    ),
)
