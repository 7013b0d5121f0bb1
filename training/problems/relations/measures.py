"""Geometry, averages, weights and lengths, ages, scores."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import Numbers, both, few, minus, multiple, over, own, percent, plus, times, within
from training.problems.relations.relation import Relation, step


def _average(*names: str) -> object:
    """Numbers whose mean is whole."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:  # noqa: ARG001
        top = rng.choice((12, 30, 100))
        values = [rng.randint(2, top) for _ in names]
        values[-1] += -sum(values) % len(names)
        return {name: Fraction(value) for name, value in zip(names, values, strict=True)}

    return draw


def _half(rng: Random) -> Fraction:
    """A length or weight: whole, or with one decimal."""
    return Fraction(rng.randint(2, 60)) if rng.random() < 0.7 else Fraction(rng.randint(5, 150), 10)


def _age(rng: Random) -> int:
    return rng.randint(3, 40)


RELATIONS = (
    Relation(
        "perimeter_rectangle", "", "", own(a=within(2, 40), b=within(2, 30)),
        {"a": "length", "b": "width"}, (step("z", "a + b", "length and width"), step("y", "z * 2", "perimeter")),
        (
            "a rectangular {plot} is {a lens} long and {b lens} wide.", "a rectangle has a length of {a lens} and a width of {b lens}.",
            "{N's} {plot} is a rectangle that measures {a lens} by {b lens}.", "a rectangle is {a lens} by {b lens}.",
            "~the sides of a rectangular {plot} are {a lens} and {b lens}.",
        ),
        ("what is the perimeter?", "what is its perimeter?", "find the perimeter.", "how many {lens} of fence go around it?", "how long is the way around it?", "~how far is it all the way around?"),
        (
            "what is the perimeter of a rectangle {a lens} long and {b lens} wide?", "find the perimeter of a {a} by {b} rectangle.",
            "~a border runs around {an plot} of {a} by {b lens}. how long is it?",
        ),
        unit="{lens}", weight=1.2,
    ),
    Relation(
        "area_rectangle", "", "", own(a=within(2, 30), b=within(2, 20)),
        {"a": "length", "b": "width"}, (step("y", "a * b", "area"),),
        (
            "a rectangular {plot} is {a lens} long and {b lens} wide.", "a rectangle has a length of {a lens} and a width of {b lens}.",
            "{N's} {plot} is a rectangle that measures {a lens} by {b lens}.", "a rectangle is {a lens} by {b lens}.",
            "~the sides of a rectangular {plot} are {a lens} and {b lens}.",
        ),
        ("what is the area?", "what is its area?", "find the area.", "what is its area in square {lens}?", "how many square {lens} is that?", "~how large is the surface in square {lens}?"),
        (
            "what is the area of a rectangle {a lens} long and {b lens} wide?", "find the area of a {a} by {b} rectangle.",
            "how many square {lens} of carpet cover a room that is {a} by {b lens}?", "~what area has {an plot} of {a} by {b lens}?",
        ),
        unit="square {lens}", weight=1.5,
    ),
    Relation(
        "perimeter_square", "", "", own(a=within(2, 60)),
        {"a": "side"}, (step("y", "a * 4", "perimeter"),),
        ("a square has sides of {a lens}.", "a square {plot} is {a lens} long on each side.", "~each side of a square measures {a lens}."),
        ("what is the perimeter?", "what is its perimeter?", "find the perimeter.", "~how far is it around the square?"),
        ("what is the perimeter of a square with sides of {a lens}?", "find the perimeter of a square with side {a}.", "~a square with side {a} has what perimeter?"),
        unit="{lens}", weight=0.7,
    ),
    Relation(
        "area_square", "", "", own(a=within(2, 15)),
        {"a": "side"}, (step("y", "a * a", "area"),),
        ("a square has sides of {a lens}.", "a square {plot} is {a lens} long on each side.", "~each side of a square measures {a lens}."),
        ("what is the area?", "what is its area?", "find the area.", "~how many square {lens} does it cover?"),
        ("what is the area of a square with sides of {a lens}?", "find the area of a square with side {a}.", "~a square with side {a} has what area?"),
        unit="square {lens}", weight=0.7,
    ),
    Relation(
        "perimeter_triangle", "", "", own(a=within(6, 20), b=within(6, 20), c=within(6, 11)),
        {"a": "first side", "b": "second side", "c": "third side"}, (step("y", "a + b + c", "perimeter"),),
        ("a triangle has sides of {a}, {b} and {c lens}.", "the sides of a triangle are {a lens}, {b lens} and {c lens}.", "~a triangle is drawn with sides {a}, {b} and {c}."),
        ("what is the perimeter?", "what is its perimeter?", "find its perimeter.", "~how long are the three sides together?"),
        unit="{lens}", weight=0.5,
    ),
    Relation(
        "side_from_area", "", "", over("b", 2, 20),
        {"x": "area", "b": "length"}, (step("y", "x / b", "width"),),
        ("a rectangle has an area of {x} square {lens}. its length is {b lens}.", "the area of {an plot} is {x} square {lens} and it is {b lens} long.", "~{an plot} of {x} square {lens} is {b lens} long."),
        ("what is its width?", "how wide is it?", "find the width.", "~what does the other side measure?"),
        unit="{lens}", weight=0.6,
    ),
    Relation(
        "volume", "", "", own(a=few, b=within(2, 10), c=within(2, 6)),
        {"a": "length", "b": "width", "c": "height"}, (step("y", "a * b * c", "volume"),),
        ("a box is {a lens} long, {b lens} wide and {c lens} high.", "a tank measures {a} by {b} by {c lens}.", "~length, width and height of a chest are {a}, {b} and {c lens}."),
        ("what is its volume?", "what is the volume?", "find the volume of it.", "~how many cubic {lens} does it hold?"),
        unit="cubic {lens}", weight=0.5,
    ),
    Relation(
        "cut_pieces", "", "", over("b", 2, 15),
        {"x": "length", "b": "length of a piece"}, (step("y", "x / b", "number of pieces"),),
        ("{N|has} {an rope} that is {x lens} long. {he|cuts} it into pieces of {b lens}.", "{an rope} of {x lens} is cut into pieces {b lens} long.", "~pieces of {b lens} are cut from {an rope} of {x lens}."),
        ("how many pieces are there?", "how many pieces is that?", "how many pieces can be cut?", "~what number of pieces comes out?"),
        ("how many pieces of {b lens} can be cut from {an rope} of {x lens}?", "~{x lens} of {rope} give how many pieces of {b lens}?"),
        unit="pieces",
    ),
    Relation(
        "equal_pieces", "", "", over("b", 2, 12),
        {"x": "length", "b": "number of pieces"}, (step("y", "x / b", "length of each piece"),),
        ("{N|cuts} {an rope} of {x lens} into {b} equal pieces.", "{an rope} that is {x lens} long is cut into {b} equal parts.", "~out of {x lens} of {rope} {N|makes} {b} pieces of the same length."),
        ("how long is each piece?", "what is the length of each piece?", "how many {lens} long is each piece?", "~what does one piece measure?"),
        ("if {an rope} of {x lens} is cut into {b} equal pieces, how long is each piece?", "~{b} equal pieces of {an rope} of {x lens}: how long is one?"),
        unit="{lens}",
    ),
    Relation(
        "length_left", "", "", lambda rng, x: {"x": Fraction(20) + _half(rng), "b": Fraction(rng.randint(10, 190), 10)},  # noqa: ARG005
        {"x": "length", "b": "length used"}, (step("y", "x - b", "length left"),),
        ("{N|has} {an rope} that is {x lens} long. {he|cuts} off {b lens}.", "{N|has} {x lens} of {rope} and {|uses} {b lens}.", "~from {x lens} of {rope} {N|snips} {b lens}."),
        ("how many {lens} are left?", "how much {rope} is left?", "how long is the rest?", "~what length is still there?"),
        unit="{lens}", fractional=frozenset("y"), weight=0.8,
    ),
    Relation(
        "weights", "", "", own(a=_half, b=_half),
        {"a": "first weight", "b": "second weight"}, (step("y", "a + b", "weight in all"),),
        (
            "{N|buys} {a weights} of {noun_mass} and {b weights} of {other_mass}.", "a bag weighs {a weights} and a box weighs {b weights}.",
            "one dog weighs {a weights} and another weighs {b weights}.", "~onto the scale go {a weights} of {noun_mass} and {b weights} of {other_mass}.",
        ),
        ("how many {weights} is that in all?", "what is the total weight?", "how much do they weigh together?", "~what does the scale say for both?"),
        unit="{weights}", fractional=frozenset("y"),
    ),
    Relation(
        "weight_each", "", "", own(a=_half, b=few),
        {"a": "weight of one", "b": "number"}, (step("y", "a * b", "weight in all"),),
        (
            "one box weighs {a weights}. {N|carries} {b} of them.", "each bag weighs {a weights}. there are {b bags}.",
            "{N|buys} {b bags} of {noun_mass} that weigh {a weights} each.", "~{b bags} lie there, {a weights} each.",
        ),
        ("what is the total weight?", "how much do they weigh in total?", "how many {weights} is that?", "~what do all weigh?"),
        ("if one bag of {noun_mass} weighs {a weights}, how much do {b bags} weigh?", "~{b bags} of {a weights} weigh how much?"),
        unit="{weights}", fractional=frozenset("y"),
    ),
    Relation(
        "recipe", "", "", own(a=few, b=within(2, 10)),
        {"a": "cups for one batch", "b": "batches"}, (step("y", "a * b", "cups in all"),),
        (
            "a recipe needs {a cups} of {noun_mass}. {N|makes} {b batches}.", "one cake takes {a cups} of {noun_mass}. {N|bakes} {b cakes}.",
            "~into each of {b cakes} {N|puts} {a cups} of {noun_mass}.",
        ),
        ("how many cups of {noun_mass} {does S} need?", "how many cups are needed?", "how many cups of {noun_mass} is that?", "~how many cups go in?"),
        ("if one cake needs {a cups} of {noun_mass}, how many cups do {b cakes} need?", "~{b cakes} with {a cups} of {noun_mass} each need how many cups?"),
        unit="cups",
    ),
    Relation(
        "fuel", "", "", own(a=within(10, 50), b=few),
        {"a": "miles per gallon", "b": "gallons"}, (step("y", "a * b", "miles"),),
        ("{N's} car goes {a miles} on one gallon of gas. it has {b gallons}.", "a car gets {a miles} per gallon and has {b gallons} in the tank.", "~{b gallons} are in a car that does {a miles} per gallon."),
        ("how many miles can it go?", "how far can it go?", "how far can it travel?", "~for how many miles does the gas last?"),
        ("how far can a car go on {b gallons} at {a miles} per gallon?", "~{b gallons} at {a miles} a gallon take a car how far?"),
        unit="miles", weight=0.7,
    ),
    Relation(
        "pour", "", "", over("b", 2, 12),
        {"x": "volume", "b": "volume of a glass"}, (step("y", "x / b", "number of glasses"),),
        ("{N|has} {x volumes} of {drink}. each bottle holds {b volumes}.", "{N|pours} {x volumes} of {drink} into bottles of {b volumes}.", "~bottles that take {b volumes} are filled from {x volumes} of {drink}."),
        ("how many bottles {can S} fill?", "how many bottles are needed?", "how many bottles is that?", "~what number of bottles gets full?"),
        unit="bottles", weight=0.6,
    ),
    Relation(
        "average_three", "", "", _average("a", "b", "c"),
        {"a": "first", "b": "second", "c": "third"}, (step("z", "a + b + c", "sum"), step("y", "z / 3", "average")),
        (
            "{N|scores} {a}, {b} and {c} on three tests.", "{N|gets} {a}, {b}, and {c} points in three games.", "the numbers are {a}, {b}, and {c}.",
            "{N|reads} {a} pages on {day}, {b} on {next_day} and {c} the day after.", "~three throws of {N} go {a}, {b} and {c} feet.",
        ),
        ("what is the average?", "find the average.", "what is the mean?", "~what is that on average?"),
        ("what is the average of {a}, {b}, and {c}?", "find the mean of {a}, {b}, {c}.", "average of {a}, {b} and {c}?", "~take the mean of {a}, {b} and {c}."),
        unit="",
    ),
    Relation(
        "average_two", "", "", _average("a", "b"),
        {"a": "first", "b": "second"}, (step("z", "a + b", "sum"), step("y", "z / 2", "average")),
        ("{N|scores} {a} and {b} on two tests.", "{N|gets} {a} points in one game and {b} in the next.", "~{a} and {b} are {N's} two results."),
        ("what is the average?", "what is the average score?", "find the average.", "~what lies halfway between them?"),
        ("what is the average of {a} and {b}?", "find the mean of {a} and {b}.", "~which number is midway between {a} and {b}?"),
        unit="", weight=0.7,
    ),
    Relation(
        "total_from_average", "", "", own(a=within(3, 90), b=within(2, 9)),
        {"a": "average", "b": "number of games"}, (step("y", "a * b", "total"),),
        ("{N|scores} an average of {a points} in {b games}.", "{N|averages} {a points} per game over {b games}.", "~over {b games} the mean score of {N} is {a}."),
        ("how many points {does S} score in all?", "what is the total number of points?", "how many points is that in total?", "~what is the sum of all points?"),
        unit="points", weight=0.6,
    ),
    Relation(
        "score_two_kinds", "", "", own(a=few, b=few),
        {"a": "two-pointers", "b": "three-pointers"}, (step("v", "a * 2", "points of the two-pointers"), step("w", "b * 3", "points of the three-pointers"), step("y", "v + w", "points in all")),
        ("{N|makes} {a} two-point shots and {b} three-point shots.", "in a game {N|scores} {a} two-pointers and {b} three-pointers.", "~{N's} shots: {a} for 2 points, {b} for 3 points."),
        ("how many points {does S} score?", "how many points is that?", "how many points {does S} have in total?", "~what is the score?"),
        unit="points", weight=0.5,
    ),
    Relation(
        "points_each", "", "", own(a=few, b=few),
        {"a": "number of {goals}", "b": "points for each"}, (step("y", "a * b", "points in all"),),
        ("{N|makes} {a goals} worth {b points} each.", "each {goal} is worth {b points}. {N|makes} {a goals}.", "~{b points} are given for {an goal} and {N|makes} {a}."),
        ("how many points {does S} get?", "how many points {does S} score?", "what is the total score?", "~what is the sum of the points?"),
        unit="points", weight=0.8,
    ),
    Relation(
        "age_older", "", "", own(a=_age, b=within(2, 30)),
        {"a": "age of {N}", "b": "years older"}, (step("y", "a + b", "age of {M}"),),
        ("{N|!is} {a years} old. {M} is {b years} older.", "{N|!is} {a}. {M} is {b years} older than {@N}.", "{M} is {b years} older than {@N}, who is {a}." , "~{N|!is} {a years} old and {b years} younger than {M}."),
        ("how old is {M}?", "what is {M's} age?", "find {M's} age.", "~how many years old must {M} be?"),
        ("{M} is {b years} older than {@N}. {N|!is} {a}. how old is {M}?", "if {N|!is} {a} and {M} is {b years} older, how old is {M}?", "~{M} was born {b years} before {N}, who is {a}. how old is {M}?"),
        unit="years", named=True,
    ),
    Relation(
        "age_younger", "", "", lambda rng, x: {"a": Fraction(age := rng.randint(8, 50)), "b": Fraction(rng.randint(2, age - 3))},  # noqa: ARG005
        {"a": "age of {N}", "b": "years younger"}, (step("y", "a - b", "age of {M}"),),
        ("{N|!is} {a years} old. {M} is {b years} younger.", "{N|!is} {a}. {M} is {b years} younger than {@N}.", "{N|!is} {a years} old and {b years} older than {M}.", "~{M} was born {b years} after {N}, who is {a}."),
        ("how old is {M}?", "what is {M's} age?", "find {M's} age.", "~how many years old must {M} be?"),
        ("if {N|!is} {a} and {M} is {b years} younger, how old is {M}?", "~{N}, aged {a}, is {b years} ahead of {M}. how old is {M}?"),
        unit="years", named=True,
    ),
    Relation(
        "age_later", "", "", own(a=_age, b=within(2, 25)),
        {"a": "age now", "b": "years from now"}, (step("y", "a + b", "age then"),),
        ("{N|!is} {a years} old.", "{N|!is} {a} now.", "{N|!is} {a years} old now.", "~today {N|!turns} {a}."),
        ("how old will {S} be in {b years}?", "how old will {S} be {b years} from now?", "what will {his} age be in {b years}?", "~which birthday will it be in {b years}?"),
        unit="years",
    ),
    Relation(
        "age_before", "", "", minus("b"),
        {"x": "age now", "b": "years ago"}, (step("y", "x - b", "age then"),),
        ("{N|!is} {x years} old.", "{N|!is} {x} now.", "~today {N|!turns} {x}."),
        ("how old was {N} {b years} ago?", "how old was {N} {b years} earlier?", "what was {N's} age {b years} ago?", "~what age had {N} {b years} back?"),
        unit="years", named=True, top=90,
    ),
    Relation(
        "age_times", "", "", own(a=within(2, 20), b=within(2, 4)),
        {"a": "age of {N}", "b": "times as old"}, (step("y", "a * b", "age of {M}"),),
        ("{N|!is} {a years} old. {M} is {xb} as old.", "{N|!is} {a}. {M} is {xb} as old as {@N}.", "{M} is {xb} as old as {@N}, who is {a}.", "~the age of {M} is {xb} that of {N}, and {N|!is} {a}."),
        ("how old is {M}?", "what is {M's} age?", "find {M's} age.", "~how many years old must {M} be?"),
        ("if {N|!is} {a years} old and {M} is {xb} as old, how old is {M}?", "~{N|!is} {a}, {M} {xb} that. how old is {M}?"),
        unit="years", named=True,
    ),
    Relation(
        "age_sum", "", "", own(a=within(2, 20), b=within(2, 20)),
        {"a": "age of {N}", "b": "years older"}, (step("z", "a + b", "age of {M}"), step("y", "a + z", "sum of ages")),
        ("{N|!is} {a years} old. {M} is {b years} older.", "{N|!is} {a}. {M} is {b years} older than {@N}.", "~{N|!is} {a years} old and {b years} younger than {M}."),
        ("what is the sum of their ages?", "how old are they together?", "what is the total of their ages?", "~what do the two ages come to?"),
        unit="years", named=True,
    ),
    Relation(
        "percent_left", "hold", "", percent("p"),
        {"p": "percent used"}, (step("z", "p / 100 * x", "{nouns} used"), step("y", "x - z", "{nouns} left")),
        ("{S|sells} {p%} of them.", "{S|gives away} {p%} of the {nouns}.", "{S|uses} {p%} of {his} {nouns}.", "~{p%} of the {nouns} {*are} handed out."),
        ("how many {nouns} are left?", "how many {nouns} {does S} have left?", "how many remain?", "~what number of {nouns} stays behind?"),
    ),
    Relation(
        "percent_part", "hold", "", percent("p"),
        {"p": "percent that are {color}"}, (step("y", "p / 100 * x", "{color} {nouns}"),),
        ("{p%} of them are {color}.", "{p%} of the {nouns} are {color}.", "{p%} are {color}.", "~the {color} ones make up {p%}."),
        ("how many {nouns} are {color}?", "how many {color} {nouns} are there?", "how many are {color}?", "find the number of {color} {nouns}.", "~how many of the {nouns} have the color {color}?"),
        ("{p%} of {x nouns} are {color}. how many is that?", "if {p%} of {x nouns} are {color}, how many {color} {nouns} are there?", "~of {x nouns}, {p%} are {color}. how many {color} ones is that?"),
        noun="thing",
    ),
    Relation(
        "increase", "", "", percent("p"),
        {"x": "number before", "p": "percent more"}, (step("z", "p / 100 * x", "increase"), step("y", "x + z", "number after")),
        ("a town has {x people}. its population grows by {p%}.", "a school has {x students}. next year it has {p%} more.", "~the {x members} of a club rise by {p%}."),
        ("how many are there then?", "what is the new number?", "how many is that now?", "~what has the number become?"),
        ("what is {x} increased by {p%}?", "increase {x} by {p%}.", "~let {x} rise by {p%}. what comes out?"),
        unit="", weight=0.8,
    ),
    Relation(
        "score_percent", "", "", percent("p"),
        {"x": "questions", "p": "percent right"}, (step("y", "p / 100 * x", "right answers"),),
        ("a test has {x questions}. {N|gets} {p%} right.", "{N|answers} {p%} of {x questions} correctly.", "~{N's} result in a test of {x questions} is {p%}."),
        ("how many answers are right?", "how many questions is that?", "how many correct answers {does S} have?", "~how many answers count?"),
        unit="questions", weight=0.8,
    ),
    Relation(
        "fraction_of", "", "", over("b", 2, 10),
        {"x": "whole", "b": "parts"}, (step("y", "x / b", "one part"),), (), (),
        (
            "what is {1/b} of {x}?", "find {1/b} of {x}.", "how much is {1/b} of {x}?", "{1/b} of {x}?", "what is 1/{b} of {x}?",
            "~work out {1/b} of the number {x}.",
        ),
        unit="", weight=0.7,
    ),
    Relation(
        "fraction_used", "hold", "hold", over("b", 2, 8),
        {"b": "parts"}, (step("z", "x / b", "{nouns} gone"), step("y", "x - z", "{nouns} left")),
        ("{S|gives} {1/b} of them to {M}.", "{S|sells} {1/b} of the {nouns}.", "{S|uses} {1/b} of {his} {nouns}.", "{S|loses} {1/b} of them.", "~{1/b} of the {nouns} {*are} set aside for {M}."),
        ("how many {nouns} are left?", "how many {nouns} {does S} have left?", "how many {nouns} {does S} still have?", "how many remain?", "~what number of {nouns} {is he} left with?"),
        ("{N|has} {x nouns} and {|gives} away {1/b} of them. how many are left?", "~{N|parts} with {1/b} of {his} {x nouns}. how many are left?"),
    ),
    Relation(
        "several_parts", "hold", "", lambda rng, x: _parts(rng, x),
        {"c": "parts taken", "b": "parts in all"}, (step("z", "x / b", "one part"), step("y", "z * c", "{color} {nouns}")),
        ("{c}/{b} of them are {color}.", "{c}/{b} of the {nouns} are {color}.", "~the {color} ones make up {c}/{b} of the {nouns}."),
        ("how many {nouns} are {color}?", "how many {color} {nouns} are there?", "how many are {color}?", "~how many of the {nouns} have the color {color}?"),
        ("{c}/{b} of {x nouns} are {color}. how many are {color}?", "~of {x nouns}, {c}/{b} are {color}. how many {color} ones is that?"),
        noun="thing", digits=True,
    ),
    Relation(
        "parts_number", "", "", lambda rng, x: _parts(rng, x),
        {"c": "parts taken", "b": "parts in all", "x": "whole"}, (step("z", "x / b", "one part"), step("y", "z * c", "part")), (), (),
        ("what is {c}/{b} of {x}?", "find {c}/{b} of {x}.", "how much is {c}/{b} of {x}?", "~work out {c}/{b} of the number {x}."),
        unit="", digits=True, weight=0.6,
    ),
)


def _parts(rng: Random, x: Fraction | None) -> Numbers | None:
    """A fraction c/b in lowest terms, and an x that it divides."""
    parts, taken = rng.choice(((3, 2), (4, 3), (5, 2), (5, 3), (5, 4), (8, 3), (8, 5), (10, 3), (10, 7)))
    whole = Fraction(parts * rng.randint(2, 20)) if x is None else x
    return {"x": whole, "b": Fraction(parts), "c": Fraction(taken)} if (whole / parts).denominator == 1 else None
