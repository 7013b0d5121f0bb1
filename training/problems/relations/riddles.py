"""Number riddles: which number, when this is done to it, gives that?"""

from __future__ import annotations

from training.problems.numbers import (
    minus,
    over,
    plus,
    times,
)
from training.problems.relations.relation import Relation, step

RELATIONS = (
    Relation(
        "unknown_number",
        "",
        "",
        plus("b"),
        {"x": "result", "b": "number taken away"},
        (step("y", "x + b", "number"),),
        (),
        (),
        (
            "what number minus {b} is {x}?",
            "{N|!thinks} of a number. {he|!subtracts} {b} and {|!gets} {x}. what is the number?",
            "a number less {b} is {x}. what is the number?",
            "? - {b} = {x}",
            "find the number that minus {b} gives {x}.",
            "~from which number must one take {b} to get {x}?",
        ),
        unit="",
        weight=0.5,
    ),
    Relation(
        "unknown_addend",
        "",
        "",
        minus("b"),
        {"x": "result", "b": "number added"},
        (step("y", "x - b", "number"),),
        (),
        (),
        (
            "what number plus {b} is {x}?",
            "{N|!thinks} of a number. {he|!adds} {b} and {|!gets} {x}. what is the number?",
            "the sum of a number and {b} is {x}. what is the number?",
            "? + {b} = {x}",
            "what must be added to {b} to make {x}?",
            "~{b} and which number make {x}?",
        ),
        unit="",
        weight=0.5,
    ),
    Relation(
        "unknown_factor",
        "",
        "",
        over("b", 2, 12),
        {"x": "result", "b": "factor"},
        (step("y", "x / b", "number"),),
        (),
        (),
        (
            "what number times {b} is {x}?",
            "{N|!thinks} of a number. {he|!multiplies} it by {b} and {|!gets} {x}. what "
            "is the number?",
            "{b} times a number is {x}. what is the number?",
            "? * {b} = {x}",
            "~{b} times which number makes {x}?",
        ),
        unit="",
        weight=0.5,
    ),
    Relation(
        "unknown_dividend",
        "",
        "",
        times("b", 2, 12),
        {"x": "result", "b": "divisor"},
        (step("y", "x * b", "number"),),
        (),
        (),
        (
            "what number divided by {b} is {x}?",
            "{N|!thinks} of a number. {he|!divides} it by {b} and {|!gets} {x}. what is "
            "the number?",
            "a number divided by {b} is {x}. what is the number?",
            "? / {b} = {x}",
            "~which number gives {x} when divided by {b}?",
        ),
        unit="",
        weight=0.4,
    ),
)
