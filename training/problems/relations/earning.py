"""Wages and profit."""

from __future__ import annotations

from training.problems.numbers import (
    over,
    own,
    within,
)
from training.problems.prices import (
    dearer,
)
from training.problems.relations.relation import Relation, step

EARNED = (
    "how much {does S} earn?",
    "how much money {does S} earn?",
    "how much {does S} make?",
    "how much money {does S} make in total?",
    "what are {his} earnings?",
    "~how much {is S} paid in all?",
)


RELATIONS = (
    Relation(
        "each_price",
        "hold",
        "purse",
        own(b=within(1, 12)),
        {"b": "price of one"},
        (step("y", "x * b", "money for all"),),
        (
            "{S|sells} each {noun} for {$b}.",
            "{S|sells} them all for {$b} each.",
            "{S|sells} all the {nouns} at {$b} apiece.",
            "each {noun} is sold for {$b}.",
            "~{S|gets} {$b} for every {noun}.",
        ),
        (
            "how much money {does S} make?",
            "how much {does S} earn?",
            "how much money {does S} get?",
            "what is the total amount {S|!gets}?",
            "~how much {does S} take in?",
        ),
        (
            "{N|sells} {x nouns} for {$b} each. how much money {does he} make?",
            "if {N|!sells} {x nouns} at {$b} each, how much {does he} earn?",
            "~{N|sells} {x nouns}, each for {$b}. what does {he} take in?",
        ),
        unit="$",
        money=frozenset("by"),
    ),
    Relation(
        "wage",
        "",
        "purse",
        own(a=within(5, 30), b=within(2, 12)),
        {"a": "money per hour", "b": "hours worked"},
        (step("y", "a * b", "money earned"),),
        (
            "{N|earns} {$a} per hour and {|works} {b hours}.",
            "{N|makes} {$a} an hour. {he|works} for {b hours}.",
            "{N|works} {b hours} at {$a} per hour.",
            "{N|is} paid {$a} an hour and {|works} {b hours}.",
            "{N|gets} {$a} for every hour. {he|works} {b hours}.",
            "~{N's} hourly pay is {$a}. {he|puts} in {b hours}.",
        ),
        EARNED,
        (
            "how much {does N} earn in {b hours} at {$a} an hour?",
            "{N|earns} {$a} an hour. how much {does he} make in {b hours}?",
            "{N|works} {b hours} for {$a} an hour. how much {does he} earn?",
            "{N|!earns} {$a} per hour. how much {does he} earn in {b hours}?",
            "if {N|!makes} {$a} an hour, how much {does he} make in {b hours}?",
            "~{b hours} of work at {$a} an hour bring {@N} how much?",
        ),
        unit="$",
        money=frozenset("ay"),
        weight=1.5,
    ),
    Relation(
        "wage_days",
        "",
        "purse",
        own(a=within(5, 25), b=within(2, 9), c=within(2, 7)),
        {"a": "money per hour", "b": "hours a day", "c": "days"},
        (step("z", "b * c", "hours in all"), step("y", "z * a", "money earned")),
        (
            "{N|earns} {$a} an hour. {he|works} {b hours} a day for {c days}.",
            "{N|works} {b hours} a day, {c days} a week, for {$a} per hour.",
            "{N|works} {b hours} each day for {c days} and {|gets} {$a} an hour.",
            "~for {c days} {N|works} {b hours} daily at {$a} an hour.",
        ),
        EARNED,
        unit="$",
        money=frozenset("ay"),
    ),
    Relation(
        "hourly_rate",
        "",
        "",
        over("b", 2, 12),
        {"x": "money earned", "b": "hours worked"},
        (step("y", "x / b", "money per hour"),),
        (
            "{N|earns} {$x} in {b hours}.",
            "{N|works} {b hours} and {|earns} {$x}.",
            "{N|gets} {$x} for {b hours} of work.",
            "~for {b hours} of work {N|is} paid {$x}.",
        ),
        (
            "how much {does S} earn per hour?",
            "how much {does S} make each hour?",
            "what is {his} hourly pay?",
            "~what is one hour worth?",
        ),
        (
            "if {N|!earns} {$x} in {b hours}, how much {does he} earn per hour?",
            "~{$x} for {b hours} is how much an hour?",
        ),
        unit="$",
        money=frozenset("xy"),
    ),
    Relation(
        "profit",
        "",
        "",
        dearer,
        {"x": "cost", "b": "selling price"},
        (step("y", "b - x", "profit"),),
        (
            "{N|buys} {an item} for {$x} and {|sells} it for {$b}.",
            "{N|makes} {an item} for {$x} and {|sells} it for {$b}.",
            "{N|pays} {$x} for {an item}. later {he|sells} it for {$b}.",
            "~{an item} that {N} got for {$x} goes for {$b}.",
        ),
        (
            "how much profit {does S} make?",
            "what is {his} profit?",
            "how much money {does S} gain?",
            "~what {does he} gain by it?",
        ),
        unit="$",
        money=frozenset("bxy"),
    ),
    Relation(
        "per_year",
        "",
        "",
        own(a=within(5, 200)),
        {"a": "money a month"},
        (step("y", "a * 12", "money a year"),),
        (
            "{N|pays} {$a} a month for a club.",
            "{N|saves} {$a} every month.",
            "a phone plan costs {N} {$a} a month.",
            "~each month {N|sets} {$a} aside.",
        ),
        (
            "how much is that in a year?",
            "how much is that per year?",
            "how much is that in one year?",
            "~what does a whole year come to?",
        ),
        (
            "if {N|!saves} {$a} a month, how much {does he} save in a year?",
            "~{$a} a month is how much a year?",
        ),
        unit="$",
        money=frozenset("ay"),
        weight=0.7,
    ),
)
