"""Words beside numbers that change what an equation means.

Most unit words ("clips", "apples") change nothing. Some measure the same thing in other sizes, so
that `1 hour + 30 minutes = 90 minutes` is right although 1 + 30 is 31.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from typing import Final

_FAMILIES: Final[dict[str, dict[str, Fraction]]] = {
    "time": {
        "second": Fraction(1), "sec": Fraction(1), "minute": Fraction(60), "min": Fraction(60),
        "hour": Fraction(3600), "hr": Fraction(3600), "day": Fraction(86400),
        "week": Fraction(604800), "month": Fraction(2592000), "year": Fraction(31536000),
        "decade": Fraction(315360000),
    },
    "length": {
        "inch": Fraction(1), "inche": Fraction(1), "foot": Fraction(12), "feet": Fraction(12),
        "ft": Fraction(12), "yard": Fraction(36), "mile": Fraction(63360),
        "mm": Fraction(10, 254), "millimeter": Fraction(10, 254), "cm": Fraction(100, 254),
        "centimeter": Fraction(100, 254), "m": Fraction(10000, 254), "meter": Fraction(10000, 254),
        "km": Fraction(10000000, 254), "kilometer": Fraction(10000000, 254),
    },
    "money": {
        "cent": Fraction(1), "¢": Fraction(1), "penny": Fraction(1), "pennie": Fraction(1),
        "dollar": Fraction(100),
        "$": Fraction(100), "€": Fraction(100), "£": Fraction(100), "euro": Fraction(100),
    },
    "bulk": {  # Mass and volume share the ounce.
        "g": Fraction(1), "gram": Fraction(1), "mg": Fraction(1, 1000), "kg": Fraction(1000),
        "kilogram": Fraction(1000), "kilo": Fraction(1000), "ton": Fraction(1000000),
        "pound": Fraction(480), "lb": Fraction(480), "ounce": Fraction(30), "oz": Fraction(30),
        "ml": Fraction(1), "milliliter": Fraction(1), "l": Fraction(1000), "liter": Fraction(1000),
        "cup": Fraction(240), "pint": Fraction(480), "quart": Fraction(960),
        "gallon": Fraction(3840),
    },
    "count": {
        "unit": Fraction(1), "dozen": Fraction(12), "hundred": Fraction(100),
        "thousand": Fraction(1000), "k": Fraction(1000), "million": Fraction(1000000),
        "billion": Fraction(10**9),
    },
    "pair": {"one of a pair": Fraction(1), "pair": Fraction(2)},
    "coin": {
        "nickel": Fraction(5), "dime": Fraction(10), "quarter": Fraction(25),
        "cents in a cent": Fraction(1), "cents in a dollar": Fraction(100),
    },
}  # fmt: skip

_FAMILY_OF: Final = {word: family for family, sizes in _FAMILIES.items() for word in sizes}

_FACTORS: Final = {
    family: frozenset(
        ratio
        for a, b in permutations(set(sizes.values()), 2)
        for ratio in (a / b, Fraction(round(a / b)) if a > b else 1 / Fraction(round(b / a)))
        for ratio in ([ratio, ratio**2, ratio**3] if family == "length" else [ratio])
    )
    for family, sizes in _FAMILIES.items()
}

THINGS: Final = frozenset({"pair", "coin"})
"""Families whose other side may be said in words that measure nothing: `24 socks`, `$2.40`."""

CLAUSE_WORDS: Final = frozenset(
    {
        "and", "or", "so", "then", "is", "are", "was", "were", "has", "have", "had", "will",
        "that", "which", "who", "if", "when", "because", "since", "makes", "gives", "get", "gets",
        "got", "than", "but", "while", "where", "therefore", "thus", "says", "say", "plus",
        "minus", "times", "equals",
    }
)  # fmt: skip
"""Between two numbers, these end one thought: what follows may no longer be the number's unit."""

LEADING_WORDS: Final = frozenset(
    {
        "half", "twice", "thrice", "double", "triple", "quadruple", "third", "quarter", "per",
        "times", "squared", "plus", "minus", "negative", "hundred", "thousand", "day", "week",
        "month", "year", "part", "step", "number", "group", "chapter", "level",
    }
)  # fmt: skip
"""Right before an expression, these say that its first number is a label or only a part."""

OPERATION_WORDS: Final = frozenset(
    {
        "squared", "cubed", "factorial", "mod", "modulo", "choose", "root", "sqrt", "log", "ln",
        "sin", "cos", "tan",
    }
)  # fmt: skip
"""Beside a number, these compute something of it."""

PART_WORDS: Final = frozenset(
    {
        "half", "third", "thirds", "quarter", "quarters", "fourth", "fourths", "fifth", "fifths",
        "sixth", "sixths", "seventh", "sevenths", "eighth", "eighths", "ninth", "ninths", "tenth",
        "tenths", "percent", "average", "mean", "square", "root", "ratio", "rest", "divided",
        "multiplied", "power", "cube", "factorial", "logarithm", "log",
    }
)  # fmt: skip
"""Before "of" and an expression, these say that the expression is only a part of the quantity."""

REMAINDER_WORDS: Final = frozenset(
    {
        "remainder", "r",
    }
)  # fmt: skip
"""Right after a quotient: it is a whole number on purpose."""

PLAIN_ATTACHED: Final = frozenset(
    {
        "kg", "cm", "mm", "km", "ml", "mL", "lb", "oz", "ft", "in", "hr", "am", "pm", "mi", "mg",
        "cc", "GB", "MB", "kb", "kW", "kw",
    }
)  # fmt: skip
"""Short words that are units, not products of variables, when they touch a number."""

UNIT_LETTERS: Final = frozenset("mgLlhsdtAVWKkMBCFNJ")
"""Single letters that abbreviate a unit or a magnitude; others beside a number are variables."""

CLOCK_WORDS: Final = frozenset(
    {
        "am", "pm", "o'clock", "o’clock",
    }
)  # fmt: skip
"""Right after a number, these say that it is a time of day."""

APPROXIMATE: Final = frozenset(
    {
        "about", "approximately", "roughly", "around", "nearly", "almost",
    }
)  # fmt: skip
"""After a relation: the value is rounded."""

ARTICLES: Final = frozenset(
    {
        "a", "an", "the",
    }
)  # fmt: skip
"""Left out of names."""

CONNECTORS: Final = frozenset(
    {
        "so", "then", "thus", "hence", "therefore", "let", "now", "next", "finally", "first",
        "where", "since", "because", "and", "but", "if", "when", "that", "means", "have", "get",
        "is",
    }
)  # fmt: skip
"""Words before a name that are not a part of it."""

FILLERS: Final = frozenset(
    {
        "a", "an", "the", "only", "just", "exactly", "his", "her", "their", "its", "these",
        "those", "my", "our", "another",
    }
)  # fmt: skip
"""Before a number, after a relation or an operator, these change nothing."""

NO_NAMES: Final = CLAUSE_WORDS | CONNECTORS | FILLERS
"""Beside a name, these are not a part of it."""


def family_of(word: str) -> str | None:
    """The measuring family of a unit word, plural or singular; None for ordinary words."""
    lowered = word.lower()
    return _FAMILY_OF.get(lowered) or (
        _FAMILY_OF.get(lowered[:-1]) if lowered.endswith("s") else None
    )


def size_of(word: str) -> Fraction:
    """A measuring word's size within its family."""
    lowered = word.lower()
    sizes = _FAMILIES[_FAMILY_OF.get(lowered) or _FAMILY_OF[lowered[:-1]]]
    return sizes.get(lowered) or sizes[lowered[:-1]]


def is_conversion(ratio: Fraction, family: str) -> bool:
    """Whether `ratio` is what changing units within `family` would make, areas and volumes too."""
    return ratio in _FACTORS[family]
