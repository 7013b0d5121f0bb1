"""Equal groups: so many in each, shared out, packed, left over."""

from __future__ import annotations

from training.problems.numbers import few, over, own, times, within
from training.problems.relations.relation import Relation, step

TOTAL = (
    "how many {nouns} {does S} have in total?", "how many {nouns} {does S} have?",
    "how many {nouns} {does S} have altogether?", "how many {nouns} are there?",
    "what is the total number of {nouns}?", "find the total number of {nouns}.",
    "~how many {nouns} is that altogether?", "~count all the {nouns}. how many are there?",
)

RELATIONS = (
    Relation(
        "groups_of", "", "hold", own(a=few, b=lambda rng: rng.choice((few(rng), rng.randint(2, 40)))),
        {"a": "number of {boxs}", "b": "{nouns} in each"}, (step("y", "a * b", "{nouns} in all"),),
        (
            "{N|has} {a boxs} of {nouns} with {b nouns} in each {box}.",
            "{N|buys} {a boxs} of {nouns}. each {box} has {b nouns}.",
            "{N|has} {a boxs}. there are {b nouns} in each {box}.",
            "{N|has} {a boxs} with {b nouns} each.", "{N|buys} {a boxs} of {b nouns}.",
            "{N|fills} {a boxs} with {b nouns} each.", "each {box} holds {b nouns}. {N|has} {a boxs}.",
            "{N|gets} {a boxs}, each with {b nouns} inside.",
            "{N|puts} {b nouns} in every {box} and {|fills} {a boxs}.",
            "~there are {b nouns} per {box}, and {N|has} {a boxs}.",
            "~{N|owns} {a boxs}, every one of which holds {b nouns}.",
        ),
        TOTAL,
        (
            "{a boxs} of {b nouns}. how many {nouns}?", "{a boxs}, {b nouns} each. how many {nouns} in all?",
            "how many {nouns} are in {a boxs} if each {box} has {b}?",
            "there are {b nouns} in {an box}. how many are in {a boxs}?",
            "if one {box} holds {b nouns}, how many {nouns} do {a boxs} hold?",
            "how many {nouns} are there in {a boxs} of {b}?",
            "{an box} has {b nouns}. how many {nouns} in {a boxs}?",
            "~what do {a boxs} of {b nouns} make together?",
            "~with {b nouns} to {an box}, how many {nouns} fill {a boxs}?",
        ),
        weight=3,
    ),
    Relation(
        "share", "hold", "", over("b", 2, 12),
        {"b": "number of {friends}"}, (step("y", "x / b", "{nouns} for each"),),
        (
            "{S|shares} them equally among {b friends}.", "{S|shares} the {nouns} equally between {b friends}.",
            "{S|divides} the {nouns} equally among {b friends}.",
            "{S|gives} all of the {nouns} to {b friends}, the same number to each.",
            "{b friends} {#share} the {nouns} equally.", "the {nouns} are split evenly among {b friends}.",
            "~{S|deals} all the {nouns} out to {b friends} in equal shares.",
        ),
        (
            "how many {nouns} does each {friend} get?", "how many {nouns} will each {friend} get?",
            "how many does each {friend} receive?", "how many {nouns} are there for each {friend}?",
            "find the number of {nouns} for each {friend}.", "~what is the share of one {friend}?",
            "~how many {nouns} go to every {friend}?",
        ),
        (
            "{x nouns} are shared equally by {b friends}. how many does each get?",
            "share {x nouns} among {b friends}. how many each?",
            "if {b friends} share {x nouns} equally, how many does each {friend} get?",
            "how many {nouns} does each {friend} get if {x nouns} are divided equally among {b friends}?",
            "~split {x nouns} fairly between {b friends}. how many for each?",
        ),
        weight=2,
    ),
    Relation(
        "pack", "hold", "", over("b", 2, 20),
        {"b": "{nouns} in each {box}"}, (step("y", "x / b", "number of {boxs}"),),
        (
            "{S|packs} them in {boxs} of {b}.", "{S|puts} {b nouns} in each {box}.",
            "each {box} can hold {b nouns}.", "{S|packs} the {nouns} into {boxs} with {b nouns} in each.",
            "{b nouns} {#fit} in one {box}.", "~{S|sorts} the {nouns} into {boxs}, {b} to {an box}.",
        ),
        (
            "how many {boxs} {does S} need?", "how many {boxs} {can S} fill?", "how many {boxs} are needed?",
            "how many {boxs} are there?", "find the number of {boxs}.", "~what number of {boxs} {does he} use?",
        ),
        (
            "how many {boxs} of {b} can be made with {x nouns}?",
            "{x nouns} are packed {b} to {an box}. how many {boxs}?",
            "if {an box} holds {b nouns}, how many {boxs} are needed for {x nouns}?",
            "~into how many {boxs} of {b} do {x nouns} go?",
        ),
        unit="{boxs}", weight=1.5,
    ),
    Relation(
        "each_price", "hold", "purse", own(b=within(1, 12)),
        {"b": "price of one"}, (step("y", "x * b", "money for all"),),
        (
            "{S|sells} each {noun} for {$b}.", "{S|sells} them all for {$b} each.",
            "{S|sells} all the {nouns} at {$b} apiece.", "each {noun} is sold for {$b}.",
            "~{S|gets} {$b} for every {noun}.",
        ),
        (
            "how much money {does S} make?", "how much {does S} earn?", "how much money {does S} get?",
            "what is the total amount {S|!gets}?", "~how much {does S} take in?",
        ),
        (
            "{N|sells} {x nouns} for {$b} each. how much money {does he} make?",
            "if {N|!sells} {x nouns} at {$b} each, how much {does he} earn?",
            "~{N|sells} {x nouns}, each for {$b}. what does {he} take in?",
        ),
        unit="$", money=frozenset("by"),
    ),
)
