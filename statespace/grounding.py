"""Whether a solution's numbers are the question's.

Arithmetic that holds can still answer another problem. Two signs of it can be seen without reading:
a number taken for given that the question does not say, and one it says that nothing mentions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from statespace.actions import Action
from statespace.solutions import Grounding, Solution

MAX_QUESTION: Final = 8_000
"""Characters of a question; of longer ones nothing is said."""
MAX_REASONING: Final = 100_000
"""Characters of the states behind an answer, likewise."""

_NUMBER: Final = re.compile(
    r"(?:(?<![\w.])(?P<wholes>\d{1,9}+) (?=\d{1,9}/\d))?"
    r"(?:(?<!\d)(?<!\d\.)"
    r"(?P<digits>\d{1,30}+(?P<groups>(?:[, ]\d{3}(?!\d)){0,9}+)(?:\.\d{1,30}+)?+)"
    r"|(?<![\w.])(?P<point>\.\d{1,30}+))"
    r"(?: ?/ ?(?P<divisor>\d{1,9}))?"
    r"(?: ?(?P<scale>%|k\b|dozen|hundred|thousand|million|billion))?",
    re.IGNORECASE,
)
_GIVEN: Final = re.compile(
    r"\b([A-Za-z]\w{0,20}+) ?= ?[$€£¥]? ?"
    r"(\d{1,30}+(?:,\d{3}){0,9}+(?:\.\d{1,30}+)?+)(?![\w]|[.,]\d)(?! ?(?:[-−–%+*×÷·^/(=\\]|x\b))"
)
"""`a = 12`: a symbol for a number, not for an expression or a share."""
_WORD: Final = re.compile(r"[a-z]{1,20}")

_UNITS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED: Final[dict[str, int]] = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)},
}
_SCALES: Final = {
    "hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000,
}  # fmt: skip
_FACTORS: Final = {**_SCALES, "k": 1_000, "dozen": 12}
"""What may stand behind a numeral."""

_IMPLIED: Final[dict[str, tuple[float, ...]]] = {
    "half": (0.5, 50), "halves": (0.5, 50), "penny": (0.01,), "pair": (2,), "couple": (2,),
    "weekend": (2,), "triple": (3,), "thrice": (3,), "third": (3,), "triplet": (3,),
    "triangle": (3,), "yard": (3,), "quadruple": (4,), "quarter": (4, 25, 0.25), "fourth": (4,),
    "square": (4,), "season": (4,), "fifth": (5,), "weekday": (5,), "nickel": (5, 0.05),
    "workday": (5,), "sixth": (6,), "week": (7, 5), "seventh": (7,), "eighth": (8,), "spider": (8,),
    "octopus": (8,), "ninth": (9,), "tenth": (10,), "decade": (10,), "dime": (10, 0.1),
    "dozen": (12,), "foot": (12, 3), "feet": (12, 3), "inch": (12,), "month": (12, 30, 4),
    "year": (12, 52, 365, 366), "annual": (12, 52, 365), "day": (24, 7), "daily": (24, 7),
    "weekly": (7, 52), "monthly": (12, 30), "fortnight": (14,), "score": (20,), "hour": (60, 24),
    "minute": (60,), "second": (60,), "angle": (90, 180, 360), "circle": (360,), "degree": (360,),
    "gram": (1_000,), "kg": (1_000,), "kilogram": (1_000,), "kilometer": (1_000,), "km": (1_000,),
    "kilometre": (1_000,), "meter": (1_000,), "metre": (1_000,), "liter": (1_000,),
    "litre": (1_000,), "ton": (1_000, 2_000), "millennium": (1_000,), "pound": (16,),
    "gallon": (4,), "mile": (5_280,), "cow": (4,), "dog": (4,), "cat": (4,), "horse": (4,),
    "insect": (6,), "biweekly": (26,), "ounce": (16,),
}  # fmt: skip
"""What words say without a numeral."""
_CONSTANTS: Final = frozenset({0, 1, 2, 100})
"""Numbers that need not be said: none, one, a half or a double, hundredths."""


def grounding(solution: Solution) -> Grounding | None:
    """Of the states that the answer rests on.

    None if there is no answer, if none of them formalizes, or if there is too much to look at.
    """
    behind = solution.behind
    formalized = "\n".join(each.output for each in behind if each.action is Action.FORMALIZE)
    reasoning = "\n".join(each.output for each in behind)
    if not formalized or len(solution.question) > MAX_QUESTION or len(reasoning) > MAX_REASONING:
        return None
    return Grounding(
        unsaid=unsaid(solution.question, formalized),
        unused=unused(solution.question, reasoning),
    )


def told(grounding: Grounding | None) -> list[str]:
    """In words, what is to be doubted; nothing if nothing is."""
    found: list[str] = []
    if grounding is not None and grounding.unsaid:
        found.append(f"It takes {_listed(grounding.unsaid)} for given, not from the problem.")
    if grounding is not None and grounding.unused:
        found.append(f"No step mentions {_listed(grounding.unused)}, which the problem gives.")
    return found


def _listed(numbers: Sequence[str]) -> str:
    """`3`, `3 and 4`, `3, 4 and 5`, `3, 4, 5 and 2 more`."""
    shown = [*numbers[:3], f"{len(numbers) - 3} more"] if len(numbers) > 4 else [*numbers]
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last


def unsaid(question: str, formalized: str) -> tuple[str, ...]:
    """The numbers that `formalized` gives more symbols than `question` says them, as written.

    Each once, in their order. A sign that the problem was misread, not a proof: what everybody
    knows need not be said, and no list of that is whole.
    """
    givens = dict.fromkeys(_GIVEN.findall(formalized))  # a symbol may be given its number again
    texts = [text for _, text in givens]
    said = Counter(value for values in _numerals(question) for value in values)
    if _lacking(texts, said):  # seldom, and words take longer
        said.update(_in_words(question))
    return _lacking(texts, said)


def _lacking(texts: Sequence[str], said: Counter[float]) -> tuple[str, ...]:
    """The numbers that are given more often than they are said."""
    given: Counter[float] = Counter()
    found: dict[str, None] = {}
    for text in texts:
        value = _value(text)
        given[value] += 1
        if given[value] > said[value] and value not in _CONSTANTS:
            found[text] = None
    return tuple(found)


def unused(question: str, reasoning: str) -> tuple[str, ...]:
    """The numerals of `question` that do not stand in `reasoning`, as written, in their order.

    A sign that something was passed over, not a proof: stories also hold what is not asked for. A 1
    need not be used, and of what a numeral may mean one thing is enough.
    """
    used = {value for values in _numerals(reasoning) for value in values}
    found = _passed_over(question, used)
    if found:  # seldom, and words take longer
        found = _passed_over(question, used.union(_in_words(reasoning)))
    return found


def _passed_over(question: str, used: set[float]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            match[0].strip()
            for match in _NUMBER.finditer(question)
            if match[0] != "1" and used.isdisjoint(_values(*match.groups()))
        )
    )


def _numerals(text: str) -> Iterator[frozenset[float]]:
    """What each numeral of a text may mean."""
    return (_values(*match.groups()) for match in _NUMBER.finditer(text))


@lru_cache(maxsize=4096)  # most numbers are small, and come again in every state
def _values(  # noqa: PLR0913, PLR0917
    wholes: str | None,
    digits: str | None,
    groups: str | None,
    point: str | None,
    divisor: str | None,
    scale: str | None,
) -> frozenset[float]:
    """What a numeral may mean: itself, its parts, so many hundredths, a share that is left.

    Its parts are the groups of `_NUMBER`, in their order.
    """
    text = digits or point or ""
    value = _value(text)
    found = {value, value / 100}
    if groups:  # `1,200` is one number or, in a list, several
        found.update(map(_value, re.split("[, ]", text)))
    if divisor and (parts := float(divisor)):
        whole = float(wholes or 0)
        found |= {parts, value / parts, whole, whole + value / parts}
    if scale == "%":
        share = value / 100
        found |= {1 - share, 1 + share, 100 - value, 100 + value}
    elif scale:
        found.add(value * _FACTORS[scale.lower()])
    return frozenset(map(_rounded, found))


def _value(text: str) -> float:
    return _rounded(float(text.replace(",", "").replace(" ", "")))


def _rounded(value: float) -> float:
    """So that a value is the same whichever way it was come by."""
    return round(value, 9)


def _in_words(text: str) -> Iterator[float]:
    """What words say: `two thousand and five` 2005, 2000, 2 and 5; `dozen` 12."""
    thousands = group = 0
    for word in _WORD.findall(text.lower()):
        said: set[float] = set(_IMPLIED.get(word, ()))
        singular = word.removesuffix("s")
        if (value := _SPELLED.get(word, _SPELLED.get(singular))) is not None:
            if not _joins(group, value):
                thousands = group = 0
            group += value
            said.add(value)
        elif singular in _SCALES:
            scaled = (group or 1) * _SCALES[singular]
            group, thousands = (scaled, thousands) if scaled < 1_000 else (0, thousands + scaled)
        elif singular == "dozen" and group:
            said.add(12 * group)
        elif word != "and":
            thousands = group = 0
        if (thousands or group) and word != "and":
            said.add(thousands + group)
        yield from map(float, said.union(_IMPLIED.get(singular, ())))


def _joins(group: int, value: int) -> bool:
    """Whether `value` goes on with what was spelled: 5 after 120 or 20, 20 after 100."""
    if group % 100 == 0:
        return value < 100
    return group % 10 == 0 and group % 100 >= 20 and 0 < value < 10
