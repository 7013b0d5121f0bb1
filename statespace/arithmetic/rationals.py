"""Exact rationals as `(numerator, denominator)` pairs, bounded in size.

Pairs of ints are several times faster here than `fractions.Fraction`, whose constructor
dominates on numbers this small. Denominators are positive; pairs need not be in lowest terms.
Every operation returns None where the result is undefined or larger than `limits.MAX_BITS`.
"""

from __future__ import annotations

from math import gcd
from typing import Final, TypeAlias

from statespace.arithmetic.limits import MAX_BITS, MAX_EXPONENT

Rational: TypeAlias = tuple[int, int]

_SHORT_DECIMALS: Final = 12


def _bounded(numerator: int, denominator: int) -> Rational | None:
    if numerator.bit_length() > MAX_BITS or denominator.bit_length() > MAX_BITS:
        divisor = gcd(numerator, denominator)
        numerator //= divisor
        denominator //= divisor
        if numerator.bit_length() > MAX_BITS or denominator.bit_length() > MAX_BITS:
            return None
    return numerator, denominator


def add(a: Rational, b: Rational) -> Rational | None:
    """a + b."""
    if a[1] == b[1]:
        return _bounded(a[0] + b[0], a[1])
    return _bounded(a[0] * b[1] + b[0] * a[1], a[1] * b[1])


def negate(a: Rational) -> Rational:
    """-a."""
    return -a[0], a[1]


def multiply(a: Rational, b: Rational) -> Rational | None:
    """a * b."""
    return _bounded(a[0] * b[0], a[1] * b[1])


def divide(a: Rational, b: Rational) -> Rational | None:
    """a / b; None where b is zero."""
    if b[0] == 0:
        return None
    if b[0] < 0:
        return _bounded(-a[0] * b[1], -a[1] * b[0])
    return _bounded(a[0] * b[1], a[1] * b[0])


def power(base: Rational, exponent: Rational) -> Rational | None:
    """base ** exponent; None for roots, for 0 ** 0 and for what would grow too large."""
    divisor = gcd(*exponent)
    if exponent[1] != divisor:
        return None
    count = exponent[0] // divisor
    if abs(count) > MAX_EXPONENT or (base[0] == 0 and count <= 0):
        return None
    # The size is known before the multiplication: a huge power costs nothing.
    if max(base[0].bit_length(), base[1].bit_length()) * abs(count) > 2 * MAX_BITS:
        return None
    if count >= 0:
        return _bounded(base[0] ** count, base[1] ** count)
    return divide((1, 1), (base[0] ** -count, base[1] ** -count))


def equal(a: Rational, b: Rational) -> bool:
    """Whether a and b are the same number."""
    return a[0] * b[1] == b[0] * a[1]


def is_rounding(exact: Rational, stated: Rational, decimals: int) -> bool:
    """Whether `stated`, written with `decimals` decimals, is `exact` rounded to that many.

    Both customs for a tie hold: half up (away from zero) and half to even.
    """
    scale: int = 10**decimals
    written = stated[0] * scale // stated[1]
    error = 2 * abs(exact[0] * scale - written * exact[1])
    if error != exact[1]:
        return error < exact[1]
    return written % 2 == 0 or abs(written) * exact[1] > abs(exact[0]) * scale


def is_truncation(exact: Rational, stated: Rational, decimals: int) -> bool:
    """Whether `stated` is `exact` with the digits after the first `decimals` cut off, and not 0."""
    scale: int = 10**decimals
    written = stated[0] * scale // stated[1]
    return written * exact[0] > 0 and abs(written) == abs(exact[0]) * scale // exact[1]


def within(exact: Rational, stated: Rational, percent: int) -> bool:
    """Whether `stated` is no more than `percent` % of `exact` away from it."""
    difference = abs(exact[0] * stated[1] - stated[0] * exact[1])
    return 100 * difference <= percent * abs(exact[0]) * stated[1]


def render(value: Rational) -> str:
    """The number as text: a decimal where it is finite and short, else a fraction, both exact."""
    if value[1] == 1:
        return str(value[0])
    divisor = gcd(*value)
    numerator, denominator = value[0] // divisor, value[1] // divisor
    if denominator == 1:
        return str(numerator)
    digits = 0
    scaled = 1
    while digits < _SHORT_DECIMALS and scaled % denominator:
        digits += 1
        scaled *= 10
    if scaled % denominator:
        return f"{numerator}/{denominator}"
    whole = str(abs(numerator) * (scaled // denominator)).rjust(digits + 1, "0")
    sign = "-" if numerator < 0 else ""
    return f"{sign}{whole[:-digits]}.{whole[-digits:]}"
