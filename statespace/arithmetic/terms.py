"""What an expression comes to: its value, and how sure the text lets one be of it."""

from __future__ import annotations

from enum import Enum

from statespace.arithmetic.rationals import Rational


class Reading(Enum):
    """The senses that people give a percentage or a letter beside a number."""

    PLAIN = "20% is 20/100, and 3x is 3 * x where x is known"
    UNITS = "20% is 20 of a unit called percent, and 3 m is 3 metres"
    RELATIVE = "50 + 20% is 50 * (1 + 20/100)"
    NESTED = "6 / 1/2 is 6 / (1/2)"


class Term:
    """A stretch of text that denotes a number.

    `value` is None where it cannot be known (then `doubt` says why). `operators` counts what was
    computed; `decimals` is that of a bare number, else None. `doubt` explains why the claim must
    not be refuted: the words leave room for another reading. `lead` is the leading operand, which
    is all that a run-on sentence (`8 + 4 = 12 / 2 = 6`) equates. `rounded`: the value stands for
    another one near it.
    """

    __slots__ = (
        "ambiguous", "decimals", "doubt", "end", "first", "last", "lead", "names",
        "operators", "partial", "percent", "rounded", "sums", "units", "value",
    )  # fmt: skip

    def __init__(self, value: Rational | None, first: int, end: int) -> None:
        self.value = value
        self.first = first
        self.last = end - 1
        self.end = end
        self.operators = 0
        self.sums = False
        self.decimals: int | None = None
        self.partial = False
        self.percent = False
        self.ambiguous = False
        self.rounded = False
        self.doubt: str | None = None
        self.names: tuple[str, ...] = ()
        self.units: tuple[str, ...] = ()
        self.lead: Term | None = None

    def absorb(self, other: Term, value: Rational | None) -> Term:
        """This term joined with `other` by an operator whose result is `value`."""
        joined = Term(value, self.first, other.end)
        joined.last = other.last
        joined.operators = self.operators + other.operators + 1
        joined.sums = self.sums or other.sums
        joined.ambiguous = self.ambiguous or other.ambiguous or self.percent or other.percent
        joined.rounded = self.rounded or other.rounded
        joined.doubt = self.doubt or other.doubt
        if value is None and joined.doubt is None:
            joined.doubt = "not computable within the limits"
        joined.names = self.names + other.names
        joined.units = self.units + other.units
        joined.lead = self.lead or self
        return joined
