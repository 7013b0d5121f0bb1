"""Things in a place: they come and go, are counted by kind, stand in rows."""

from __future__ import annotations

from training.problems.numbers import amount, both, few, minus, over, own, percent, plus, times, within
from training.problems.relations.relation import Relation, step

THERE = (
    "how many {nouns} are there now?", "how many {nouns} are {place} now?", "how many {nouns} are there in all?",
    "how many {nouns} are {place}?", "find the number of {nouns} {place} now.",
    "~what is the number of {nouns} {place} by now?",
)
REMAIN = (
    "how many {nouns} are left?", "how many {nouns} are {place} now?", "how many {nouns} remain {place}?",
    "how many {nouns} are still {place}?", "how many {nouns} stay?", "~how many {nouns} can still be seen {place}?",
)

RELATIONS = (
    Relation(
        "put_in", "place", "place", plus("b"),
        {"b": "{nouns} added"}, (step("y", "x + b", "{nouns} now"),),
        (
            "{S|puts} {b more nouns} there.", "{S|adds} {b more nouns}.", "{M|brings} {b more}.", "{b more nouns} {#are} added.",
            "then {S|brings} {b more nouns}.", "~{S|lays} another {b nouns} next to them.",
        ),
        THERE,
        (
            "there {#are x} {x nouns} {place}. {N|adds} {b more}. how many are there now?",
            "~to the {x nouns} {place}, {N|adds} {b}. how many is that?",
        ),
        noun="food thing",
    ),
    Relation(
        "take_out", "place", "place", minus("b"),
        {"b": "{nouns} taken"}, (step("y", "x - b", "{nouns} left"),),
        (
            "{S|takes} {b} of them.", "{M|takes} {b nouns}.", "{b} of them {#are} taken.", "{b nouns} {#are} removed.",
            "{b} of the {nouns} {#are} broken and thrown away.", "~{S|carries} {b nouns} off.",
        ),
        REMAIN,
        (
            "there {#are x} {x nouns} {place}. {N|takes} {b}. how many are left?",
            "if {N|!takes} {b} of the {x nouns} {place}, how many are left?",
            "~{b} of {x nouns} {place} {#are} removed. how many is that then?",
        ),
        noun="food thing",
    ),
    Relation(
        "eat", "hold", "hold", minus("b"),
        {"b": "{nouns} eaten"}, (step("y", "x - b", "{nouns} left"),),
        (
            "{S|eats} {b nouns}.", "{S|eats} {b} of them.", "{M|eats} {b} of the {nouns}.", "{b} of them {#are} eaten.",
            "{S|eats} {b nouns} for breakfast.", "~{S|has} {b} of the {nouns} for lunch.",
        ),
        (
            "how many {nouns} are left?", "how many {nouns} {does S} have left?", "how many {nouns} are not eaten?",
            "how many {nouns} remain?", "~how many {nouns} are still uneaten?",
        ),
        (
            "{N|has} {x nouns} and {|eats} {b}. how many are left?", "if {N|!eats} {b} of {x nouns}, how many are left?",
            "{N|has} {x nouns}. {he|eats} {b} of them. how many {does he} have now?",
            "~{x nouns}, {b} of them eaten by {N}: how many are left?",
        ),
        noun="food", weight=1.5,
    ),
    Relation(
        "arrive", "place", "place", plus("b"),
        {"b": "{nouns} that come"}, (step("y", "x + b", "{nouns} now"),),
        (
            "{b more nouns} {#come}.", "then {b more nouns} {#arrive}.", "{b more} {#join} them.",
            "later {b more nouns} {#come}.", "another {b nouns} {#arrive}.", "{b more nouns} {#appear}.",
            "~soon another {b nouns} {#turn} up.",
        ),
        THERE,
        (
            "there {#are x} {x nouns} {place}. {b more} {#come}. how many are there now?",
            "{x nouns} {#are} {place}. {b more} {#arrive}. how many in total?",
            "~{b nouns} {#join} the {x} already {place}. how many is that?",
        ),
        noun="animal people", weight=1.5,
    ),
    Relation(
        "depart", "place", "place", minus("b"),
        {"b": "{nouns} that leave"}, (step("y", "x - b", "{nouns} left"),),
        (
            "{b} of them {#leave}.", "{b nouns} {#leave}.", "then {b nouns} {#go} away.", "{b} {#go} away.",
            "later {b} of the {nouns} {#leave}.", "{b nouns} {#are} taken away.", "~{b} of the {nouns} {#disappear}.",
        ),
        REMAIN,
        (
            "there {#are x} {x nouns} {place}. {b} {#leave}. how many are left?",
            "{x nouns} {#are} {place}. if {b} {#leave}, how many remain?",
            "~{b} of {x nouns} {place} {#leave}. what number remains?",
        ),
        noun="animal people", weight=1.5,
    ),
    Relation(
        "come_and_go", "place", "place", both(minus("b"), own(c=within(1, 25))),
        {"b": "{nouns} that leave", "c": "{nouns} that come"},
        (step("z", "x - b", "{nouns} left"), step("y", "z + c", "{nouns} now")),
        (
            "{b} {#leave} and {c} {#come}.", "{b} of them {#leave} and {c more nouns} {#arrive}.",
            "at the next stop {b} {#get} off and {c} {#get} on.", "~{b nouns} {#go}, then {c} new ones {#come}.",
        ),
        THERE, noun="animal people", weight=0.8,
    ),
    Relation(
        "fraction_leave", "place", "place", over("b", 2, 5),
        {"b": "parts"}, (step("z", "x / b", "{nouns} that leave"), step("y", "x - z", "{nouns} left")),
        ("{1/b} of them {*leave}.", "then {1/b} of the {nouns} {*go} away.", "~{1/b} of all the {nouns} {*are} gone after an hour."),
        REMAIN, noun="animal people", weight=0.8,
    ),
    Relation(
        "percent_of_group", "place", "", percent("p"),
        {"p": "percent that are {color}"}, (step("y", "p / 100 * x", "part"),),
        ("{p%} of them wear {color}.", "{p%} of the {nouns} {*have} something {color}.", "~among them, {p%} wear {color}."),
        ("how many is that?", "how many {nouns} is that?", "what number of {nouns} is that?", "~how many {nouns} does that make?"),
        noun="people", weight=0.8,
    ),
    Relation(
        "boys_girls", "", "place", own(a=within(2, 40), b=within(2, 40)),
        {"a": "boys", "b": "girls"}, (step("y", "a + b", "{nouns} in all"),),
        (
            "there {#are a} {a boys} and {b girls} {place}.", "a class has {a boys} and {b girls}.",
            "{a boys} and {b girls} {*are} {place}.", "~a group consists of {a boys} and {b girls}.",
        ),
        ("how many children are there?", "how many children are there in all?", "what is the total number of children?", "~how many is that, boys and girls together?"),
        (
            "a class has {a boys} and {b girls}. how many students are in the class?",
            "~how big is a class of {a boys} and {b girls}?",
        ),
        unit="children", noun="child", weight=0.8,
    ),
    Relation(
        "rest_of_group", "place", "", minus("b"),
        {"b": "{nouns} of the first kind"}, (step("y", "x - b", "the rest"),),
        ("{b} of them {#are} {color}.", "{b} {#are} {color} and the rest are {color2}.", "{b} of the {nouns} {#are} {color}. the others are {color2}.", "~all are {color2} except {b}, which are {color}."),
        ("how many {nouns} are not {color}?", "how many are not {color}?", "find how many {nouns} are not {color}.", "~how many of them have another color than {color}?"),
        (
            "there {#are x} {x nouns} {place}. {b} {#are} {color} and the rest are {color2}. how many are {color2}?",
            "{x nouns} {#are} {place}. {b} {#are} {color}. how many are not {color}?",
            "~out of {x nouns}, {b} {#are} {color} and the others {color2}. how many {color2} {nouns} are there?",
        ),
        noun="thing",
    ),
    Relation(
        "colors", "", "hold", own(a=amount, b=amount),
        {"a": "{color} {nouns}", "b": "{color2} {nouns}"}, (step("y", "a + b", "{nouns} in all"),),
        (
            "{N|has} {a} {color} {nouns} and {b} {color2} {nouns}.", "{N|has} {a} {color} and {b} {color2} {nouns}.",
            "in {N's} {box} there {#are a} {a} {color} {nouns} and {b} {color2} ones.",
            "{N|buys} {a} {color} {nouns} and {b} {color2} ones.", "~{N's} {nouns}: {a} {color}, {b} {color2}.",
        ),
        (
            "how many {nouns} {does S} have?", "how many {nouns} are there in all?", "how many {nouns} {does S} have altogether?",
            "what is the total number of {nouns}?", "~how many {nouns} is that, both colors together?",
        ),
        (
            "{an box} has {a} {color} {nouns} and {b} {color2} {nouns}. how many {nouns} are in the {box}?",
            "there are {a} {color} {nouns} and {b} {color2} {nouns}. how many in all?",
            "~{a} {color} and {b} {color2} {nouns} lie in {an box}. how many is that?",
        ),
        noun="thing", weight=1.5,
    ),
    Relation(
        "two_kinds", "", "", own(a=amount, b=amount),
        {"a": "{nouns}", "b": "{others}"}, (step("y", "a + b", "things in all"),),
        (
            "{N|has} {a nouns} and {b others}.", "{N|buys} {a nouns} and {b others}.", "{N|picks} {a nouns} and {b others}.",
            "there {#are a} {a nouns} and {b others} in {an box}.", "{N|has} {a nouns}. {he} also {|has} {b others}.",
            "~in the {box} of {N} lie {a nouns} next to {b others}.",
        ),
        (
            "how many pieces of fruit is that?", "how many fruits are there in all?", "how many fruits {does N} have?",
            "what is the total number of fruits?", "~how many fruits does that make?",
        ),
        (
            "{a nouns} and {b others}. how many fruits in all?", "how many fruits are {a nouns} and {b others} together?",
            "~count {a nouns} with {b others}. how many fruits?",
        ),
        unit="fruits", noun="fruit", weight=1.2,
    ),
    Relation(
        "three_kinds", "", "hold", own(a=amount, b=within(1, 30), c=within(1, 30)),
        {"a": "{nouns} on {day}", "b": "{nouns} on {next_day}", "c": "{nouns} on the third day"},
        (step("y", "a + b + c", "{nouns} in all"),),
        (
            "{N|collects} {a nouns} on {day}, {b} on {next_day} and {c} the day after.",
            "on {day} {N|gets} {a nouns}, on {next_day} {b}, and on the third day {c}.",
            "~{day}: {a nouns}. {next_day}: {b}. next day: {c}. so {N|goes} on collecting.",
        ),
        ("how many {nouns} {does S} have in all?", "how many {nouns} is that in total?", "find the total.", "~what do the three days add up to?"),
    ),
    Relation(
        "two_days", "", "hold", own(a=amount, b=amount),
        {"a": "{nouns} on {day}", "b": "{nouns} on {next_day}"}, (step("y", "a + b", "{nouns} in all"),),
        (
            "{N|collects} {a nouns} on {day} and {b} on {next_day}.", "on {day} {N|sells} {a nouns}. on {next_day} {he|sells} {b}.",
            "{N|makes} {a nouns} on {day} and {b more} on {next_day}.", "{N|picks} {a nouns} in the morning and {b nouns} in the afternoon.",
            "{a nouns} on {day} and {b nouns} on {next_day}: that is what {N|finds}.",
            "~{N|counts} {a nouns} on {day} and another {b} on {next_day}.",
        ),
        ("how many {nouns} is that altogether?", "how many {nouns} is that in total?", "how many in all?", "what is the total for both days?", "~what do the two numbers of {nouns} come to?"),
    ),
    Relation(
        "rows", "", "hold", own(a=few, b=few),
        {"a": "number of {rows}", "b": "{nouns} in each {row}"}, (step("y", "a * b", "{nouns} in all"),),
        (
            "{N|arranges} {his} {nouns} in {a rows} of {b}.", "{N|puts} {nouns} in {a rows} with {b nouns} in each {row}.",
            "{N|has} {a rows} of {nouns}. there are {b nouns} in each {row}.",
            "~{N|sets} out {nouns}, {b} to {an row}, in {a rows}.",
        ),
        (
            "how many {nouns} are there?", "how many {nouns} are there in all?", "how many {nouns} {does S} have?", "what is the total number of {nouns}?",
            "~how many {nouns} fill the {rows}?",
        ),
        (
            "there are {a rows} of {nouns} with {b nouns} in each {row}. how many {nouns} are there?",
            "{a rows} with {b nouns} in each. how many {nouns}?", "~how many {nouns} stand in {a rows} of {b}?",
        ),
    ),
    Relation(
        "teams", "place", "", over("b", 2, 12),
        {"b": "{nouns} per {group}"}, (step("y", "x / b", "number of {groups}"),),
        (
            "they form {groups} of {b}.", "they are put in {groups} of {b}.", "each {group} has {b nouns}.",
            "the {nouns} are divided into {groups} with {b} in each.", "~they split up, {b} to {an group}.",
        ),
        ("how many {groups} are there?", "how many {groups} is that?", "how many {groups} are needed?", "find the number of {groups}.", "~how many {groups} come about?"),
        (
            "{x nouns} form {groups} of {b}. how many {groups} are there?", "how many {groups} of {b} can {x nouns} make?",
            "~{x nouns}, {b} to {an group}: how many {groups}?",
        ),
        unit="{groups}", noun="people",
    ),
    Relation(
        "per_team", "place", "", over("b", 2, 12),
        {"b": "number of {groups}"}, (step("y", "x / b", "{nouns} in each {group}"),),
        (
            "they are divided equally into {b groups}.", "they split into {b} equal {groups}.", "the {nouns} form {b} equal {groups}.",
            "~they make up {b groups} of the same size.",
        ),
        ("how many {nouns} are in each {group}?", "how many are in each {group}?", "how many {nouns} does each {group} have?", "~what is the size of one {group}?"),
        (
            "{x nouns} are split into {b} equal {groups}. how many are in each {group}?",
            "~{b} equal {groups} hold {x nouns} in all. how many in one?",
        ),
        noun="people",
    ),
    Relation(
        "legs", "", "", own(a=lambda rng: rng.choice((few(rng), within(2, 40)(rng)))),
        {"a": "number of dogs"}, (step("y", "a * 4", "legs in all"),),
        ("there are {a dogs} {place}.", "{N|has} {a dogs}.", "{N|sees} {a dogs}.", "~{a dogs} run by."),
        ("how many legs do they have in all?", "how many legs do the dogs have?", "how many legs is that?", "~how many legs run about?"),
        ("how many legs do {a dogs} have?", "a dog has 4 legs. how many legs do {a dogs} have?", "~count the legs of {a dogs}."),
        unit="legs", weight=0.3,
    ),
    Relation(
        "wheels", "", "", own(a=few, b=few),
        {"a": "number of cars", "b": "number of bicycles"},
        (step("v", "a * 4", "wheels of the cars"), step("w", "b * 2", "wheels of the bicycles"), step("y", "v + w", "wheels in all")),
        ("there are {a cars} and {b bicycles} in a garage.", "{N|sees} {a cars} and {b bicycles}.", "~{a cars} stand beside {b bicycles}."),
        ("how many wheels are there?", "how many wheels do they have in all?", "how many wheels is that in total?", "~count the wheels."),
        unit="wheels", weight=0.3,
    ),
    Relation(
        "dozens", "", "hold", own(a=few),
        {"a": "dozens"}, (step("y", "a * 12", "{nouns} in all"),),
        ("{N|buys} {a} dozen {nouns}.", "{N|has} {a} dozen {nouns}.", "{N|bakes} {a} dozen {nouns}.", "~{a} dozen {nouns} {*are} given to {N}."),
        ("how many {nouns} {does S} have?", "how many {nouns} is that?", "how many {nouns} are there?", "~what number of {nouns} is that?"),
        ("how many {nouns} are in {a} dozen?", "{a} dozen {nouns} is how many {nouns}?", "~express {a} dozen {nouns} as a number."),
        noun="food", weight=0.7,
    ),
)
