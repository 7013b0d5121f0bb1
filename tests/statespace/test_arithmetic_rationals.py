"""Exact arithmetic on pairs, against `fractions` and `decimal`."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from math import gcd

import pytest
from hypothesis import assume, given, strategies as st

from statespace.arithmetic import rationals
from statespace.arithmetic.limits import MAX_BITS, MAX_EXPONENT
from statespace.arithmetic.rationals import Rational

numbers = st.builds(
    lambda n, d, k: (n * k, d * k),
    st.integers(-(10**9), 10**9), st.integers(1, 10**6), st.integers(1, 50),
)  # fmt: skip


def as_fraction(value: Rational | None) -> Fraction:
    assert value is not None
    return Fraction(*value)


@given(numbers, numbers)
def test_operations_agree_with_fractions(a: Rational, b: Rational) -> None:
    assert as_fraction(rationals.add(a, b)) == Fraction(*a) + Fraction(*b)
    assert as_fraction(rationals.multiply(a, b)) == Fraction(*a) * Fraction(*b)
    assert as_fraction(rationals.negate(a)) == -Fraction(*a)
    if b[0]:
        assert as_fraction(rationals.divide(a, b)) == Fraction(*a) / Fraction(*b)


@given(numbers, st.integers(-12, 12))
def test_whole_powers_agree_with_fractions(base: Rational, exponent: int) -> None:
    assume(base[0] or exponent > 0)
    power = rationals.power(base, (exponent * 3, 3))
    if power is not None:
        assert Fraction(*power) == Fraction(*base) ** exponent


@pytest.mark.parametrize(
    ("base", "exponent"),
    [((0, 1), (0, 1)), ((0, 1), (-1, 1)), ((4, 1), (1, 2)), ((2, 1), (MAX_EXPONENT + 1, 1)),
     ((10**30, 1), (100, 1)), ((1, 10**30), (-100, 1))],
)  # fmt: skip
def test_powers_that_do_not_exist_or_are_too_large_have_no_value(
    base: Rational, exponent: Rational
) -> None:
    assert rationals.power(base, exponent) is None


def test_division_by_zero_has_no_value() -> None:
    assert rationals.divide((1, 1), (0, 5)) is None


def test_results_do_not_outgrow_the_limit() -> None:
    large = (1 << (MAX_BITS - 1), 1)
    assert rationals.multiply(large, (4, 1)) is None
    assert rationals.multiply(large, (4, 8)) is not None  # It fits in lowest terms.


@given(numbers, st.integers(0, 8))
def test_roundings_are_those_of_decimal(value: Rational, decimals: int) -> None:
    with localcontext(prec=60):
        exact = Decimal(value[0]) / Decimal(value[1])
        unit = Decimal(1).scaleb(-decimals)
        accepted = {exact.quantize(unit, mode) for mode in (ROUND_HALF_EVEN, ROUND_HALF_UP)}
        for candidate in {exact.quantize(unit) + step * unit for step in (-1, 0, 1)}:
            stated = candidate.as_integer_ratio()
            assert rationals.is_rounding(value, stated, decimals) == (candidate in accepted)


@given(numbers)
def test_rendered_numbers_read_back_exactly(value: Rational) -> None:
    text = rationals.render(value)
    assert Fraction(text) == Fraction(*value)
    reduced = value[1] // gcd(*value)
    assert ("/" in text) == (pow(10, 12, reduced) != 0 if reduced > 1 else False)


@pytest.mark.parametrize(
    ("exact", "stated", "decimals", "truncated"),
    [((17, 3), (5, 1), 0, True), ((2, 3), (66, 100), 2, True), ((2, 3), (67, 100), 2, False),
     ((1, 4), (0, 1), 0, False), ((-17, 3), (-5, 1), 0, True), ((17, 3), (-5, 1), 0, False)],
)  # fmt: skip
def test_truncation_is_told_from_rounding(
    exact: Rational, stated: Rational, decimals: int, truncated: bool
) -> None:
    assert rationals.is_truncation(exact, stated, decimals) is truncated
