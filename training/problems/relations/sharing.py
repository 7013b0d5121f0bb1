"""Sharing out and packing, with and without something left over."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    few,
    over,
    several_each,
)
from training.problems.relations.relation import Relation, step


def _leftover(rng: Random, x: Fraction | None) -> Numbers | None:
    size, full = few(rng, 3, 10), few(rng, 2, 10)
    if x is None:
        return {
            "x": Fraction(size * full + rng.randint(1, size - 1)),
            "b": Fraction(size),
            "q": Fraction(full),
        }
    if x.denominator != 1 or not size < x < 150 or x % size == 0:
        return None
    return {"x": x, "b": Fraction(size), "q": Fraction(x // size)}


RELATIONS = (
    Relation(
        "share",
        "hold",
        "",
        over("b", 2, 12),
        {"b": "number of {friends}"},
        (step("y", "x / b", "{nouns} for each"),),
        (
            "{S|shares} them equally among {b friends}.",
            "{S|shares} the {nouns} equally between {b friends}.",
            "{S|divides} the {nouns} equally among {b friends}.",
            "{S|gives} all of the {nouns} to {b friends}, the same number to each.",
            "{b friends} {#share} the {nouns} equally.",
            "the {nouns} are split evenly among {b friends}.",
            "~{S|deals} all the {nouns} out to {b friends} in equal shares.",
        ),
        (
            "how many {nouns} does each {friend} get?",
            "how many {nouns} will each {friend} get?",
            "how many does each {friend} receive?",
            "how many {nouns} are there for each {friend}?",
            "find the number of {nouns} for each {friend}.",
            "~what is the share of one {friend}?",
            "~how many {nouns} go to every {friend}?",
        ),
        (
            "{x nouns} are shared equally by {b friends}. how many does each get?",
            "{x nouns} divided equally among {b friends}. how many each?",
            "{b friends} share {x nouns} equally. how many does each {friend} get?",
            "{N|has} {x nouns} and {b friends}. {he|gives} every {friend} the same "
            "number. how many does each get?",
            "share {x nouns} among {b friends}. how many each?",
            "if {b friends} share {x nouns} equally, how many does each {friend} get?",
            "how many {nouns} does each {friend} get if {x nouns} are divided equally "
            "among {b friends}?",
            "~split {x nouns} fairly between {b friends}. how many for each?",
        ),
        weight=2,
    ),
    Relation(
        "pack",
        "hold",
        "",
        over("b", 2, 20),
        {"b": "{nouns} in each {box}"},
        (step("y", "x / b", "number of {boxs}"),),
        (
            "{S|packs} them in {boxs} of {b}.",
            "{S|puts} {b nouns} in each {box}.",
            "each {box} can hold {b nouns}.",
            "{S|packs} the {nouns} into {boxs} with {b nouns} in each.",
            "{b nouns} {#fit} in one {box}.",
            "~{S|sorts} the {nouns} into {boxs}, {b} to {an box}.",
        ),
        (
            "how many {boxs} {does S} need?",
            "how many {boxs} {can S} fill?",
            "how many {boxs} are needed?",
            "how many {boxs} are there?",
            "find the number of {boxs}.",
            "~what number of {boxs} {does he} use?",
        ),
        (
            "how many {boxs} of {b} can be made with {x nouns}?",
            "{x nouns} are packed {b} to {an box}. how many {boxs}?",
            "if {an box} holds {b nouns}, how many {boxs} are needed for {x nouns}?",
            "~into how many {boxs} of {b} do {x nouns} go?",
        ),
        unit="{boxs}",
        weight=1.5,
    ),
    Relation(
        "into_boxes",
        "hold",
        "",
        over("b", 2, 12),
        {"b": "number of {boxs}"},
        (step("y", "x / b", "{nouns} in each {box}"),),
        (
            "{S|puts} them equally into {b boxs}.",
            "{S|divides} them equally into {b boxs}.",
            "{S|puts} the same number of {nouns} in each of {b boxs}.",
            "the {nouns} are packed equally in {b boxs}.",
            "~{S|spreads} them evenly over {b boxs}.",
        ),
        (
            "how many {nouns} are in each {box}?",
            "how many {nouns} {does S} put in each {box}?",
            "how many are in each {box}?",
            "how many {nouns} are in one {box}?",
            "~what does one {box} hold?",
        ),
        (
            "{x nouns} are divided equally into {b boxs}. how many are in each {box}?",
            "if {x nouns} are put equally in {b boxs}, how many go in each {box}?",
            "~{b boxs} hold {x nouns} in equal parts. how many in one?",
        ),
        weight=1.5,
    ),
    Relation(
        "boxes_filled",
        "hold",
        "",
        several_each("b", "c"),
        {"b": "{boxs} filled", "c": "{nouns} in each"},
        (step("z", "b * c", "{nouns} packed"), step("y", "x - z", "{nouns} left over")),
        (
            "{S|fills} {b boxs} with {c nouns} each.",
            "{S|puts} {c nouns} in each of {b boxs}.",
            "{S|packs} {b boxs} of {c}.",
            "~{b boxs} take {c nouns} each.",
        ),
        (
            "how many {nouns} are left over?",
            "how many {nouns} are left?",
            "how many {nouns} are not in a {box}?",
            "how many remain?",
            "~how many {nouns} stay outside?",
        ),
    ),
    Relation(
        "remainder",
        "hold",
        "",
        _leftover,
        {"b": "{nouns} in each {box}"},
        (step("z", "b * q", "{nouns} in full {boxs}"), step("y", "x - z", "{nouns} left over")),
        (
            "{S|puts} {b nouns} in each {box} until no more {box} can be filled.",
            "{S|packs} as many full {boxs} of {b} as {he} can.",
            "{S|fills} as many {boxs} as possible with {b nouns} each.",
            "~full {boxs} take {b nouns}, and {he|fills} what {he} can.",
        ),
        (
            "how many {nouns} are left over?",
            "how many {nouns} are left?",
            "how many {nouns} remain?",
            "~how many {nouns} don't fit in?",
        ),
        (
            "what is the remainder when {x} is divided by {b}?",
            "{x nouns} are packed in {boxs} of {b}. how many are left over?",
            "~how many of {x nouns} remain after filling {boxs} of {b}?",
        ),
        weight=0.8,
    ),
    Relation(
        "teams",
        "place",
        "",
        over("b", 2, 12),
        {"b": "{nouns} per {group}"},
        (step("y", "x / b", "number of {groups}"),),
        (
            "they form {groups} of {b}.",
            "they are put in {groups} of {b}.",
            "each {group} has {b nouns}.",
            "the {nouns} are divided into {groups} with {b} in each.",
            "~they split up, {b} to {an group}.",
        ),
        (
            "how many {groups} are there?",
            "how many {groups} is that?",
            "how many {groups} are needed?",
            "find the number of {groups}.",
            "~how many {groups} come about?",
        ),
        (
            "{x nouns} form {groups} of {b}. how many {groups} are there?",
            "how many {groups} of {b} can {x nouns} make?",
            "~{x nouns}, {b} to {an group}: how many {groups}?",
        ),
        unit="{groups}",
        noun="people",
    ),
    Relation(
        "per_team",
        "place",
        "",
        over("b", 2, 12),
        {"b": "number of {groups}"},
        (step("y", "x / b", "{nouns} in each {group}"),),
        (
            "they are divided equally into {b groups}.",
            "they split into {b} equal {groups}.",
            "the {nouns} form {b} equal {groups}.",
            "~they make up {b groups} of the same size.",
        ),
        (
            "how many {nouns} are in each {group}?",
            "how many are in each {group}?",
            "how many {nouns} does each {group} have?",
            "~what is the size of one {group}?",
        ),
        (
            "{x nouns} are split into {b} equal {groups}. how many are in each {group}?",
            "~{b} equal {groups} hold {x nouns} in all. how many in one?",
        ),
        noun="people",
    ),
)
