r"""Answers: where a text states one, and when two of them are the same number.

`extract` prefers `\boxed{…}`, then what follows "answer is", then the last number. `equal` compares
plain numbers exactly (Fraction); symbolic answers are a matter for math-verify, elsewhere.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

MAX_SCAN: Final = 20_000
"""Characters of a text that are searched, from its end."""
MAX_BOXES: Final = 8
"""Boxes that are tried, from the last one, until one is closed."""
MAX_NUMBER: Final = 2_000
"""Characters of a text that may be a plain number."""

# What is stated is looked at, not consumed: a second "answer is" may stand on the same line.
_STATED: Final = re.compile(r"answer\s{0,8}(?:is|:|=)\s{0,8}:?\s{0,8}(?=([^\n]{1,200}))", re.I)
_WORKING: Final = re.compile(
    r"(?:[^=\n]{0,80}?[0-9)%]\s?[-−+*/×÷·xX^]\s?[$(0-9][^=\n]{0,80}=)+\s{0,8}"
)
"""`48 + 24 =`: what leads to the number that is stated."""
_NUMBER: Final = re.compile(
    r"(?:(?<![\w)])[-−+])?(?:[$€£¥] ?)?(?:[0-9]{1,9} (?=[0-9]{1,2}/[0-9]))?"
    r"(?:[0-9]{1,400}(?:,[0-9]{3}){0,100}(?:\.[0-9]{1,400})?|\.[0-9]{1,400})"
    r"(?: ?/ ?[0-9]{1,400})?(?: ?%)?"
)
"""A number in running text. A minus sign is part of it, an operator or a list's dash is not."""
_LEADS: Final = ("^", "^{", "√", "\\sqrt{")
_FOLLOWS: Final = re.compile(
    r":[0-9]|\s?(?:[a-zA-Z]?\^|√|\\sqrt|π|\\?pi\b|(?:[×x*·]|\\times|\\cdot)\s?10\^)"
)
"""Before or after a number, these make it a part of something else: `3:4`, `√2`, `3.5 × 10^4`."""
_PLAIN: Final = re.compile(
    r"[$€£¥]? ?(?P<sign>[-−+]?) ?[$€£¥]? ?"
    r"(?:(?P<wholes>[0-9]{1,400}) (?=[0-9]{1,2} ?/))?"
    r"(?P<digits>(?=\.?[0-9])(?!0[0-9]{0,400}[, ][0-9]{3})"
    r"[0-9]{0,400}(?:[, ][0-9]{3}){0,100}(?:\.[0-9]{0,400})?)"
    r"(?: ?/ ?(?P<denominator>[0-9]{1,400}))?"
    r"(?P<percent> ?%| percent\b)? ?[$€£¥]?"
    r"(?: (?!(?:hundred|thousand|[mb]illion|trillion|dozen)s?\b)"
    r"(?!(?i:pi|[ap]m|or|and|over|sqrt|log|ln|sin|cos|tan)\b)[a-zA-Z]{2}[a-zA-Z ./]{0,40})?"
)
_FRACTION: Final = re.compile(r"(?:([0-9]) ?)?\\[dt]?frac\{([0-9]{1,400})\}\{([0-9]{1,400})\}")


def extract(text: str) -> str | None:
    """The answer that `text` states, cleaned of markup; None if it states none."""
    text = _without_markup(text[-MAX_SCAN:])
    if (boxed := _boxed(text)) is not None:
        return _clean(boxed) or None
    if stated := _STATED.findall(text):
        return _clean(_number_in(stated[-1])) or None
    numbers = _NUMBER.findall(text)
    return _clean(numbers[-1]) or None if numbers else None


def _number_in(stated: str) -> str:
    """The number that `stated` begins with or works out; all of it if that is only a part."""
    working = _WORKING.match(stated)
    result = stated[working.end() :] if working else stated
    found = _NUMBER.search(result)
    if found is None:
        return stated
    part = result[: found.start()].endswith(_LEADS) or _FOLLOWS.match(result, found.end())
    return result if part else found[0]


def is_boxed(text: str) -> bool:
    r"""Whether `text` states its answer in a `\boxed{…}` that is closed."""
    return _boxed(_without_markup(text[-MAX_SCAN:])) is not None


def number(text: str) -> Fraction | None:
    r"""The exact value of a plain number, else None.

    Sign, thousands separators, decimals, `a/b`, `\frac{a}{b}`, mixed numbers (`3 1/2`), currency,
    percent (hundredths) and a unit after a space are understood.
    """
    if len(text) > MAX_NUMBER:
        return None
    found = _PLAIN.fullmatch(" ".join(_FRACTION.sub(_slash, text).split()))
    if found is None:
        return None
    value = Fraction(re.sub("[, ]", "", found["digits"]))
    if found["denominator"]:
        if int(found["denominator"]) == 0:
            return None
        value /= int(found["denominator"])
    value += int(found["wholes"] or 0)
    if found["percent"]:
        value /= 100
    return -value if found["sign"] in ("-", "−") else value


def equal(one: str, other: str) -> bool:
    """Whether two answers are the same: as exact numbers, else as text without case and spaces."""
    a, b = number(one), number(other)
    if a is not None and b is not None:
        return a == b
    return folded(one) == folded(other)


def folded(text: str) -> str:
    """`text` without case, and without the spaces that do not part two words or numbers."""
    return re.sub(r"(?<!\w) | (?!\w)", "", " ".join(text.split())).casefold()


def _boxed(text: str) -> str | None:
    r"""The contents of the last closed `\boxed{…}`, inner braces balanced."""
    start = len(text)
    for _ in range(MAX_BOXES):
        start = text.rfind("\\boxed{", 0, start)
        if start < 0:
            break
        depth = 0
        for index in range(start + 6, len(text)):
            depth += (text[index] == "{") - (text[index] == "}")
            if depth == 0:
                return text[start + 7 : index]
    return None


def _without_markup(text: str) -> str:
    r"""LaTeX that numbers are written with, as plain text: `\frac12`'s braced form, `{,}`, `\$`."""
    text = re.sub(r"\\[,!](?=[0-9])", "", text.replace("{,}", ","))
    for markup, plain in (("\\$", "$"), ("\\%", "%"), ("\\,", " "), ("\\!", "")):
        text = text.replace(markup, plain)
    return _FRACTION.sub(_slash, text)


def _slash(fraction: re.Match[str]) -> str:
    whole, numerator, denominator = fraction.groups()
    return f"{whole} {numerator}/{denominator}" if whole else f"{numerator}/{denominator}"


def _clean(answer: str) -> str:
    r"""What is left around a number taken off: `\text{…}`, `$…$`, spaces, a final full stop."""
    answer = re.sub(r"\\text\{([^{}]{0,200})\}", r"\1", answer)
    answer = " ".join(answer.split()).rstrip(".").strip("$ ")
    plain = re.sub(r"^([-−+]?) ?[$€£¥] ?", r"\1", answer)
    return plain.replace("−", "-") if number(plain) is not None else answer
