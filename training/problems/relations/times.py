"""Durations and their units."""

from __future__ import annotations

from training.problems.numbers import (
    few,
    minus,
    multiple,
    own,
    smaller,
    within,
)
from training.problems.relations.relation import Relation, step


def _conversion(
    name: str, units: tuple[str, str], factor: int, top: int, weight: float = 0.4
) -> tuple[Relation, ...]:
    """Into the smaller unit and back; the larger one is named first."""
    big, small = units
    return (
        Relation(
            f"{big}s_to_{small}s",
            "",
            "",
            own(a=within(2, top)),
            {"a": f"{big}s"},
            (step("y", f"a * {factor}", f"{small}s"),),
            (
                f"the {name} lasts {{a {big}s}}.",
                f"{{N's}} {name} takes {{a {big}s}}.",
                f"~{{N|needs}} {{a {big}s}} for the {name}.",
            ),
            (
                f"how many {small}s is that?",
                f"how long is that in {small}s?",
                f"~express that in {small}s.",
            ),
            (
                f"how many {small}s are in {{a {big}s}}?",
                f"how many {small}s are there in {{a {big}s}}?",
                f"convert {{a {big}s}} to {small}s.",
                f"{{a {big}s}} is how many {small}s?",
                f"~{{a {big}s}} make how many {small}s?",
            ),
            unit=f"{small}s",
            weight=weight,
        ),
        Relation(
            f"{small}s_to_{big}s",
            "",
            "",
            multiple(factor),
            {"x": f"{small}s"},
            (step("y", f"x / {factor}", f"{big}s"),),
            (
                f"the {name} lasts {{x {small}s}}.",
                f"{{N's}} {name} takes {{x {small}s}}.",
                f"~{{N|needs}} {{x {small}s}} for the {name}.",
            ),
            (
                f"how many {big}s is that?",
                f"how long is that in {big}s?",
                f"~express that in {big}s.",
            ),
            (
                f"how many {big}s are in {{x {small}s}}?",
                f"convert {{x {small}s}} to {big}s.",
                f"{{x {small}s}} is how many {big}s?",
                f"~{{x {small}s}} make how many {big}s?",
            ),
            unit=f"{big}s",
            weight=weight,
        ),
    )


RELATIONS = (
    *_conversion("movie", ("hour", "minute"), 60, 12),
    *_conversion("trip", ("week", "day"), 7, 20),
    *_conversion("project", ("year", "month"), 12, 12, 0.3),
    *_conversion("song", ("minute", "second"), 60, 10, 0.3),
    *_conversion("journey", ("day", "hour"), 24, 10, 0.3),
    Relation(
        "activity_days",
        "",
        "",
        own(a=within(2, 90), b=few),
        {"a": "minutes a day", "b": "days"},
        (step("y", "a * b", "minutes in all"),),
        (
            "{N|practices} for {a minutes} every day for {b days}.",
            "{N|reads} {a minutes} a day for {b days}.",
            "every day {N|walks} for {a minutes}. {he|does} so for {b days}.",
            "{N|spends} {a minutes} a day on homework for {b days}.",
            "~on each of {b days} {N|trains} {a minutes}.",
        ),
        (
            "how many minutes is that in all?",
            "how many minutes is that?",
            "how many minutes is that in total?",
            "find the total number of minutes.",
            "~what total of minutes is that?",
        ),
        (
            "if {N|!practices} {a minutes} a day, how many minutes is that in {b days}?",
            "~{a minutes} daily for {b days} is how many minutes?",
        ),
        unit="minutes",
    ),
    Relation(
        "hours_week",
        "",
        "",
        own(a=within(2, 10), b=within(2, 7), c=within(2, 8)),
        {"a": "hours a day", "b": "days a week", "c": "weeks"},
        (step("z", "a * b", "hours a week"), step("y", "z * c", "hours in all")),
        (
            "{N|works} {a hours} a day, {b days} a week, for {c weeks}.",
            "{N|practices} {a hours} a day on {b days} of every week. {he|does} so for {c weeks}.",
            "~{c weeks} long, {N|spends} {a hours} on each of {b days} training.",
        ),
        (
            "how many hours is that?",
            "how many hours is that in all?",
            "what is the total number of hours?",
            "~how many hours come together?",
        ),
        unit="hours",
    ),
    Relation(
        "durations",
        "",
        "",
        own(a=within(3, 90), b=within(3, 90)),
        {"a": "minutes of the first", "b": "minutes of the second"},
        (step("y", "a + b", "minutes in all"),),
        (
            "{N|spends} {a minutes} on math and {b minutes} on reading.",
            "{N|walks} for {a minutes} and {|runs} for {b minutes}.",
            "it takes {N} {a minutes} to cook and {b minutes} to clean.",
            "{N|waits} {a minutes} for the bus. the ride takes {b minutes}.",
            "~first {N|paints} for {a minutes}, after that {he|sings} for {b minutes}.",
        ),
        (
            "how many minutes is that in total?",
            "how long does it take altogether?",
            "how many minutes is that?",
            "what is the total time in minutes?",
            "~what time does it take, all in all?",
        ),
        unit="minutes",
    ),
    Relation(
        "time_left",
        "",
        "",
        minus("b"),
        {"x": "minutes in all", "b": "minutes gone"},
        (step("y", "x - b", "minutes left"),),
        (
            "a movie is {x minutes} long. {N|watches} {b minutes} of it.",
            "the test takes {x minutes}. {b minutes} have passed.",
            "{N|has} {x minutes} for lunch and {|uses} {b minutes}.",
            "~of a lesson of {x minutes}, {b} are over.",
        ),
        (
            "how many minutes are left?",
            "how much time is left?",
            "how many more minutes are there?",
            "~how long does it still last?",
        ),
        unit="minutes",
    ),
    Relation(
        "end_hour",
        "",
        "",
        own(a=within(1, 7), b=within(1, 5)),
        {"a": "start", "b": "hours"},
        (step("y", "a + b", "end"),),
        (
            "{N|starts} work at {a} o'clock and {|works} for {b hours}.",
            "{N|starts} at {a} pm and {|works} for {b hours}.",
            "a show begins at {a} pm and lasts {b hours}.",
            "a movie starts at {a} o'clock and lasts {b hours}.",
            "{N|goes} to the park at {a} o'clock and {|stays} for {b hours}.",
            "~from {a} o'clock on {N|sleeps} {b hours}.",
        ),
        (
            "at what time does it end?",
            "what time is it then?",
            "at what hour does it end?",
            "~what does the clock show at the end?",
        ),
        unit="o'clock",
        weight=0.5,
    ),
    Relation(
        "hours_and_minutes",
        "",
        "",
        own(a=within(1, 5), b=within(5, 55, 5)),
        {"a": "hours", "b": "minutes"},
        (step("z", "a * 60", "minutes in the hours"), step("y", "z + b", "minutes in all")),
        (
            "a movie is {a hours} and {b minutes} long.",
            "the trip takes {a hours} and {b minutes}.",
            "{N|works} for {a hours} and {b minutes}.",
            "~a flight of {a hours} and {b minutes} begins.",
        ),
        (
            "how many minutes is that?",
            "how many minutes is that in all?",
            "how long is that in minutes?",
            "~express it in minutes.",
        ),
        (
            "how many minutes are in {a hours} and {b minutes}?",
            "convert {a hours} and {b minutes} to minutes.",
            "~{a hours} and {b minutes} make how many minutes?",
        ),
        unit="minutes",
        weight=0.6,
    ),
    Relation(
        "from_to",
        "",
        "",
        smaller("b", "a", within(3, 11)),
        {"b": "end", "a": "start"},
        (step("y", "b - a", "hours"),),
        (
            "{N|works} from {a} pm to {b} pm.",
            "a party starts at {a} pm and ends at {b} pm.",
            "{N|sleeps} from {a} am to {b} am.",
            "a class goes from {a} o'clock to {b} o'clock.",
            "~between {a} pm and {b} pm {N|plays} outside.",
        ),
        (
            "how many hours is that?",
            "how long is that in hours?",
            "how many hours does that take?",
            "~what number of hours is that?",
        ),
        (
            "how many hours are there from {a} pm to {b} pm?",
            "~from {a} o'clock until {b} o'clock are how many hours?",
        ),
        unit="hours",
        weight=0.7,
    ),
)
