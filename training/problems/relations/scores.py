"""Averages and points."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Draw,
    Numbers,
    few,
    minus,
    own,
    percent,
    similar,
    within,
)
from training.problems.relations.relation import Relation, step


def _average(*names: str) -> Draw:
    """Numbers whose mean is whole."""

    def draw(rng: Random, _: Fraction | None) -> Numbers | None:
        top = rng.choice((12, 30, 100))
        values = [rng.randint(2, top) for _ in names]
        values[-1] += -sum(values) % len(names)
        return {name: Fraction(value) for name, value in zip(names, values, strict=True)}

    return draw


RELATIONS = (
    Relation(
        "average_three",
        "",
        "",
        _average("a", "b", "c"),
        {"a": "first", "b": "second", "c": "third"},
        (step("z", "a + b + c", "sum"), step("y", "z / 3", "average")),
        (
            "{N|scores} {a}, {b} and {c} on three tests.",
            "{N|gets} {a}, {b}, and {c} points in three games.",
            "the numbers are {a}, {b}, and {c}.",
            "{N|reads} {a} pages on {day}, {b} on {next_day} and {c} the day after.",
            "{N's} three results are {a}, {b} and {c}.",
            "{N|catches} {a}, {b} and {c} fish on three days.",
            "three friends are {a}, {b} and {c} years old.",
            "~three throws of {@N} go {a}, {b} and {c} feet.",
        ),
        (
            "what is the average?",
            "find the average.",
            "what is the mean?",
            "what is the mean value?",
            "how much is that on average?",
            "~what is that on average?",
        ),
        (
            "what is the average of {a}, {b}, and {c}?",
            "find the mean of {a}, {b}, {c}.",
            "average of {a}, {b} and {c}?",
            "{N|scores} {a}, {b} and {c}. what is the average?",
            "what do {a}, {b} and {c} give on average?",
            "~take the mean of {a}, {b} and {c}.",
        ),
        unit="",
    ),
    Relation(
        "average_two",
        "",
        "",
        _average("a", "b"),
        {"a": "first", "b": "second"},
        (step("z", "a + b", "sum"), step("y", "z / 2", "average")),
        (
            "{N|scores} {a} and {b} on two tests.",
            "{N|gets} {a} points in one game and {b} in the next.",
            "{N|gets} {a} on the first test and {b} on the second.",
            "two games end with {a} and {b} points for {@N}.",
            "{N|runs} {a} miles one day and {b} the next.",
            "~{a} and {b} are {N's} two results.",
        ),
        (
            "what is the average?",
            "what is the average score?",
            "find the average.",
            "what is the mean?",
            "~what lies halfway between them?",
        ),
        (
            "what is the average of {a} and {b}?",
            "find the mean of {a} and {b}.",
            "{N|scores} {a} and {b}. what is the average?",
            "~which number is midway between {a} and {b}?",
        ),
        unit="",
        weight=0.7,
    ),
    Relation(
        "total_from_average",
        "",
        "",
        own(a=within(3, 90), b=within(2, 9)),
        {"a": "average", "b": "number of games"},
        (step("y", "a * b", "total"),),
        (
            "{N|scores} an average of {a points} in {b games}.",
            "{N|averages} {a points} per game over {b games}.",
            "the average of {@N} is {a points} over {b games}.",
            "in {b games}, {N|gets} {a points} on average.",
            "~over {b games} the mean score of {@N} is {a}.",
        ),
        (
            "how many points {does S} score in all?",
            "what is the total number of points?",
            "how many points is that in total?",
            "how many points {does S} have in all?",
            "~what is the sum of all points?",
        ),
        ("{N's} average in {b games} is {a points}. how many points is that in all?",),
        unit="points",
        weight=0.6,
    ),
    Relation(
        "score_two_kinds",
        "",
        "",
        own(a=few, b=few),
        {"a": "two-pointers", "b": "three-pointers"},
        (
            step("v", "a * 2", "points of the two-pointers"),
            step("w", "b * 3", "points of the three-pointers"),
            step("y", "v + w", "points in all"),
        ),
        (
            "{N|makes} {a} two-point shots and {b} three-point shots.",
            "in a game {N|scores} {a} two-pointers and {b} three-pointers.",
            "{N|scores} {a} times for 2 points and {b} times for 3 points.",
            "{a} two-pointers and {b} three-pointers {*are} made by {@N}.",
            "~{N's} shots: {a} for 2 points, {b} for 3 points.",
        ),
        (
            "how many points {does S} score?",
            "how many points is that?",
            "how many points {does S} have in total?",
            "~what is the score?",
        ),
        ("{N|makes} {a} two-pointers and {b} three-pointers. how many points is that?",),
        unit="points",
        weight=0.5,
    ),
    Relation(
        "points_each",
        "",
        "",
        own(a=few, b=few),
        {"a": "number of {goals}", "b": "points for each"},
        (step("y", "a * b", "points in all"),),
        (
            "{N|makes} {a goals} worth {b points} each.",
            "each {goal} is worth {b points}. {N|makes} {a goals}.",
            "{N|gets} {b points} for each {goal} and {|makes} {a goals}.",
            "every {goal} brings {b points}. {N|has} {a goals}.",
            "{a goals} {*are} made by {@N}, each for {b points}.",
            "~{b points} are given for {an goal} and {N|makes} {a}.",
        ),
        (
            "how many points {does S} get?",
            "how many points {does S} score?",
            "what is the total score?",
            "how many points is that?",
            "what is {his} score?",
            "~what is the sum of the points?",
        ),
        ("{an goal} is worth {b points}. how many points are {a goals} worth?",),
        unit="points",
        weight=0.8,
    ),
    Relation(
        "score_percent",
        "",
        "",
        percent("p"),
        {"x": "questions", "p": "percent right"},
        (step("y", "p / 100 * x", "right answers"),),
        (
            "a test has {x questions}. {N|gets} {p%} right.",
            "{N|answers} {p%} of {x questions} correctly.",
            "there are {x questions} on a test. {N|knows} the answer to {p%} of them.",
            "of {x questions}, {N|answers} {p%} right.",
            "~{N's} result in a test of {x questions} is {p%}.",
        ),
        (
            "how many answers are right?",
            "how many questions is that?",
            "how many correct answers {does S} have?",
            "how many questions {does S} get right?",
            "~how many answers count?",
        ),
        ("{N|gets} {p%} of {x questions} right. how many is that?",),
        unit="questions",
        weight=0.8,
    ),
    Relation(
        "two_games",
        "",
        "",
        similar("a", "b"),
        {"a": "points in the first game", "b": "points in the second game"},
        (step("y", "a + b", "points in all"),),
        (
            "{N|scores} {a points} in the first game and {b points} in the second.",
            "{N|scores} {a points} in one game and {b} in the next.",
            "in the first round {N|gets} {a points}, in the second {b}.",
            "{N|has} {a points} after the first game and {|gets} {b} more in the second.",
            "in two games {N|gets} {a} and {b points}.",
            "~{N's} two games end with {a} and {b points}.",
        ),
        (
            "how many points {does S} score in all?",
            "how many points is that in total?",
            "how many points {does S} have altogether?",
            "what is the total score?",
            "how many points is that together?",
            "~what are both worth together?",
        ),
        ("{N|scores} {a points} and then {b}. how many points in all?",),
        unit="points",
    ),
    Relation(
        "points_lead",
        "",
        "",
        minus("b"),
        {"x": "points of {@N}", "b": "points of {M}"},
        (step("y", "x - b", "lead"),),
        (
            "{N|scores} {x points} and {M|scores} {b points}.",
            "{N|gets} {x points}. {M|gets} {b}.",
            "{N|has} {x points}, {M} only {b}.",
            "{M|makes} {b points}, but {N|makes} {x}.",
            "~against {M's} {b points}, {N|makes} {x}.",
        ),
        (
            "how many more points {does N} have than {M}?",
            "by how many points {does N} win?",
            "how many points is {N} ahead?",
            "how many points behind is {M}?",
            "what is the difference in points?",
            "~how big is the lead?",
        ),
        ("{N|scores} {x} and {M|scores} {b}. by how many points {does N} win?",),
        unit="points",
        named=True,
        weight=0.7,
    ),
)
