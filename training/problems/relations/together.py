"""Several people's or several kinds of things, counted together."""

from __future__ import annotations

from training.problems.numbers import (
    own,
    plus,
    similar,
    times,
    within,
)
from training.problems.relations.asks import TOGETHER
from training.problems.relations.relation import Relation, step

RELATIONS = (
    Relation(
        "together",
        "hold",
        "",
        plus("b"),
        {"b": "{nouns} of {M}"},
        (step("y", "x + b", "{nouns} together"),),
        (
            "{M|has} {b nouns}.",
            "{M|has} {b}.",
            "{his} friend {M} has {b nouns}.",
            "{M|owns} {b nouns}.",
            "~{b nouns} belong to {M}.",
        ),
        TOGETHER,
        (
            "{N|has} {x nouns} and {M|has} {b}. how many do they have in total?",
            "if {N|!has} {x nouns} and {M|!has} {b nouns}, how many do they have altogether?",
            "{N|has} {x nouns}, {M|has} {b nouns}. how many together?",
            "~put {N's} {x nouns} and {M's} {b nouns} together. how many is that?",
        ),
        weight=1.5,
    ),
    Relation(
        "times_together",
        "hold",
        "",
        times("b", 2, 6),
        {"b": "times as many"},
        (step("z", "x * b", "{nouns} of {M}"), step("y", "x + z", "{nouns} together")),
        (
            "{M|has} {xb} as many {nouns} as {@N}.",
            "{M|has} {xb} as many as {@N}.",
            "~the number {M|has} is {xb} that of {@N}.",
        ),
        TOGETHER,
    ),
    Relation(
        "bigger_together",
        "hold",
        "",
        plus("b"),
        {"b": "how many more"},
        (step("z", "x + b", "{nouns} of {M}"), step("y", "x + z", "{nouns} together")),
        (
            "{M|has} {b more nouns} than {@N}.",
            "{M|has} {b} more than {@N}.",
            "~{M|is} ahead of {@N} by {b nouns}.",
        ),
        TOGETHER,
    ),
    Relation(
        "three_people",
        "hold",
        "",
        own(b=within(1, 40), c=within(1, 40)),
        {"b": "{nouns} of {M}", "c": "{nouns} of the third"},
        (step("y", "x + b + c", "{nouns} of all three"),),
        (
            "{M|has} {b} and {his} friend has {c}.",
            "{M|has} {b nouns} and {his} cousin has {c nouns}.",
            "~{M} holds {b} of them and a third child {c}.",
        ),
        (
            "how many {nouns} do the three of them have?",
            "how many {nouns} do they have altogether?",
            "how many {nouns} do they have in total?",
            "~what do all three have?",
        ),
    ),
    Relation(
        "colors",
        "",
        "hold",
        similar("a", "b"),
        {"a": "{color} {nouns}", "b": "{color2} {nouns}"},
        (step("y", "a + b", "{nouns} in all"),),
        (
            "{N|has} {a} {color} {nouns} and {b} {color2} {nouns}.",
            "{N|has} {a} {color} and {b} {color2} {nouns}.",
            "in {N's} {box} there {#are a} {a} {color} {nouns} and {b} {color2} ones.",
            "{N|buys} {a} {color} {nouns} and {b} {color2} ones.",
            "~{N's} {nouns}: {a} {color}, {b} {color2}.",
        ),
        (
            "how many {nouns} {does S} have?",
            "how many {nouns} are there in all?",
            "how many {nouns} {does S} have altogether?",
            "what is the total number of {nouns}?",
            "~how many {nouns} is that, both colors together?",
        ),
        (
            "{an box} has {a} {color} {nouns} and {b} {color2} {nouns}. how many {nouns} "
            "are in the {box}?",
            "there are {a} {color} {nouns} and {b} {color2} {nouns}. how many in all?",
            "~{a} {color} and {b} {color2} {nouns} lie in {an box}. how many is that?",
        ),
        noun="thing",
        weight=1.5,
    ),
    Relation(
        "two_kinds",
        "",
        "",
        similar("a", "b"),
        {"a": "{nouns}", "b": "{others}"},
        (step("y", "a + b", "things in all"),),
        (
            "{N|has} {a nouns} and {b others}.",
            "{N|buys} {a nouns} and {b others}.",
            "{N|picks} {a nouns} and {b others}.",
            "there {#are a} {a nouns} and {b others} in {an box}.",
            "{N|has} {a nouns}. {he} also {|has} {b others}.",
            "~in the {box} of {@N} lie {a nouns} next to {b others}.",
        ),
        (
            "how many pieces of fruit is that?",
            "how many fruits are there in all?",
            "how many fruits {does N} have?",
            "what is the total number of fruits?",
            "~how many fruits does that make?",
        ),
        (
            "{a nouns} and {b others}. how many fruits in all?",
            "how many fruits are {a nouns} and {b others} together?",
            "~count {a nouns} with {b others}. how many fruits?",
        ),
        unit="fruits",
        noun="fruit",
        weight=1.2,
    ),
    Relation(
        "boys_girls",
        "",
        "place",
        own(a=within(2, 40), b=within(2, 40)),
        {"a": "boys", "b": "girls"},
        (step("y", "a + b", "{nouns} in all"),),
        (
            "there {#are a} {a boys} and {b girls} {place}.",
            "a class has {a boys} and {b girls}.",
            "{a boys} and {b girls} {*are} {place}.",
            "~a group consists of {a boys} and {b girls}.",
        ),
        (
            "how many children are there?",
            "how many children are there in all?",
            "what is the total number of children?",
            "~how many is that, boys and girls together?",
        ),
        (
            "a class has {a boys} and {b girls}. how many students are in the class?",
            "~how big is a class of {a boys} and {b girls}?",
        ),
        unit="children",
        noun="child",
        weight=0.8,
    ),
)
