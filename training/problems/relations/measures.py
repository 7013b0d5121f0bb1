"""Lengths, weights, volumes and temperatures."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    both,
    few,
    minus,
    over,
    own,
    plus,
    within,
)
from training.problems.relations.relation import Relation, step


def _half(rng: Random) -> Fraction:
    """A length or weight: whole, or with one decimal."""
    return Fraction(rng.randint(2, 60)) if rng.random() < 0.7 else Fraction(rng.randint(5, 150), 10)


RELATIONS = (
    Relation(
        "cut_pieces",
        "",
        "",
        over("b", 2, 15),
        {"x": "length", "b": "length of a piece"},
        (step("y", "x / b", "number of pieces"),),
        (
            "{N|has} {an rope} that is {x lens} long. {he|cuts} it into pieces of {b lens}.",
            "{an rope} of {x lens} is cut into pieces {b lens} long.",
            "~pieces of {b lens} are cut from {an rope} of {x lens}.",
        ),
        (
            "how many pieces are there?",
            "how many pieces is that?",
            "how many pieces can be cut?",
            "~what number of pieces comes out?",
        ),
        (
            "how many pieces of {b lens} can be cut from {an rope} of {x lens}?",
            "~{x lens} of {rope} give how many pieces of {b lens}?",
        ),
        unit="pieces",
    ),
    Relation(
        "equal_pieces",
        "",
        "",
        over("b", 2, 12),
        {"x": "length", "b": "number of pieces"},
        (step("y", "x / b", "length of each piece"),),
        (
            "{N|cuts} {an rope} of {x lens} into {b} equal pieces.",
            "{an rope} that is {x lens} long is cut into {b} equal parts.",
            "~out of {x lens} of {rope} {N|makes} {b} pieces of the same length.",
        ),
        (
            "how long is each piece?",
            "what is the length of each piece?",
            "how many {lens} long is each piece?",
            "~what does one piece measure?",
        ),
        (
            "if {an rope} of {x lens} is cut into {b} equal pieces, how long is each piece?",
            "~{b} equal pieces of {an rope} of {x lens}: how long is one?",
        ),
        unit="{lens}",
    ),
    Relation(
        "length_left",
        "",
        "",
        own(x=lambda rng: 20 + _half(rng), b=lambda rng: Fraction(rng.randint(10, 190), 10)),
        {"x": "length", "b": "length used"},
        (step("y", "x - b", "length left"),),
        (
            "{N|has} {an rope} that is {x lens} long. {he|cuts} off {b lens}.",
            "{N|has} {x lens} of {rope} and {|uses} {b lens}.",
            "~from {x lens} of {rope} {N|snips} {b lens}.",
        ),
        (
            "how many {lens} are left?",
            "how much {rope} is left?",
            "how long is the rest?",
            "~what length is still there?",
        ),
        unit="{lens}",
        fractional=frozenset("y"),
        weight=0.8,
    ),
    Relation(
        "weights",
        "",
        "",
        own(a=_half, b=_half),
        {"a": "first weight", "b": "second weight"},
        (step("y", "a + b", "weight in all"),),
        (
            "{N|buys} {a weights} of {noun_mass} and {b weights} of {other_mass}.",
            "a bag weighs {a weights} and a box weighs {b weights}.",
            "one dog weighs {a weights} and another weighs {b weights}.",
            "~onto the scale go {a weights} of {noun_mass} and {b weights} of {other_mass}.",
        ),
        (
            "how many {weights} is that in all?",
            "what is the total weight?",
            "how much do they weigh together?",
            "~what does the scale say for both?",
        ),
        unit="{weights}",
        fractional=frozenset("y"),
    ),
    Relation(
        "weight_each",
        "",
        "",
        own(a=_half, b=few),
        {"a": "weight of one", "b": "number"},
        (step("y", "a * b", "weight in all"),),
        (
            "one box weighs {a weights}. {N|carries} {b} of them.",
            "each bag weighs {a weights}. there are {b bags}.",
            "{N|buys} {b bags} of {noun_mass} that weigh {a weights} each.",
            "~{b bags} lie there, {a weights} each.",
        ),
        (
            "what is the total weight?",
            "how much do they weigh in total?",
            "how many {weights} is that?",
            "~what do all weigh?",
        ),
        (
            "if one bag of {noun_mass} weighs {a weights}, how much do {b bags} weigh?",
            "~{b bags} of {a weights} weigh how much?",
        ),
        unit="{weights}",
        fractional=frozenset("y"),
    ),
    Relation(
        "recipe",
        "",
        "",
        own(a=few, b=within(2, 10)),
        {"a": "cups for one batch", "b": "batches"},
        (step("y", "a * b", "cups in all"),),
        (
            "a recipe needs {a cups} of {noun_mass}. {N|makes} {b batches}.",
            "one cake takes {a cups} of {noun_mass}. {N|bakes} {b cakes}.",
            "~into each of {b cakes} {N|puts} {a cups} of {noun_mass}.",
        ),
        (
            "how many cups of {noun_mass} {does S} need?",
            "how many cups are needed?",
            "how many cups of {noun_mass} is that?",
            "~how many cups go in?",
        ),
        (
            "if one cake needs {a cups} of {noun_mass}, how many cups do {b cakes} need?",
            "~{b cakes} with {a cups} of {noun_mass} each need how many cups?",
        ),
        unit="cups",
    ),
    Relation(
        "pour",
        "",
        "",
        over("b", 2, 12),
        {"x": "volume", "b": "volume of a glass"},
        (step("y", "x / b", "number of glasses"),),
        (
            "{N|has} {x volumes} of {drink}. each bottle holds {b volumes}.",
            "{N|pours} {x volumes} of {drink} into bottles of {b volumes}.",
            "~bottles that take {b volumes} are filled from {x volumes} of {drink}.",
        ),
        (
            "how many bottles {can S} fill?",
            "how many bottles are needed?",
            "how many bottles is that?",
            "~what number of bottles gets full?",
        ),
        unit="bottles",
        weight=0.6,
    ),
    Relation(
        "temperature",
        "",
        "",
        both(plus("b"), own()),
        {"x": "temperature before", "b": "rise"},
        (step("y", "x + b", "temperature after"),),
        (
            "the temperature is {x degrees}. it rises by {b degrees}.",
            "it is {x degrees} in the morning and gets {b degrees} warmer.",
            "~a thermometer shows {x degrees} and climbs by {b}.",
        ),
        (
            "what is the temperature now?",
            "how many degrees is it now?",
            "what is the temperature then?",
            "~what does it show in the end?",
        ),
        unit="degrees",
        weight=0.4,
        top=70,
    ),
    Relation(
        "temperature_drop",
        "",
        "",
        minus("b"),
        {"x": "temperature before", "b": "drop"},
        (step("y", "x - b", "temperature after"),),
        (
            "the temperature is {x degrees}. it drops by {b degrees}.",
            "it is {x degrees} at noon and gets {b degrees} colder by night.",
            "~a thermometer shows {x degrees} and sinks by {b}.",
        ),
        (
            "what is the temperature now?",
            "how many degrees is it now?",
            "what is the temperature then?",
            "~what does it show in the end?",
        ),
        unit="degrees",
        weight=0.4,
        top=100,
    ),
    Relation(
        "liquid_left",
        "",
        "",
        minus("b"),
        {"x": "volume at first", "b": "volume gone"},
        (step("y", "x - b", "volume left"),),
        (
            "a tank holds {x volumes} of water. {b volumes} leak out.",
            "there are {x volumes} of {drink} in a barrel. {N|takes} out {b volumes}.",
            "{N|has} {x volumes} of {drink} and {|drinks} {b volumes}.",
            "~out of {x volumes} of {drink}, {N|uses} up {b}.",
        ),
        (
            "how many {volumes} are left?",
            "how much is left?",
            "how many {volumes} remain?",
            "~what volume is still there?",
        ),
        unit="{volumes}",
    ),
)
