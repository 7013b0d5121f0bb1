"""Things in a place: they come and go."""

from __future__ import annotations

from training.problems.numbers import (
    both,
    minus,
    over,
    own,
    percent,
    plus,
    within,
)
from training.problems.relations.relation import Relation, step

THERE = (
    "how many {nouns} are there now?",
    "how many {nouns} are {place} now?",
    "how many {nouns} are there in all?",
    "how many {nouns} are {place}?",
    "find the number of {nouns} {place} now.",
    "~what is the number of {nouns} {place} by now?",
)


REMAIN = (
    "how many {nouns} are left?",
    "how many {nouns} are {place} now?",
    "how many {nouns} remain {place}?",
    "how many {nouns} are still {place}?",
    "how many {nouns} stay?",
    "~how many {nouns} can still be seen {place}?",
)


RELATIONS = (
    Relation(
        "arrive",
        "place",
        "place",
        plus("b"),
        {"b": "{nouns} that come"},
        (step("y", "x + b", "{nouns} now"),),
        (
            "{b more nouns} {#come}.",
            "then {b more nouns} {#arrive}.",
            "{b more} {#join} them.",
            "later {b more nouns} {#come}.",
            "another {b nouns} {#arrive}.",
            "{b more nouns} {#appear}.",
            "~soon another {b nouns} {#turn} up.",
        ),
        THERE,
        (
            "there {#are x} {x nouns} {place}. {b more} {#come}. how many are there now?",
            "{x nouns} {#are} {place}. {b more} {#arrive}. how many in total?",
            "~{b nouns} {#join} the {x} already {place}. how many is that?",
        ),
        noun="animal people",
        weight=1.5,
    ),
    Relation(
        "depart",
        "place",
        "place",
        minus("b"),
        {"b": "{nouns} that leave"},
        (step("y", "x - b", "{nouns} left"),),
        (
            "{b} of them {#leave}.",
            "{b nouns} {#leave}.",
            "then {b nouns} {#go} away.",
            "{b} {#go} away.",
            "later {b} of the {nouns} {#leave}.",
            "{b nouns} {#are} taken away.",
            "~{b} of the {nouns} {#disappear}.",
        ),
        REMAIN,
        (
            "there {#are x} {x nouns} {place}. {b} {#leave}. how many are left?",
            "{x nouns} {#are} {place}. if {b} {#leave}, how many remain?",
            "~{b} of {x nouns} {place} {#leave}. what number remains?",
        ),
        noun="animal people",
        weight=1.5,
    ),
    Relation(
        "come_and_go",
        "place",
        "place",
        both(minus("b"), own(c=within(1, 25))),
        {"b": "{nouns} that leave", "c": "{nouns} that come"},
        (step("z", "x - b", "{nouns} left"), step("y", "z + c", "{nouns} now")),
        (
            "{b} {#leave} and {c} {#come}.",
            "{b} of them {#leave} and {c more nouns} {#arrive}.",
            "at the next stop {b} {#get} off and {c} {#get} on.",
            "~{b nouns} {#go}, then {c} new ones {#come}.",
        ),
        THERE,
        noun="animal people",
        weight=0.8,
    ),
    Relation(
        "fraction_leave",
        "place",
        "place",
        over("b", 2, 5),
        {"b": "parts"},
        (step("z", "x / b", "{nouns} that leave"), step("y", "x - z", "{nouns} left")),
        (
            "{1/b} of them {*leave}.",
            "then {1/b} of the {nouns} {*go} away.",
            "~{1/b} of all the {nouns} {*are} gone after an hour.",
        ),
        REMAIN,
        noun="animal people",
        weight=0.8,
    ),
    Relation(
        "percent_of_group",
        "place",
        "",
        percent("p"),
        {"p": "percent that are {color}"},
        (step("y", "p / 100 * x", "part"),),
        (
            "{p%} of them wear {color}.",
            "{p%} of the {nouns} {*have} something {color}.",
            "~among them, {p%} wear {color}.",
        ),
        (
            "how many is that?",
            "how many {nouns} is that?",
            "what number of {nouns} is that?",
            "~how many {nouns} does that make?",
        ),
        noun="people",
        weight=0.8,
    ),
    Relation(
        "put_in",
        "place",
        "place",
        plus("b"),
        {"b": "{nouns} added"},
        (step("y", "x + b", "{nouns} now"),),
        (
            "{S|puts} {b more nouns} there.",
            "{S|adds} {b more nouns}.",
            "{M|brings} {b more}.",
            "{b more nouns} {#are} added.",
            "then {S|brings} {b more nouns}.",
            "~{S|lays} another {b nouns} next to them.",
        ),
        THERE,
        (
            "there {#are x} {x nouns} {place}. {N|adds} {b more}. how many are there now?",
            "~to the {x nouns} {place}, {N|adds} {b}. how many is that?",
        ),
        noun="food thing",
    ),
    Relation(
        "take_out",
        "place",
        "place",
        minus("b"),
        {"b": "{nouns} taken"},
        (step("y", "x - b", "{nouns} left"),),
        (
            "{S|takes} {b} of them.",
            "{M|takes} {b nouns}.",
            "{b} of them {#are} taken.",
            "{b nouns} {#are} removed.",
            "{b} of the {nouns} {#are} broken and thrown away.",
            "~{S|carries} {b nouns} off.",
        ),
        REMAIN,
        (
            "there {#are x} {x nouns} {place}. {N|takes} {b}. how many are left?",
            "if {N|!takes} {b} of the {x nouns} {place}, how many are left?",
            "~{b} of {x nouns} {place} {#are} removed. how many is that then?",
        ),
        noun="food thing",
    ),
)
