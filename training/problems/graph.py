"""The graph of quantities behind a problem: givens, and what follows from them.

Expressions are flat, tokens separated by spaces ("x - b", "p / 100 * x"), with the usual precedence
of * and / over + and -. Values are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from training.problems.numbers import plain
from training.problems.problem import Quantity

SYMBOLS = "abcdefghijkmnpqrstuvwyz"
"""Letters for quantities, in order; l, o and x read like 1, 0 and a times sign."""


class UnsuitableNumbersError(ValueError):
    """The numbers drawn lead to a value that no sensible problem would have."""


def evaluate(expression: str, values: Mapping[str, Fraction]) -> Fraction:
    """The exact value of a flat expression. Raises ZeroDivisionError, KeyError, ValueError."""
    tokens = expression.split()
    terms: list[tuple[str, Fraction]] = []
    sign, product = "+", _operand(tokens[0], values)
    for operator, token in zip(tokens[1::2], tokens[2::2], strict=True):
        operand = _operand(token, values)
        if operator == "*":
            product *= operand
        elif operator == "/":
            product /= operand
        else:
            terms.append((sign, product))
            sign, product = operator, operand
    terms.append((sign, product))
    return sum((-value if sign == "-" else value for sign, value in terms), Fraction(0))


def _operand(token: str, values: Mapping[str, Fraction]) -> Fraction:
    return values[token] if token in values else Fraction(token)


def operations_in(expression: str) -> int:
    """How many operations a reader would count: a percentage is one."""
    return (len(expression.split(" / 100 * ")) > 1) or len(expression.split()) // 2


@dataclass(slots=True)
class Graph:
    """Quantities in the order they are needed; symbols are given out in that order."""

    quantities: list[Quantity] = field(default_factory=list)
    values: dict[str, Fraction] = field(default_factory=dict)
    operations: int = 0

    def given(self, description: str, value: Fraction, *, money: bool = False) -> str:
        """Adds a known quantity and returns its symbol."""
        return self._add(description, value, None, money=money)

    def derive(
        self,
        description: str,
        expression: str,
        symbols: Mapping[str, str],
        *,
        money: bool = False,
        fractional: bool = False,
    ) -> str:
        """Adds a quantity defined over earlier ones; `symbols` maps the expression's names.

        Raises UnsuitableNumbersError for a value that is negative, zero, huge or not whole where
        it has to be.
        """
        written = " ".join(symbols.get(token, token) for token in expression.split())
        value = evaluate(written, self.values)
        places = 100 if money or fractional else 1
        if value <= 0 or value > 100_000 or (value * places).denominator != 1:
            raise UnsuitableNumbersError(f"{written} = {value}")
        self.operations += operations_in(written)
        return self._add(description, value, written, money=money)

    def _add(
        self, description: str, value: Fraction, expression: str | None, *, money: bool
    ) -> str:
        if len(self.quantities) == len(SYMBOLS):
            raise UnsuitableNumbersError("more quantities than symbols")
        symbol = SYMBOLS[len(self.quantities)]
        self.quantities.append(Quantity(symbol, description, plain(value, money=money), expression))
        self.values[symbol] = value
        return symbol
