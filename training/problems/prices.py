"""Draws of sums of money, for the relation tables."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import Numbers, divisors, few, price


def note(rng: Random, x: Fraction | None) -> Numbers | None:
    """A banknote, or a round sum, that covers the price."""
    cost = price(rng, 18) if x is None else x
    fitting = [note for note in (5, 10, 20, 50, 100, 200, 500) if cost < note < 4 * cost + 10]
    return {"x": cost, "b": Fraction(rng.choice(fitting))} if fitting else None


def spending(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(6, 120)) if x is None else x
    if have < 2:
        return None
    whole = Fraction(rng.randint(1, int(have) - 1))
    cents = Fraction(rng.choice((25, 50, 75, 99, 20, 40)), 100)
    return {"x": have, "b": whole - cents if whole > 1 and rng.random() < 0.2 else whole}


def shares(rng: Random, x: Fraction | None) -> Numbers | None:
    people = rng.randint(2, 8)
    if x is None:
        return {"x": price(rng, 30) * people, "b": Fraction(people)}
    fitting = [n for n in range(2, 9) if (x / n * 100).denominator == 1]
    return {"x": x, "b": Fraction(rng.choice(fitting))} if fitting else None


def discount(rng: Random, x: Fraction | None) -> Numbers | None:
    rate = rng.choice((5, 10, 10, 15, 20, 20, 25, 30, 40, 50, 60, 75))
    base = Fraction(rng.choice((5, 10, 20)) * rng.randint(2, 30)) if x is None else x
    return {"x": base, "p": Fraction(rate)} if (base * rate / 100 * 100).denominator == 1 else None


def surcharge(rng: Random, x: Fraction | None) -> Numbers | None:
    """A rate that is added to a price."""
    rate = rng.choice((5, 6, 8, 10, 10, 12, 15, 15, 18, 20, 20, 25))
    base = Fraction(rng.choice((5, 10, 20)) * rng.randint(2, 30)) if x is None else x
    return {"x": base, "p": Fraction(rate)} if (base * rate).denominator == 1 else None


def voucher(rng: Random, x: Fraction | None) -> Numbers | None:
    base = Fraction(rng.randint(8, 120)) if x is None else x
    return {"x": base, "b": Fraction(rng.randint(1, min(int(base) - 1, 40)))} if base > 4 else None


def dearer(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(3, 90)) if x is None else x
    return {"x": have, "b": Fraction(int(have) + rng.choice((rng.randint(1, 60), 5 * few(rng))))}


def affordable(rng: Random, x: Fraction | None) -> Numbers | None:
    if x is None:
        each = rng.randint(2, 15)
        return {"x": Fraction(each * few(rng, 2, 15)), "b": Fraction(each)}
    fitting = divisors(x, 2, 30)
    return {"x": x, "b": Fraction(rng.choice(fitting))} if fitting else None
