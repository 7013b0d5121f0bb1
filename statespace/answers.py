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

_STATED: Final = re.compile(r"answer\s{0,8}(?:is|:|=)\s{0,8}:?\s{0,8}([^\n]{1,200})", re.I)
_NUMBER: Final = re.compile(
    r"[-−+]?[ ]?[$€£¥]?(?:[0-9]{1,400}(?:,[0-9]{3}){0,100}(?:\.[0-9]{1,400})?|\.[0-9]{1,400})"
    r"(?:\s?/\s?[0-9]{1,400})?%?"
)
_PLAIN: Final = re.compile(
    r"([-−+]?)([0-9]{1,400}(?:,[0-9]{3}){0,100}|)(\.[0-9]{1,400})?(?:/([0-9]{1,400}))?(%?)"
)
_UNIT: Final = re.compile(r"\s+[a-zA-Z]{2}[a-zA-Z ./]{0,40}$")


def extract(text: str) -> str | None:
    """The answer that `text` states, cleaned of markup; None if it states none."""
    text = text[-MAX_SCAN:]
    if (boxed := _boxed(text)) is not None:
        return _clean(boxed) or None
    stated = None
    for stated in _STATED.finditer(text):
        pass
    if stated is not None:
        text = stated[1]
        number = _NUMBER.search(text)
        return _clean(number[0] if number else text) or None
    numbers = _NUMBER.findall(text)
    return _clean(numbers[-1]) or None if numbers else None


def number(text: str) -> Fraction | None:
    """The exact value of a plain number, else None.

    Sign, thousands commas, decimals, `a/b`, currency, `%` and a unit after a space are understood.
    """
    bare = "".join(_UNIT.sub("", text.strip()).split()).strip("$€£¥").replace("-$", "-")
    found = _PLAIN.fullmatch(bare)
    if found is None or not (found[2] or found[3]):
        return None
    sign, whole, decimals, denominator, percent = found.groups()
    value = Fraction((whole.replace(",", "") or "0") + (decimals or ""))
    if denominator:
        if int(denominator) == 0:
            return None
        value /= int(denominator)
    if percent:
        value /= 100
    return -value if sign in ("-", "−") else value


def equal(one: str, other: str) -> bool:
    """Whether two answers are the same: as exact numbers, else as text without case and spaces."""
    a, b = number(one), number(other)
    if a is not None and b is not None:
        return a == b
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()


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


def _clean(answer: str) -> str:
    r"""Markup off: `\text{…}`, `\$`, `$…$`, spaces, a final full stop."""
    answer = re.sub(r"\\text\{([^{}]{0,200})\}", r"\1", answer)
    answer = answer.replace("\\$", "").replace("\\%", "%").replace("\\,", "").replace("\\!", "")
    answer = answer.strip().rstrip(".").strip("$ ")
    plain = re.sub(r"^([-−+]?) ?[$€£¥]", r"\1", answer)
    return plain.replace("−", "-") if number(plain) is not None else answer.strip()
