"""Two things at once, in one sentence: gains and losses, groups and extras, several people."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import Numbers, amount, both, divisors, few, fixed, minus, over, own, plus, times, within
from training.problems.relations.relation import Relation, step

LEFT = (
    "how many {nouns} {does S} have left?", "how many {nouns} are left?", "how many {nouns} {does S} have now?",
    "how many {nouns} {does S} still have?", "how many are left over?", "~how many {nouns} {is S} left with?",
)
ALL = (
    "how many {nouns} {does S} have in all?", "how many {nouns} {does S} have?", "how many {nouns} are there altogether?",
    "how many {nouns} is that in total?", "what is the total number of {nouns}?", "~how many {nouns} is that altogether?",
)


def _two_losses(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(max(5, amount(rng))) if x is None else x
    if have < 5:
        return None
    first = rng.randint(1, int(have) - 2)
    return {"x": have, "b": Fraction(first), "c": Fraction(rng.randint(1, int(have) - first - 1))}


def _leftover(rng: Random, x: Fraction | None) -> Numbers | None:
    size, full = few(rng, 3, 10), few(rng, 2, 10)
    if x is None:
        return {"x": Fraction(size * full + rng.randint(1, size - 1)), "b": Fraction(size), "q": Fraction(full)}
    if x.denominator != 1 or not size < x < 150 or x % size == 0:
        return None
    return {"x": x, "b": Fraction(size), "q": Fraction(x // size)}


def _packed(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(10, 120)) if x is None else x
    size = few(rng, 2, 10)
    if have <= 2 * size or have.denominator != 1:
        return None
    return {"x": have, "b": Fraction(rng.randint(1, min(12, int((have - 1) / size)))), "c": Fraction(size)}


def _rest_shared(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(10, 90)) if x is None else x
    eaten = Fraction(rng.randint(1, max(1, int(have) // 2)))
    choices = divisors(have - eaten, 2, 10)
    return {"x": have, "b": eaten, "c": Fraction(rng.choice(choices))} if choices else None


RELATIONS = (
    Relation(
        "two_losses", "hold", "hold", _two_losses,
        {"b": "{nouns} gone first", "c": "{nouns} gone then"}, (step("z", "x - b", "{nouns} after that"), step("y", "z - c", "{nouns} left")),
        (
            "{S|gives} {b} to {M} and {|sells} {c}.", "{S|gives} {b nouns} to {M} and {c} to a friend.", "{S|loses} {b} and {|gives} away {c}.",
            "{S|uses} {b nouns} on {day} and {c} on {next_day}.", "~{b} of them {#go} to {M}, another {c} to {his} cousin.",
        ),
        LEFT, weight=1.2,
    ),
    Relation(
        "two_gains", "hold", "hold", both(plus("b"), own(c=within(1, 30))),
        {"b": "{nouns} added first", "c": "{nouns} added then"}, (step("z", "x + b", "{nouns} after that"), step("y", "z + c", "{nouns} now")),
        (
            "{S|buys} {b more} and {|finds} {c more}.", "{M|gives} {him} {b nouns} and {his} friend gives {him} {c more}.",
            "{S|gets} {b nouns} on {day} and {c more} on {next_day}.", "~{b nouns} {#come} from {M}, {c} from someone else.",
        ),
        ALL,
    ),
    Relation(
        "gain_and_loss", "hold", "hold", both(plus("b"), own(c=within(1, 12))),
        {"b": "{nouns} added", "c": "{nouns} gone"}, (step("z", "x + b", "{nouns} after that"), step("y", "z - c", "{nouns} now")),
        (
            "{S|buys} {b more} and then {|gives} {c} away.", "{S|gets} {b more nouns} but {|loses} {c}.",
            "{S|finds} {b nouns} and {|gives} {c} of {his} {nouns} to {M}.", "~{b} {#come} in and {c} {#go} out.",
        ),
        LEFT, weight=1.2,
    ),
    Relation(
        "groups_and_extra", "", "hold", own(a=few, b=few, c=within(1, 20)),
        {"a": "number of {boxs}", "b": "{nouns} in each", "c": "extra {nouns}"}, (step("z", "a * b", "{nouns} in the {boxs}"), step("y", "z + c", "{nouns} in all")),
        (
            "{N|has} {a boxs} of {b nouns} and {c more nouns}.", "{N|has} {a boxs} with {b nouns} each and {c} loose {nouns}.",
            "{N|buys} {a boxs} of {b nouns}. {he} already {|has} {c nouns}.", "~besides {c} single {nouns}, {N|has} {a boxs} of {b}.",
        ),
        ALL,
    ),
    Relation(
        "two_group_kinds", "", "hold", own(a=few, b=few, c=few, d=few),
        {"a": "number of {boxs}", "b": "{nouns} in a {box}", "c": "number of baskets", "d": "{nouns} in a basket"},
        (step("v", "a * b", "{nouns} in the {boxs}"), step("w", "c * d", "{nouns} in the baskets"), step("y", "v + w", "{nouns} in all")),
        (
            "{N|has} {a} small boxes with {b nouns} each and {c} large boxes with {d nouns} each.",
            "{N|buys} {a} packs of {b nouns} and {c} bags of {d nouns}.", "~there are {b nouns} in each of {a} jars and {d nouns} in each of {c} tins, all {N's}.",
        ),
        ALL, weight=0.8,
    ),
    Relation(
        "each_has", "", "", own(a=few, b=few),
        {"a": "number of {friends}", "b": "{nouns} of each"}, (step("y", "a * b", "{nouns} in all"),),
        (
            "{a friends} each have {b nouns}.", "there are {a friends}. each has {b nouns}.", "each of {a friends} has {b nouns}.",
            "{a friends} have {b nouns} each.", "~every one of {a friends} owns {b nouns}.",
        ),
        ("how many {nouns} are there in all?", "how many {nouns} do they have in total?", "how many {nouns} do they have altogether?", "how many {nouns} are there?", "~what is the sum of their {nouns}?"),
        (
            "if {a friends} have {b nouns} each, how many {nouns} do they have in total?", "how many {nouns} do {a friends} have if each has {b}?",
            "~{b nouns} for each of {a friends} is how many?",
        ),
        weight=1.5,
    ),
    Relation(
        "give_each", "", "", own(a=few, b=few),
        {"a": "number of {friends}", "b": "{nouns} for each"}, (step("y", "a * b", "{nouns} needed"),),
        (
            "{N|gives} {b nouns} to each of {a friends}.", "{N|wants} to give {b nouns} to each of {a friends}.", "{a friends} get {b nouns} each from {@N}.",
            "there are {a friends} and {N|gives} {b nouns} to each.", "~each of {a friends} receives {b nouns} from {@N}.",
        ),
        ("how many {nouns} {does S} need?", "how many {nouns} is that in all?", "how many {nouns} {does S} give in all?", "how many {nouns} are needed?", "~how many {nouns} are handed over?"),
        (
            "how many {nouns} {does N} need to give {b} to each of {a friends}?", "{a friends}, {b nouns} each. how many {nouns}?",
            "~to give {a friends} {b nouns} each takes how many?",
        ),
        weight=1.2,
    ),
    Relation(
        "given_from", "hold", "hold", _packed,
        {"b": "number of {friends}", "c": "{nouns} for each"}, (step("z", "b * c", "{nouns} given away"), step("y", "x - z", "{nouns} left")),
        (
            "{S|gives} {c nouns} to each of {b friends}.", "{b friends} get {c nouns} each from {him}.", "{S|gives} {b friends} {c nouns} each.",
            "~to each of {b friends} {he|hands} {c nouns}.",
        ),
        LEFT, weight=1.2,
    ),
    Relation(
        "boxes_filled", "hold", "", _packed,
        {"b": "{boxs} filled", "c": "{nouns} in each"}, (step("z", "b * c", "{nouns} packed"), step("y", "x - z", "{nouns} left over")),
        (
            "{S|fills} {b boxs} with {c nouns} each.", "{S|puts} {c nouns} in each of {b boxs}.", "{S|packs} {b boxs} of {c}.",
            "~{b boxs} take {c nouns} each.",
        ),
        ("how many {nouns} are left over?", "how many {nouns} are left?", "how many {nouns} are not in a {box}?", "how many remain?", "~how many {nouns} stay outside?"),
    ),
    Relation(
        "remainder", "hold", "", _leftover,
        {"b": "{nouns} in each {box}"}, (step("z", "b * q", "{nouns} in full {boxs}"), step("y", "x - z", "{nouns} left over")),
        (
            "{S|puts} {b nouns} in each {box} until no more {box} can be filled.", "{S|packs} as many full {boxs} of {b} as {he} can.",
            "{S|fills} as many {boxs} as possible with {b nouns} each.", "~full {boxs} take {b nouns}, and {he|fills} what {he} can.",
        ),
        ("how many {nouns} are left over?", "how many {nouns} are left?", "how many {nouns} remain?", "~how many {nouns} don't fit in?"),
        (
            "what is the remainder when {x} is divided by {b}?", "{x nouns} are packed in {boxs} of {b}. how many are left over?",
            "~how many of {x nouns} remain after filling {boxs} of {b}?",
        ),
        weight=0.8,
    ),
    Relation(
        "into_boxes", "hold", "", over("b", 2, 12),
        {"b": "number of {boxs}"}, (step("y", "x / b", "{nouns} in each {box}"),),
        (
            "{S|puts} them equally into {b boxs}.", "{S|divides} them equally into {b boxs}.", "{S|puts} the same number of {nouns} in each of {b boxs}.",
            "the {nouns} are packed equally in {b boxs}.", "~{S|spreads} them evenly over {b boxs}.",
        ),
        ("how many {nouns} are in each {box}?", "how many {nouns} {does S} put in each {box}?", "how many are in each {box}?", "how many {nouns} are in one {box}?", "~what does one {box} hold?"),
        (
            "{x nouns} are divided equally into {b boxs}. how many are in each {box}?", "if {x nouns} are put equally in {b boxs}, how many go in each {box}?",
            "~{b boxs} hold {x nouns} in equal parts. how many in one?",
        ),
        weight=1.5,
    ),
    Relation(
        "rest_shared", "hold", "", _rest_shared,
        {"b": "{nouns} kept", "c": "number of {friends}"}, (step("z", "x - b", "{nouns} to share"), step("y", "z / c", "{nouns} for each")),
        (
            "{S|keeps} {b} and {|shares} the rest equally among {c friends}.", "{S|eats} {b} and {|gives} the rest to {c friends}, the same number to each.",
            "{S|sets} aside {b nouns}. the others are shared equally by {c friends}.", "~except for {b}, all are dealt out evenly to {c friends}.",
        ),
        ("how many {nouns} does each {friend} get?", "how many does each {friend} get?", "how many {nouns} will each {friend} receive?", "~what is the share of one {friend}?"),
        noun="food",
    ),
    Relation(
        "slices", "", "", own(a=few, b=lambda rng: rng.choice((4, 6, 8, 8, 10, 12)), c=within(1, 7)),
        {"a": "number of pizzas", "b": "slices of each", "c": "slices eaten"}, (step("z", "a * b", "slices in all"), step("y", "z - c", "slices left")),
        (
            "{N|orders} {a pizzas} with {b slices} each. {c slices} {#are} eaten.", "there are {a pizzas}, each cut into {b slices}. {N|eats} {c slices}.",
            "{N|cuts} {a pizzas} into {b slices} each and {|eats} {c}.", "~of {a pizzas} with {b slices} each, {c slices} get eaten.",
        ),
        ("how many slices are left?", "how many slices remain?", "how many slices of pizza are left?", "~how many slices stay on the plates?"),
        unit="slices", weight=0.7,
    ),
    Relation(
        "one_pizza", "", "", lambda rng, x: {"x": Fraction(total := rng.choice((6, 8, 8, 10, 12, 16))), "b": Fraction(rng.randint(1, total - 1))},  # noqa: ARG005
        {"x": "slices in all", "b": "slices eaten"}, (step("y", "x - b", "slices left"),),
        (
            "a {pie} is cut into {x slices}. {N|eats} {b}.", "a {pie} has {x slices}. {b} of them {#are} eaten.", "{N|cuts} a {pie} into {x slices} and {|eats} {b} of them.",
            "~of the {x slices} of a {pie}, {N|takes} {b}.",
        ),
        ("how many slices are left?", "how many slices remain?", "how many are left?", "~how many slices are still there?"),
        unit="slices", weight=0.7,
    ),
    Relation(
        "three_people", "hold", "", own(b=within(1, 40), c=within(1, 40)),
        {"b": "{nouns} of {M}", "c": "{nouns} of the third"}, (step("y", "x + b + c", "{nouns} of all three"),),
        ("{M|has} {b} and {his} friend has {c}.", "{M|has} {b nouns} and {his} cousin has {c nouns}.", "~{M} holds {b} of them and a third child {c}."),
        ("how many {nouns} do the three of them have?", "how many {nouns} do they have altogether?", "how many {nouns} do they have in total?", "~what do all three have?"),
    ),
    Relation(
        "next_day_times", "", "hold", both(fixed(), own(b=within(2, 4))),
        {"x": "{nouns} on {day}", "b": "times as many"}, (step("z", "x * b", "{nouns} on {next_day}"), step("y", "x + z", "{nouns} in all")),
        (
            "{N|sells} {x nouns} on {day} and {xb} as many on {next_day}.", "on {day} {N|makes} {x nouns}. on {next_day} {he|makes} {xb} as many.",
            "{N|collects} {x nouns} on {day}. the next day {he|collects} {xb} as many.", "~{day} brings {N} {x nouns} and {next_day} {xb} that.",
        ),
        ("how many {nouns} is that in total?", "how many {nouns} is that altogether?", "how many {nouns} is that in all?", "~what do both days make?"),
    ),
    Relation(
        "next_day_half", "", "hold", over("b", 2, 2),
        {"x": "{nouns} on {day}"}, (step("z", "x / 2", "{nouns} on {next_day}"), step("y", "x + z", "{nouns} in all")),
        (
            "{N|sells} {x nouns} on {day} and half as many on {next_day}.", "on {day} {N|makes} {x nouns}. on {next_day} {he|makes} half as many.",
            "~{day} brings {N} {x nouns} and {next_day} half of that.",
        ),
        ("how many {nouns} is that in total?", "how many {nouns} is that altogether?", "how many {nouns} is that in all?", "~what do both days make?"),
        weight=0.8,
    ),
    Relation(
        "next_day_more", "", "hold", plus("b"),
        {"x": "{nouns} on {day}", "b": "how many more"}, (step("z", "x + b", "{nouns} on {next_day}"), step("y", "x + z", "{nouns} in all")),
        (
            "{N|sells} {x nouns} on {day} and {b} more on {next_day} than on {day}.", "on {day} {N|makes} {x nouns}. on {next_day} {he|makes} {b} more than on {day}.",
            "~{day} brings {N} {x nouns}, and {next_day} beats {day} by {b}.",
        ),
        ("how many {nouns} is that in total?", "how many {nouns} is that altogether?", "how many {nouns} is that in all?", "~what do both days make?"),
        weight=0.8,
    ),
    Relation(
        "temperature", "", "", both(plus("b"), own()),
        {"x": "temperature before", "b": "rise"}, (step("y", "x + b", "temperature after"),),
        ("the temperature is {x degrees}. it rises by {b degrees}.", "it is {x degrees} in the morning and gets {b degrees} warmer.", "~a thermometer shows {x degrees} and climbs by {b}."),
        ("what is the temperature now?", "how many degrees is it now?", "what is the temperature then?", "~what does it show in the end?"),
        unit="degrees", weight=0.4, top=70,
    ),
    Relation(
        "temperature_drop", "", "", minus("b"),
        {"x": "temperature before", "b": "drop"}, (step("y", "x - b", "temperature after"),),
        ("the temperature is {x degrees}. it drops by {b degrees}.", "it is {x degrees} at noon and gets {b degrees} colder by night.", "~a thermometer shows {x degrees} and sinks by {b}."),
        ("what is the temperature now?", "how many degrees is it now?", "what is the temperature then?", "~what does it show in the end?"),
        unit="degrees", weight=0.4, top=100,
    ),
    Relation(
        "repeat_times", "", "hold", times("b", 2, 7),
        {"x": "{nouns} the first time", "b": "number of times"}, (step("y", "x * b", "{nouns} in all"),),
        ("{N|picks} {x nouns} {b times}.", "{N|goes} to the {shop} {b times} and {|buys} {x nouns} each time.", "~{b times} {N|brings} home {x nouns}."),
        ALL,
    ),
)
