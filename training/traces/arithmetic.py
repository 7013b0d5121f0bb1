"""How a step is worked: a chain of equal expressions that even a very small model can follow.

Sums and differences below 100 are done at once; from larger ones, or of decimals, the second number
is added or taken away part by part (602 + 275 = 602 + 200 + 70 + 5). A product of a number with
several digits is split at its digits (24 * 7 = 20 * 7 + 4 * 7), a quotient at the digits of the
result (96 / 4 = 80 / 4 + 16 / 4), and percentages multiply before they divide.
"""

from __future__ import annotations

from fractions import Fraction

from training.problems.numbers import plain

_EASY_SUM = 100
"""Whole numbers below this are added and subtracted at once."""
_EASY_FACTOR = 12
"""Products of two factors up to this are known by heart."""


def worked(tokens: list[str], value: str) -> list[str]:
    """The expressions after the one with numbers, ending in `value`, each equal to the next.

    `tokens` is a flat expression of numbers, as "20 / 100 * 50".split().
    """
    return [*_between(tokens), value]


def _between(tokens: list[str]) -> list[str]:
    if len(tokens) == 5 and tokens[1:4] == ["/", "100", "*"]:
        return _percentage(tokens[0], tokens[4])
    if len(tokens) != 3:
        return _left_to_right(tokens)
    left, operator, right = Fraction(tokens[0]), tokens[1], Fraction(tokens[2])
    if operator == "*":
        return _product(left, right)
    if operator == "/":
        return _quotient(left, right)
    return _split_sum(tokens)


def _split_sum(tokens: list[str]) -> list[str]:
    """A hard sum or difference: the second number part by part."""
    left, operator, right = Fraction(tokens[0]), tokens[1], Fraction(tokens[2])
    whole = left.denominator == right.denominator == 1
    if whole and max(left, right) < _EASY_SUM:
        return []
    parts = _parts(right) if whole else [part for part in (right // 1, right % 1) if part]
    if len(parts) < 2 or (operator == "+" and len(_parts(left)) < 2):
        return []
    split = [tokens[0], *(piece for part in parts for piece in (operator, _text(Fraction(part))))]
    return [" ".join(split), *_left_to_right(split)]


def _left_to_right(tokens: list[str]) -> list[str]:
    """Long sums: the first two terms are joined until two are left."""
    expressions: list[str] = []
    while len(tokens) > 3 and set(tokens[1::2]) <= {"+", "-"}:
        left, right = Fraction(tokens[0]), Fraction(tokens[2])
        tokens = [_text(left + right if tokens[1] == "+" else left - right), *tokens[3:]]
        expressions.append(" ".join(tokens))
    return expressions


def _percentage(rate: str, whole: str) -> list[str]:
    product = Fraction(rate) * Fraction(whole)
    split = _product(Fraction(rate), Fraction(whole))
    inner = [f"({expression}) / 100" for expression in split]
    return [f"{rate} * {whole} / 100", *inner, f"{_text(product)} / 100"]


def _product(left: Fraction, right: Fraction) -> list[str]:
    whole = left.denominator == right.denominator == 1
    if whole and left <= _EASY_FACTOR and right <= _EASY_FACTOR:
        return []
    fewer, more = sorted((left, right), key=lambda factor: (len(_parts(factor)), factor))
    parts = _parts(more)
    if len(parts) == 1:
        return []
    flip = more is right
    terms = [
        f"{_text(fewer)} * {_text(p)}" if flip else f"{_text(p)} * {_text(fewer)}" for p in parts
    ]
    sums = " + ".join(_text(part * fewer) for part in parts)
    return [" + ".join(terms), sums, *_left_to_right(sums.split())]


def _quotient(left: Fraction, right: Fraction) -> list[str]:
    result = left / right
    parts = _parts(result)
    if len(parts) == 1 or result <= _EASY_FACTOR:
        return []
    terms = [f"{_text(part * right)} / {_text(right)}" for part in parts]
    return [" + ".join(terms), " + ".join(_text(part) for part in parts)]


def _parts(value: Fraction) -> list[Fraction]:
    """A number as a sum of its digits with their places, zeros left out."""
    digits = _text(value)
    whole, _, _ = digits.partition(".")
    place = Fraction(10) ** (len(whole) - 1)
    parts: list[Fraction] = []
    for digit in digits.replace(".", ""):
        if digit != "0":
            parts.append(int(digit) * place)
        place /= 10
    return parts


def _text(value: Fraction) -> str:
    if (value * 100).denominator == 1:
        return plain(value)
    return f"{float(value):.6f}".rstrip("0")
