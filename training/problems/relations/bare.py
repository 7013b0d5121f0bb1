"""Bare arithmetic, as people type it."""

from __future__ import annotations

from training.problems.numbers import fixed, minus, over, own, percent, plus, times, within
from training.problems.relations.relation import Relation, step

_EVEN = over("b", 2, 2)

RELATIONS = (
    Relation(
        "sum", "", "", plus("b"), {"x": "first number", "b": "second number"},
        (step("y", "x + b", "sum"),), (),
        (),
        (
            "what is {x} + {b}?", "what is {x} plus {b}?", "calculate {x} + {b}.", "{x} + {b} = ?",
            "{x} plus {b}?", "add {x} and {b}.", "what is the sum of {x} and {b}?", "{x} + {b}",
            "find {x} + {b}.", "work out {x} + {b}.", "how much is {x} + {b}?", "compute {x}+{b}",
            "~what do you get when you add {b} to {x}?", "~what number is {b} more than {x}?",
        ),
        unit="", weight=1.5,
    ),
    Relation(
        "subtraction", "", "", minus("b"), {"x": "first number", "b": "number taken away"},
        (step("y", "x - b", "difference"),), (),
        (),
        (
            "what is {x} - {b}?", "what is {x} minus {b}?", "calculate {x} - {b}.", "{x} - {b} = ?",
            "{x} minus {b}?", "subtract {b} from {x}.", "what is the difference between {x} and {b}?",
            "{x} - {b}", "take {b} away from {x}.", "how much is {x} - {b}?", "compute {x}-{b}",
            "~what do you get when you take {b} from {x}?", "~what number is {b} less than {x}?",
        ),
        unit="", weight=1.5,
    ),
    Relation(
        "product", "", "", times("b", 2, 20), {"x": "first factor", "b": "second factor"},
        (step("y", "x * b", "product"),), (),
        (),
        (
            "what is {x} * {b}?", "what is {x} times {b}?", "calculate {x} * {b}.", "{x} x {b} = ?",
            "{b} times {x}?", "multiply {x} by {b}.", "what is the product of {x} and {b}?", "{x} * {b}",
            "what is {x} × {b}?", "how much is {x} multiplied by {b}?", "compute {x}*{b}",
            "~what do you get when you multiply {x} and {b}?", "~work out {xb} {x}.",
        ),
        unit="", weight=1.5,
    ),
    Relation(
        "quotient", "", "", over("b", 2, 12), {"x": "number divided", "b": "divisor"},
        (step("y", "x / b", "quotient"),), (),
        (),
        (
            "what is {x} / {b}?", "what is {x} divided by {b}?", "calculate {x} / {b}.", "{x} ÷ {b} = ?",
            "{x} divided by {b}?", "divide {x} by {b}.", "how many times does {b} go into {x}?", "{x} / {b}",
            "what is {x} ÷ {b}?", "how much is {x} over {b}?", "compute {x}/{b}",
            "~what do you get when you divide {x} by {b}?", "~how many {b}s are in {x}?",
        ),
        unit="", weight=1.5,
    ),
    Relation(
        "double_number", "", "", fixed(), {"x": "number"},
        (step("y", "x * 2", "double"),), (), (),
        (
            "what is double {x}?", "what is twice {x}?", "double {x}.", "what is 2 times {x}?",
            "~what do you get when you double {x}?",
        ),
        unit="", weight=0.4,
    ),
    Relation(
        "half_number", "", "", _EVEN, {"x": "number"},
        (step("y", "x / 2", "half"),), (), (),
        (
            "what is half of {x}?", "find half of {x}.", "how much is half of {x}?", "half of {x}?",
            "~what do you get when you halve {x}?",
        ),
        unit="", weight=0.4,
    ),
    Relation(
        "percent_of", "", "", percent("p"), {"p": "percentage", "x": "whole"},
        (step("y", "p / 100 * x", "part"),), (), (),
        (
            "what is {p%} of {x}?", "find {p%} of {x}.", "calculate {p%} of {x}.", "how much is {p%} of {x}?",
            "{p%} of {x}?", "~work out {p%} of the number {x}.", "~{p%} of {x} is what number?",
        ),
        unit="", weight=1.5,
    ),
    Relation(
        "two_step_number", "", "", own(x=within(2, 12), b=within(2, 9), c=within(1, 30)),
        {"x": "first factor", "b": "second factor", "c": "number added"},
        (step("z", "x * b", "product"), step("y", "z + c", "result")), (), (),
        (
            "what is {x} * {b} + {c}?", "calculate {x} * {b} + {c}.", "{x} times {b} plus {c}?",
            "multiply {x} by {b} and add {c}.", "~take {x}, multiply it by {b}, then add {c}. what is it?",
        ),
        unit="", weight=1.5,
    ),
)
