"""Time, rates and speed."""

from __future__ import annotations

from training.problems.numbers import few, minus, multiple, over, own, within
from training.problems.relations.relation import Relation, step


def _conversion(name: str, big: str, small: str, factor: int, top: int, weight: float = 0.4) -> tuple[Relation, ...]:
    """Into the smaller unit and back."""
    return (
        Relation(
            f"{big}s_to_{small}s", "", "", own(a=within(2, top)),
            {"a": f"{big}s"}, (step("y", f"a * {factor}", f"{small}s"),),
            (f"the {name} lasts {{a {big}s}}.", f"{{N's}} {name} takes {{a {big}s}}.", f"~{{N|needs}} {{a {big}s}} for the {name}."),
            (f"how many {small}s is that?", f"how long is that in {small}s?", f"~express that in {small}s."),
            (
                f"how many {small}s are in {{a {big}s}}?", f"how many {small}s are there in {{a {big}s}}?",
                f"convert {{a {big}s}} to {small}s.", f"{{a {big}s}} is how many {small}s?", f"~{{a {big}s}} make how many {small}s?",
            ),
            unit=f"{small}s", weight=weight,
        ),
        Relation(
            f"{small}s_to_{big}s", "", "", multiple(factor),
            {"x": f"{small}s"}, (step("y", f"x / {factor}", f"{big}s"),),
            (f"the {name} lasts {{x {small}s}}.", f"{{N's}} {name} takes {{x {small}s}}.", f"~{{N|needs}} {{x {small}s}} for the {name}."),
            (f"how many {big}s is that?", f"how long is that in {big}s?", f"~express that in {big}s."),
            (
                f"how many {big}s are in {{x {small}s}}?", f"convert {{x {small}s}} to {big}s.", f"{{x {small}s}} is how many {big}s?",
                f"~{{x {small}s}} make how many {big}s?",
            ),
            unit=f"{big}s", weight=weight,
        ),
    )


RELATIONS = (
    *_conversion("movie", "hour", "minute", 60, 12),
    *_conversion("trip", "week", "day", 7, 20),
    *_conversion("project", "year", "month", 12, 12, 0.3),
    *_conversion("song", "minute", "second", 60, 10, 0.3),
    *_conversion("journey", "day", "hour", 24, 10, 0.3),
    Relation(
        "activity_days", "", "", own(a=within(2, 90), b=few),
        {"a": "minutes a day", "b": "days"}, (step("y", "a * b", "minutes in all"),),
        (
            "{N|practices} for {a minutes} every day for {b days}.",
            "{N|reads} {a minutes} a day for {b days}.", "every day {N|walks} for {a minutes}. {he|does} so for {b days}.",
            "{N|spends} {a minutes} a day on homework for {b days}.", "~on each of {b days} {N|trains} {a minutes}.",
        ),
        ("how many minutes is that in all?", "how many minutes is that?", "how many minutes is that in total?", "find the total number of minutes.", "~what total of minutes is that?"),
        ("if {N|!practices} {a minutes} a day, how many minutes is that in {b days}?", "~{a minutes} daily for {b days} is how many minutes?"),
        unit="minutes",
    ),
    Relation(
        "hours_week", "", "", own(a=within(2, 10), b=within(2, 7), c=within(2, 8)),
        {"a": "hours a day", "b": "days a week", "c": "weeks"},
        (step("z", "a * b", "hours a week"), step("y", "z * c", "hours in all")),
        (
            "{N|works} {a hours} a day, {b days} a week, for {c weeks}.", "{N|practices} {a hours} a day on {b days} of every week. {he|does} so for {c weeks}.",
            "~{c weeks} long, {N|spends} {a hours} on each of {b days} training.",
        ),
        ("how many hours is that?", "how many hours is that in all?", "what is the total number of hours?", "~how many hours come together?"),
        unit="hours",
    ),
    Relation(
        "durations", "", "", own(a=within(3, 90), b=within(3, 90)),
        {"a": "minutes of the first", "b": "minutes of the second"}, (step("y", "a + b", "minutes in all"),),
        (
            "{N|spends} {a minutes} on math and {b minutes} on reading.", "{N|walks} for {a minutes} and {|runs} for {b minutes}.",
            "it takes {N} {a minutes} to cook and {b minutes} to clean.", "{N|waits} {a minutes} for the bus. the ride takes {b minutes}.",
            "~first {N|paints} for {a minutes}, after that {he|sings} for {b minutes}.",
        ),
        ("how many minutes is that in total?", "how long does it take altogether?", "how many minutes is that?", "what is the total time in minutes?", "~what time does it take, all in all?"),
        unit="minutes",
    ),
    Relation(
        "time_left", "", "", minus("b"),
        {"x": "minutes in all", "b": "minutes gone"}, (step("y", "x - b", "minutes left"),),
        (
            "a movie is {x minutes} long. {N|watches} {b minutes} of it.", "the test takes {x minutes}. {b minutes} have passed.",
            "{N|has} {x minutes} for lunch and {|uses} {b minutes}.", "~of a lesson of {x minutes}, {b} are over.",
        ),
        ("how many minutes are left?", "how much time is left?", "how many more minutes are there?", "~how long does it still last?"),
        unit="minutes",
    ),
    Relation(
        "end_hour", "", "", own(a=within(1, 7), b=within(1, 5)),
        {"a": "start", "b": "hours"}, (step("y", "a + b", "end"),),
        (
            "{N|starts} work at {a} o'clock and {|works} for {b hours}.", "a movie starts at {a} o'clock and lasts {b hours}.",
            "{N|goes} to the park at {a} o'clock and {|stays} for {b hours}.", "~from {a} o'clock on {N|sleeps} {b hours}.",
        ),
        ("at what time does it end?", "what time is it then?", "at what hour does it end?", "~what does the clock show at the end?"),
        unit="o'clock", weight=0.5,
    ),
    Relation(
        "rate_total", "", "", own(a=lambda rng: rng.choice((few(rng), within(5, 60)(rng))), b=few),
        {"a": "{makes} per {span}", "b": "{spans}"}, (step("y", "a * b", "{makes} in all"),),
        (
            "a machine makes {a makes} per {span}. it runs for {b spans}.", "a factory makes {a makes} every {span} and works for {b spans}.",
            "{N|makes} {a makes} in one {span} and {|works} for {b spans}.", "~{N's} output is {a makes} a {span}, {b spans} long.",
        ),
        ("how many {makes} is that?", "how many {makes} are made?", "how many {makes} are made in all?", "~what is the whole output of {makes}?"),
        (
            "a machine makes {a makes} per {span}. how many does it make in {b spans}?", "if {N|!makes} {a makes} a {span}, how many {does he} make in {b spans}?",
            "how many {makes} are made in {b spans} at {a} per {span}?",
            "~at a rate of {a makes} per {span}, what do {b spans} give?",
        ),
        unit="{makes}",
    ),
    Relation(
        "rate_time", "", "", over("b", 2, 12),
        {"x": "{makes} to make", "b": "{makes} per {span}"}, (step("y", "x / b", "{spans} needed"),),
        (
            "a machine makes {b makes} per {span}. {x makes} are needed.", "{N|makes} {b makes} every {span}. {he|needs} {x}.",
            "~{N|wants} {x makes} and {|makes} {b} of them a {span}.",
        ),
        ("how many {spans} does it take?", "how many {spans} are needed?", "how long does it take in {spans}?", "~for how many {spans} is that work?"),
        ("how many {spans} does it take to make {x makes} at {b} per {span}?", "~to make {x makes} at {b} a {span} takes how many {spans}?"),
        unit="{spans}",
    ),
    Relation(
        "rate", "", "", over("b", 2, 12),
        {"x": "{makes} in all", "b": "{spans}"}, (step("y", "x / b", "{makes} per {span}"),),
        (
            "a machine makes {x makes} in {b spans}.", "{N|makes} {x makes} in {b spans}.", "it takes {N} {b spans} to make {x makes}.",
            "~within {b spans} {N|turns} out {x makes}.",
        ),
        ("how many {makes} is that per {span}?", "how many are made each {span}?", "how many {makes} are made in one {span}?", "~what is the rate per {span}?"),
        unit="{makes}",
    ),
    Relation(
        "distance", "", "", own(a=within(2, 90), b=few),
        {"a": "speed", "b": "hours"}, (step("y", "a * b", "distance"),),
        (
            "{an vehicle} travels at {a dists} per hour for {b hours}.", "{N|drives} {a dists} per hour for {b hours}.",
            "{N|drives} for {b hours} at {a dists} per hour.", "{an vehicle} goes {a dists} an hour. it goes on for {b hours}.",
            "{N|travels} at a speed of {a dists} per hour for {b hours}.", "~for {b hours} {an vehicle} keeps up a speed of {a dists} an hour.",
        ),
        ("how far is that?", "how many {dists} is that?", "how far does it go?", "what is the distance in {dists}?", "~what way is covered in {dists}?"),
        (
            "how far does {an vehicle} go in {b hours} at {a dists} per hour?", "{an vehicle} goes {a dists} per hour. how far does it go in {b hours}?",
            "if {N|!drives} at {a dists} per hour, how many {dists} {does he} cover in {b hours}?",
            "~at {a dists} an hour, {b hours} take {an vehicle} how far?",
        ),
        unit="{dists}", weight=1.5,
    ),
    Relation(
        "speed", "", "", over("b", 2, 12),
        {"x": "distance", "b": "hours"}, (step("y", "x / b", "speed"),),
        (
            "{an vehicle} travels {x dists} in {b hours}.", "{N|drives} {x dists} in {b hours}.", "it takes {N} {b hours} to travel {x dists}.",
            "{an vehicle} goes {x dists} in {b hours}.", "~{an vehicle} needs {b hours} for {x dists}.",
        ),
        ("what is the speed in {dists} per hour?", "how many {dists} per hour is that?", "what is the average speed?", "how fast is that in {dists} per hour?", "~how far is that in a single hour?"),
        ("what is the speed of {an vehicle} that goes {x dists} in {b hours}?", "~{x dists} in {b hours} is what speed?"),
        unit="{dists} per hour",
    ),
    Relation(
        "travel_time", "", "", over("b", 2, 70),
        {"x": "distance", "b": "speed"}, (step("y", "x / b", "hours"),),
        (
            "{an vehicle} travels {x dists} at {b dists} per hour.", "{N|drives} {x dists} at {b dists} per hour.", "a town is {x dists} away. {N|drives} at {b dists} per hour.",
            "~{N|has} {x dists} to go and {|moves} at {b dists} an hour.",
        ),
        ("how many hours does it take?", "how long does it take in hours?", "how many hours is the trip?", "~after how many hours is the goal reached?"),
        ("how many hours does it take to go {x dists} at {b dists} per hour?", "~a way of {x dists} at {b dists} an hour takes how many hours?"),
        unit="hours",
    ),
    Relation(
        "round_trip", "", "", own(a=within(2, 30), b=within(2, 7)),
        {"a": "one way", "b": "days"}, (step("z", "a * 2", "both ways"), step("y", "z * b", "distance in all")),
        (
            "{N|lives} {a dists} from school. {he|walks} there and back for {b days}.", "{N|drives} {a dists} to work and {a dists} back, {b days} a week.",
            "~{N's} work is {a dists} away. the trip there and back happens on {b days}.",
        ),
        ("how many {dists} is that in all?", "how many {dists} is that in total?", "what is the total distance?", "~how far is that all told?"),
        unit="{dists}", weight=0.6,
    ),
    Relation(
        "distance_left", "", "", minus("b"),
        {"x": "distance in all", "b": "distance covered"}, (step("y", "x - b", "distance left"),),
        (
            "a trip is {x dists} long. {N|drives} {b dists}.", "{N|has} to walk {x dists}. {he|walks} {b dists}.",
            "the race is {x dists} long. {N|runs} {b dists} so far.", "~of a way of {x dists}, {N|covers} {b}.",
        ),
        ("how many {dists} are left?", "how much farther is it?", "how many more {dists} are there to go?", "~what distance is ahead?"),
        unit="{dists}",
    ),
    Relation(
        "distances", "", "", own(a=within(2, 60), b=within(2, 60)),
        {"a": "distance first", "b": "distance then"}, (step("y", "a + b", "distance in all"),),
        (
            "{N|runs} {a dists} on {day} and {b dists} on {next_day}.", "{N|drives} {a dists} in the morning and {b dists} in the evening.",
            "{N|walks} {a dists} to the {shop} and then {b dists} to the park.", "~a way of {a dists} and one of {b dists}: {N|does} both.",
        ),
        ("how many {dists} is that in all?", "how far is that in total?", "how far {does S} go altogether?", "what is the total distance?", "~what distance do both make?"),
        unit="{dists}",
    ),
    Relation(
        "pages_per_day", "", "", over("b", 2, 25),
        {"x": "pages of the book", "b": "pages a day"}, (step("y", "x / b", "days"),),
        (
            "a book has {x pages}. {N|reads} {b pages} a day.", "{N|reads} {b pages} every day. {his} book has {x pages}.",
            "~{N|gets} through {b pages} a day of a book with {x pages}.",
        ),
        ("how many days does it take to finish the book?", "how many days will it take?", "in how many days is the book finished?", "~how many days does the book last?"),
        (
            "how many days does it take to read {x pages} at {b pages} a day?", "if {N|!reads} {b pages} a day, how many days {does he} need for {x pages}?",
            "~{x pages} at {b} a day take how many days?",
        ),
        unit="days",
    ),
    Relation(
        "pages_left", "", "", minus("b"),
        {"x": "pages of the book", "b": "pages read"}, (step("y", "x - b", "pages left"),),
        (
            "a book has {x pages}. {N|reads} {b pages}.", "{N|reads} {b pages} of a book with {x pages}.", "{N's} book has {x pages} and {he|!has} read {b}." ,
            "~{N|is} on page {b} of a book of {x pages}.",
        ),
        ("how many pages are left?", "how many pages {does S} still have to read?", "how many more pages are there to read?", "~how many pages lie ahead?"),
        unit="pages",
    ),
    Relation(
        "read_then_left", "", "", own(x=within(60, 300, 10), b=within(2, 20), c=within(2, 7)),
        {"x": "pages of the book", "b": "pages a day", "c": "days"},
        (step("z", "b * c", "pages read"), step("y", "x - z", "pages left")),
        (
            "a book has {x pages}. {N|reads} {b pages} a day for {c days}.", "{N|reads} {b pages} of a book each day for {c days}. the book has {x pages}.",
            "~for {c days} {N|reads} {b} of the {x pages} of a book every day.",
        ),
        ("how many pages are left?", "how many pages {does S} have left to read?", "how many pages remain?", "~how many pages are yet unread?"),
        unit="pages",
    ),
)
