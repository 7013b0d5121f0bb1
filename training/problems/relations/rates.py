"""Work at a steady rate: machines, pages."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import (
    Numbers,
    few,
    minus,
    over,
    own,
    within,
)
from training.problems.relations.relation import Relation, step


def _two_parts(rng: Random, _: Fraction | None) -> Numbers | None:
    whole = rng.randrange(40, 320, 10)
    return {
        "x": Fraction(whole),
        "b": Fraction(rng.randint(5, whole // 3)),
        "c": Fraction(rng.randint(5, whole // 3)),
    }


RELATIONS = (
    Relation(
        "rate_total",
        "",
        "",
        own(a=lambda rng: rng.choice((few(rng), within(5, 60)(rng))), b=few),
        {"a": "{makes} per {span}", "b": "{spans}"},
        (step("y", "a * b", "{makes} in all"),),
        (
            "a machine makes {a makes} per {span}. it runs for {b spans}.",
            "a factory makes {a makes} every {span} and works for {b spans}.",
            "{N|makes} {a makes} in one {span} and {|works} for {b spans}.",
            "every {span} a machine turns out {a makes}. it works for {b spans}.",
            "{N|makes} {a makes} each {span}, for {b spans}.",
            "{a makes} {*are} made per {span}. {b spans} go by.",
            "~{N's} output is {a makes} {an span}, {b spans} long.",
        ),
        (
            "how many {makes} is that?",
            "how many {makes} are made?",
            "how many {makes} are made in all?",
            "how many {makes} will there be?",
            "~what is the whole output of {makes}?",
        ),
        (
            "a machine makes {a makes} per {span}. how many does it make in {b spans}?",
            "if {N|!makes} {a makes} {an span}, how many {does he} make in {b spans}?",
            "how many {makes} are made in {b spans} at {a} per {span}?",
            "{N|makes} {a makes} in one {span}. how many in {b spans}?",
            "how many {makes} {can N} make in {b spans} if {he|!makes} {a} in each?",
            "~at a rate of {a makes} per {span}, what do {b spans} give?",
        ),
        unit="{makes}",
    ),
    Relation(
        "rate_time",
        "",
        "",
        over("b", 2, 12),
        {"x": "{makes} to make", "b": "{makes} per {span}"},
        (step("y", "x / b", "{spans} needed"),),
        (
            "a machine makes {b makes} per {span}. {x makes} are needed.",
            "{N|makes} {b makes} every {span}. {he|needs} {x}.",
            "{N|can} make {b makes} in one {span}. {he|needs} {x makes}.",
            "{x makes} have to be made. a machine makes {b} in one {span}.",
            "~{N|wants} {x makes} and {|makes} {b} of them {an span}.",
        ),
        (
            "how many {spans} does it take?",
            "how many {spans} are needed?",
            "how long does it take in {spans}?",
            "how long will it take in {spans}?",
            "how many {spans} must {N} work?",
            "~for how many {spans} is that work?",
        ),
        (
            "how many {spans} does it take to make {x makes} at {b} per {span}?",
            "a machine makes {b makes} per {span}. how many {spans} for {x makes}?",
            "~to make {x makes} at {b} {an span} takes how many {spans}?",
        ),
        unit="{spans}",
    ),
    Relation(
        "rate",
        "",
        "",
        over("b", 2, 12),
        {"x": "{makes} in all", "b": "{spans}"},
        (step("y", "x / b", "{makes} per {span}"),),
        (
            "a machine makes {x makes} in {b spans}.",
            "{N|makes} {x makes} in {b spans}.",
            "it takes {N} {b spans} to make {x makes}.",
            "{x makes} {*are} made in {b spans}.",
            "in {b spans}, {N|makes} {x makes}.",
            "~within {b spans} {N|turns} out {x makes}.",
        ),
        (
            "how many {makes} is that per {span}?",
            "how many are made each {span}?",
            "how many {makes} are made in one {span}?",
            "how many {makes} are made per {span}?",
            "how many are made every {span}?",
            "~what is the rate per {span}?",
        ),
        (
            "{N|makes} {x makes} in {b spans}. how many is that per {span}?",
            "if {x makes} take {b spans}, how many {makes} are made in one {span}?",
        ),
        unit="{makes}",
    ),
    Relation(
        "pages_per_day",
        "",
        "",
        over("b", 2, 25),
        {"x": "pages of the book", "b": "pages a day"},
        (step("y", "x / b", "days"),),
        (
            "a book has {x pages}. {N|reads} {b pages} a day.",
            "{N|reads} {b pages} every day. {his} book has {x pages}.",
            "{N|wants} to read a book of {x pages}. {he|reads} {b pages} each day.",
            "each day {N|reads} {b} of the {x pages} of a book.",
            "~{N|gets} through {b pages} a day of a book with {x pages}.",
        ),
        (
            "how many days does it take to finish the book?",
            "how many days will it take?",
            "in how many days is the book finished?",
            "after how many days is the book finished?",
            "how many days will {he} need?",
            "~how many days does the book last?",
        ),
        (
            "how many days does it take to read {x pages} at {b pages} a day?",
            "if {N|!reads} {b pages} a day, how many days {does he} need for {x pages}?",
            "a book has {x pages}. at {b pages} a day, how many days does it take?",
            "~{x pages} at {b} a day take how many days?",
        ),
        unit="days",
    ),
    Relation(
        "pages_left",
        "",
        "",
        minus("b"),
        {"x": "pages of the book", "b": "pages read"},
        (step("y", "x - b", "pages left"),),
        (
            "a book has {x pages}. {N|reads} {b pages}.",
            "{N|reads} {b pages} of a book with {x pages}.",
            "{N's} book has {x pages} and {he|!has} read {b}.",
            "of {x pages}, {N|reads} {b}.",
            "{N|has} a book with {x pages} and {|reads} {b} of them.",
            "{N|stops} after {b pages} of a book that has {x pages}.",
            "~{N|is} on page {b} of a book of {x pages}.",
        ),
        (
            "how many pages are left?",
            "how many pages {does S} still have to read?",
            "how many more pages are there to read?",
            "how many pages {has N} not read?",
            "how many pages remain?",
            "~how many pages lie ahead?",
        ),
        (
            "a book has {x pages}. {N|reads} {b}. how many pages are left?",
            "how many pages are left if {N|!reads} {b} of {x pages}?",
        ),
        unit="pages",
    ),
    Relation(
        "read_then_left",
        "",
        "",
        own(x=within(60, 300, 10), b=within(2, 20), c=within(2, 7)),
        {"x": "pages of the book", "b": "pages a day", "c": "days"},
        (step("z", "b * c", "pages read"), step("y", "x - z", "pages left")),
        (
            "a book has {x pages}. {N|reads} {b pages} a day for {c days}.",
            "{N|reads} {b pages} of a book each day for {c days}. the book has {x pages}.",
            "each day {N|reads} {b pages}. after {c days} {he|stops}. {his} book has {x pages}.",
            "{N's} book has {x pages}. {he|reads} {b pages} on each of {c days}.",
            "~for {c days} {N|reads} {b} of the {x pages} of a book every day.",
        ),
        (
            "how many pages are left?",
            "how many pages {does S} have left to read?",
            "how many pages remain?",
            "how many pages {has N} not read?",
            "~how many pages are yet unread?",
        ),
        unit="pages",
    ),
    Relation(
        "read_two_days",
        "",
        "",
        _two_parts,
        {"x": "pages of the book", "b": "pages on {day}", "c": "pages on {next_day}"},
        (step("z", "b + c", "pages read"), step("y", "x - z", "pages left")),
        (
            "a book has {x pages}. {N|reads} {b pages} on {day} and {c} on {next_day}.",
            "{N|reads} {b pages} of a book on {day} and {c pages} on {next_day}. the "
            "book has {x pages}.",
            "{N's} book has {x pages}. on {day} {he|reads} {b}, on {next_day} {c}.",
            "a book has {x pages}. {N|reads} {b pages} one day and {c} the next.",
            "~of a book with {x pages}, {N|reads} {b} on {day} and {c} on {next_day}.",
        ),
        (
            "how many pages are left?",
            "how many pages {does S} have left to read?",
            "how many more pages {does S} have to read?",
            "how many pages {has N} not read?",
            "~how many pages are yet unread?",
        ),
        unit="pages",
    ),
    Relation(
        "growth",
        "",
        "",
        own(a=within(2, 60), b=within(1, 9), c=within(2, 12)),
        {"a": "height at first", "b": "growth per {period}", "c": "{periods}"},
        (step("z", "b * c", "growth"), step("y", "a + z", "height then")),
        (
            "a plant is {a lens} tall. it grows {b lens} every {period}.",
            "{N|has} a tree that is {a lens} tall and grows {b lens} each {period}.",
            "{N|plants} a tree of {a lens}. every {period} it gets {b lens} taller.",
            "a plant of {a lens} grows {b lens} per {period}.",
            "~from {a lens}, a vine gains {b lens} a {period}.",
        ),
        (
            "how tall is it after {c periods}?",
            "how tall will it be in {c periods}?",
            "what is its height after {c periods}?",
            "how many {lens} tall will it be after {c periods}?",
            "how high is it after {c periods}?",
            "~what does it measure {c periods} later?",
        ),
        unit="{lens}",
        weight=0.7,
    ),
)
