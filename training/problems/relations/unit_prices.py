"""Prices by the dozen, by weight, at half price."""

from __future__ import annotations

from training.problems.numbers import (
    few,
    over,
    own,
    price,
)
from training.problems.relations.asks import COST
from training.problems.relations.relation import Relation, step

RELATIONS = (
    Relation(
        "dozen_price",
        "",
        "bill",
        own(a=price, b=few),
        {"a": "price of a dozen", "b": "dozens"},
        (step("y", "a * b", "total cost"),),
        (
            "a dozen {nouns} costs {$a}. {N|buys} {b} dozen.",
            "{nouns} cost {$a} per dozen. {N|buys} {b} dozen.",
            "for one dozen {nouns} {N|pays} {$a}. {he|buys} {b} dozen.",
            "{N|orders} {b} dozen {nouns}. each dozen is {$a}.",
            "~{N|gets} {b} dozen {nouns} at {$a} a dozen.",
        ),
        COST,
        (
            "if a dozen {nouns} costs {$a}, how much do {b} dozen cost?",
            "{nouns} are {$a} a dozen. how much are {b} dozen?",
            "a dozen {nouns} costs {$a}. how much are {b} dozen?",
            "~what do {b} dozen {nouns} at {$a} a dozen come to?",
        ),
        unit="$",
        money=frozenset("ay"),
        noun="food",
        weight=0.5,
    ),
    Relation(
        "weight_price",
        "",
        "bill",
        own(a=price, b=few),
        {"a": "price per {weight}", "b": "{weights}"},
        (step("y", "a * b", "total cost"),),
        (
            "{noun_mass} costs {$a} per {weight}. {N|buys} {b weights}.",
            "{N|buys} {b weights} of {noun_mass} at {$a} per {weight}.",
            "one {weight} of {noun_mass} costs {$a}. {N|needs} {b weights}.",
            "{N|gets} {b weights} of {noun_mass}. each {weight} is {$a}.",
            "the price of a {weight} of {noun_mass} is {$a}. {N|takes} {b weights}.",
            "~at {$a} the {weight}, {N|takes} {b weights} of {noun_mass}.",
        ),
        COST,
        (
            "how much do {b weights} of {noun_mass} cost at {$a} per {weight}?",
            "if {noun_mass} costs {$a} per {weight}, how much do {b weights} cost?",
            "{noun_mass} is {$a} per {weight}. how much is it for {b weights}?",
            "{N|buys} {b weights} of {noun_mass} for {$a} per {weight}. how much {does he} pay?",
            "~what is {b weights} of {noun_mass} at {$a} the {weight}?",
        ),
        unit="$",
        money=frozenset("ay"),
        weight=0.7,
    ),
    Relation(
        "half_price",
        "",
        "bill",
        over("b", 2, 2),
        {"x": "full price"},
        (step("y", "x / 2", "half price"),),
        (
            "{an item} costs {$x}. it is sold at half price.",
            "{an item} that costs {$x} is half off.",
            "{an item} for {$x} is sold at half its price.",
            "{N|buys} {an item} at half price. it used to cost {$x}.",
            "~{N|gets} {an item} of {$x} for half of that.",
        ),
        (
            "how much does it cost now?",
            "what is the price now?",
            "how much {does N} pay?",
            "what is the new price?",
            "how much is it now?",
            "~what is to pay?",
        ),
        (
            "how much is a {$-x} {item} at half price?",
            "{an item} costs {$x}. what is half price?",
            "{an item} costs {$x}. {N|gets} it for half. how much {does he} pay?",
            "{an item} for {$x} is half off. what does it cost?",
            "~at half price, what is {an item} of {$x}?",
        ),
        unit="$",
        money=frozenset("xy"),
        weight=0.6,
    ),
)
