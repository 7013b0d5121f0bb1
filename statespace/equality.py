"""When two answers say the same: as numbers or as text at once, as formulas by math-verify."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from statespace import answers, symbolic


@dataclass(frozen=True, slots=True)
class Value:
    """What an answer says, read once, however often it is compared."""

    text: str
    r"""Without the markup that a box's contents are stripped of, such as `\text{…}`."""
    key: Fraction | str
    """A number, else the text without case and spaces."""
    mathematical: bool
    """Plain words are compared as such; formulas have digits, operators or commands."""


def read(answer: str) -> Value:
    """What `answer` says."""
    text = answers.extract(f"\\boxed{{{answer}}}") or answer
    number = answers.number(text)
    mathematical = len(text) == 1 or any(not c.isalpha() and not c.isspace() for c in text)
    return Value(text, answers.folded(text) if number is None else number, mathematical)


def plainly(one: Value, other: Value) -> bool | None:
    """Whether they are equal, as far as numbers and text can tell; None if formulas may be."""
    if one.key == other.key:
        return True
    if isinstance(one.key, Fraction) and isinstance(other.key, Fraction):
        return False
    return None if one.mathematical and other.mathematical else False


def same(one: str, other: str) -> bool:
    """Whether two answers are mathematically equal: what votes are grouped by.

    May take seconds. Raises SymbolicError if math-verify is needed and not installed.
    """
    a, b = read(one), read(other)
    known = plainly(a, b)
    return symbolic.equal(a.text, b.text) if known is None else known
