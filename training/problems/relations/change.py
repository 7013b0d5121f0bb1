"""Someone's things grow or shrink: gains, losses, and questions about the start or the change."""

from __future__ import annotations

from training.problems.numbers import minus, over, own, plus, times, within
from training.problems.relations.relation import Relation, step

NOW = (
    "how many {nouns} {does S} have now?",
    "how many {nouns} {does S} have in all?",
    "now how many {nouns} {does S} have?",
    "what is the number of {nouns} {S|!has} now?",
    "find how many {nouns} {S|!has} now.",
    "how many {nouns} {does S} have altogether?",
    "~how many {nouns} {is S} holding on to now?",
    "~what is {S's} new total of {nouns}?",
)
LEFT = (
    "how many {nouns} {does S} have left?",
    "how many {nouns} are left?",
    "how many {nouns} {does S} have now?",
    "how many {nouns} {does S} still have?",
    "how many {nouns} remain?",
    "find the number of {nouns} left.",
    "how many {nouns} will {S} have left?",
    "~how many {nouns} {is S} left with?",
    "~what number of {nouns} remains with {him}?",
)

RELATIONS = (
    Relation(
        "gain", "hold", "hold", plus("b"),
        {"b": "{nouns} added"}, (step("y", "x + b", "{nouns} now"),),
        (
            "{S|buys} {b more nouns}.", "{M|gives} {him} {b more nouns}.", "{S|finds} {b nouns}.",
            "then {S|gets} {b more nouns}.", "{S|collects} another {b nouns}.",
            "{S|receives} {b nouns} from {M}.", "{S|wins} {b nouns}.", "{S|picks up} {b more nouns}.",
            "later {S|gets} {b more} from {M}.", "{he|is given} {b more nouns}.",
            "{S|adds} {b nouns}.", "{b more nouns} {#are} given to {him}.",
            "~{S|gains} {b nouns} more.", "~{M|hands} {him} {b nouns} as a present.",
        ),
        NOW,
        (
            "{N|has} {x nouns} and {|gets} {b more}. how many {nouns} {does he} have?",
            "{N|has} {x nouns}, and {M|gives} {him} {b more}. how many in total?",
            "if {N|!has} {x nouns} and {|!buys} {b more}, how many {does he} have?",
            "{N|has} {x nouns} and {|buys} {b more}. what is the total?",
            "~starting from {x nouns}, {N|gets} {b more}. how many {nouns} is that?",
        ),
        weight=2.5,
    ),
    Relation(
        "loss", "hold", "hold", minus("b"),
        {"b": "{nouns} gone"}, (step("y", "x - b", "{nouns} left"),),
        (
            "{S|gives} {b nouns} to {M}.", "{S|gives} {M} {b nouns}.", "{S|loses} {b nouns}.",
            "{S|gives away} {b nouns}.", "{S|sells} {b nouns}.", "{S|sells} {b} of them.",
            "{M|takes} {b} of them.", "{M|takes} {b nouns} from {him}.", "{b} of the {nouns} {#get} lost.",
            "{S|uses} {b nouns}.", "{S|throws away} {b nouns}.", "then {S|gives} {b} to {M}.",
            "{S|drops} {b nouns} on the way home.", "{S|donates} {b nouns}.",
            "{b nouns} {#are} given to {M}.", "{S|trades} {b nouns} away.",
            "~{S|hands out} {b nouns}.", "~{S|parts with} {b nouns}.", "~{b} of {his} {nouns} {#go} missing.",
        ),
        LEFT,
        (
            "{N|has} {x nouns}. {he|gives} {b} away. how many are left?",
            "if {N|!has} {x nouns} and {|!gives} {b} to {M}, how many {does he} have left?",
            "{N|has} {x nouns} but {|loses} {b} of them. how many {does he} have left?",
            "{N|has} {x nouns}. how many are left after {he} {|gives} {M} {b}?",
            "~out of {x nouns}, {N|gives away} {b}. how many stay with {him}?",
        ),
        weight=2.5,
    ),
    Relation(
        "half_away", "hold", "hold", over("b", 2, 2),
        {}, (step("y", "x / 2", "{nouns} left"),),
        (
            "{S|gives} half of the {nouns} to {M}.", "{S|sells} half of them.",
            "{S|loses} half of {his} {nouns}.", "{S|gives away} half the {nouns}.",
            "half of the {nouns} {*are} sold.", "~{M|gets} half of {N's} {nouns}.",
        ),
        LEFT,
        (
            "{N|has} {x nouns} and {|gives} half of them to {M}. how many are left?",
            "if {N|!has} {x nouns} and {|!sells} half, how many {nouns} {does he} have left?",
            "what is left if {N|!gives} away half of {his} {x nouns}?",
            "~half of {N's} {x nouns} {*are} given away. how many remain?",
        ),
    ),
    Relation(
        "multiply", "hold", "hold", times("b", 2, 5),
        {"b": "times as many"}, (step("y", "x * b", "{nouns} now"),),
        (
            "by summer {S|has} {xb} as many {nouns}.",
            "after a month {S|has} {xb} as many.", "soon {S|has} {xb} as many {nouns}.",
            "a year later {S|has} {xb} as many {nouns}.",
            "~over time {he|comes} to have {xb} as many {nouns}.",
        ),
        NOW,
    ),
    Relation(
        "days", "", "hold", own(a=within(2, 30), b=within(2, 14)),
        {"a": "{nouns} each day", "b": "number of days"}, (step("y", "a * b", "{nouns} in all"),),
        (
            "{N|collects} {a nouns} every day for {b days}.", "{N|makes} {a nouns} a day for {b days}.",
            "every day {N|buys} {a nouns}. {he|does} this for {b days}.",
            "{N|gets} {a nouns} each day for {b days}.",
            "for {b days}, {N|makes} {a nouns} per day.",
            "~{b days} in a row, {N|collects} {a nouns}.",
        ),
        (
            "how many {nouns} is that in total?", "how many {nouns} {does S} have after {b days}?",
            "how many {nouns} {does S} have in all?", "what is the total number of {nouns}?",
            "~how many {nouns} does that come to?",
        ),
    ),
)
