"""Whether a solution's numbers are the question's.

Arithmetic that holds can still answer another problem. Two signs of it can be seen without reading:
a number taken for given that the question does not say, and one it says that nothing uses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from statespace.actions import Action
from statespace.solutions import Grounding, Solution

MAX_NUMBERS: Final = 200
"""Numbers of a text that are looked at, from its beginning."""
MAX_TEXT: Final = 32_768
"""Characters of a text that are looked at, from its beginning."""

_NUMBER: Final = re.compile(
    r"(?<![\d.])(\d{1,30}(?:,\d{3}){0,9}(?:\.\d{1,30})?|\.\d{1,30})(?: ?/ ?(\d{1,9}))?( ?%)?"
)
_GIVEN: Final = re.compile(
    r"\b[A-Za-z]\w{0,20} ?= ?[$€£¥]? ?"
    r"(\d{1,30}(?:,\d{3}){0,9}(?:\.\d{1,30})?)(?!\.?\d)(?! ?[-−%+*×÷·^/(=])"
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
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}

_IMPLIED: Final[dict[str, tuple[int, ...]]] = {
    "pair": (2,), "couple": (2,), "weekend": (2,), "triple": (3,), "thrice": (3,), "third": (3,),
    "triplet": (3,), "triangle": (3,), "yard": (3,), "quadruple": (4,), "quarter": (4, 25),
    "fourth": (4,), "square": (4,), "season": (4,), "fifth": (5,), "weekday": (5,), "nickel": (5,),
    "workday": (5,), "sixth": (6,), "week": (7, 5), "seventh": (7,), "eighth": (8,), "spider": (8,),
    "octopus": (8,), "ninth": (9,), "tenth": (10,), "decade": (10,), "dime": (10,),
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
    """Of the states that the answer rests on; None if there are none, or none formalizes."""
    outputs = [each.output for each in solution.behind]
    formalized = [each.output for each in solution.behind if each.action is Action.FORMALIZE]
    if not formalized:
        return None
    return Grounding(
        unsaid=unsaid(solution.question, "\n".join(formalized)),
        unused=unused(solution.question, "\n".join(outputs)),
    )


def unsaid(question: str, formalized: str) -> tuple[str, ...]:
    """The numbers that `formalized` gives a symbol and `question` does not say, as written.

    Each once, in their order; one that is given more often than it is said is unsaid, too. A sign
    that the problem was misread, not a proof: what everybody knows need not be said, and no list of
    that is whole.
    """
    texts = [match[1] for match in islice(_GIVEN.finditer(formalized[:MAX_TEXT]), MAX_NUMBERS)]
    said = Counter(_in_numerals(question))
    if _lacking(texts, said):  # seldom, and words take longer
        said.update(_in_words(_WORD.findall(question[:MAX_TEXT].lower())))
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
    need not be used, and of a fraction or a percentage its value or one of its parts is enough.
    """
    used = {value for match in _numerals(reasoning) for value in _values(match)}
    return tuple(
        dict.fromkeys(
            match[0]
            for match in _numerals(question)
            if _value(match[1]) != 1 and used.isdisjoint(_values(match))
        )
    )


def _numerals(text: str) -> Iterator[re.Match[str]]:
    return islice(_NUMBER.finditer(text[:MAX_TEXT]), MAX_NUMBERS)


def _values(match: re.Match[str]) -> Iterable[float]:
    """What a numeral may stand for: itself, its parts, so many hundredths."""
    value = _value(match[1])
    if match[2] and (divisor := float(match[2])):
        return (value, divisor, _rounded(value / divisor))
    if match[3]:
        share = value / 100
        return map(_rounded, (value, share, 1 - share, 1 + share, 100 - value, 100 + value))
    return (value,)


def _in_numerals(text: str) -> Iterator[float]:
    """What the text says in digits, as often as it says it."""
    for match in _numerals(text):
        yield from {*_values(match), _rounded(_value(match[1]) / 100)}  # it may be cents


def _value(text: str) -> float:
    return _rounded(float(text.replace(",", "")))


def _rounded(value: float) -> float:
    """So that a value is the same whichever way it was come by."""
    return round(value, 9)


def _in_words(words: Sequence[str]) -> Iterator[float]:
    """What words say: `two thousand and five` 2005, 2000, 2 and 5; `dozen` 12."""
    thousands = group = 0
    for word in words:
        said = set(_IMPLIED.get(word, ()))
        singular = word.removesuffix("s")
        if (value := _SPELLED.get(word, _SPELLED.get(singular))) is not None:
            if not _joins(group, value):
                thousands = group = 0
            group += value
            said.add(value)
        elif singular in _SCALES:
            scaled = (group or 1) * _SCALES[singular]
            group, thousands = (scaled, thousands) if scaled < 1_000 else (0, thousands + scaled)
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
