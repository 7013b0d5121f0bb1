"""Numbers that school problems have, and how they are written.

A *draw* makes the numbers of one relation: given the quantity `x` it grows from (None where the
relation may choose it), it returns the values by name, or None where no sensible ones exist.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

Numbers = dict[str, Fraction]
Draw = Callable[[Random, Fraction | None], Numbers | None]


def plain(value: Fraction, *, money: bool = False) -> str:
    """A number as digits: "8", "2.5", and two decimals for money that isn't whole ("2.50")."""
    if value.denominator == 1:
        return str(value.numerator)
    text = f"{float(value):.2f}"
    return text if money else text.rstrip("0")


def amount(rng: Random, low: int = 2) -> int:
    """A count such as problems have: mostly small, sometimes hundreds, rarely thousands."""
    roll = rng.random()
    if roll < 0.45:
        value = rng.randint(2, 20)
    elif roll < 0.8:
        value = rng.randint(10, 60)
    elif roll < 0.93:
        value = rng.randint(40, 200)
    elif roll < 0.98:
        value = rng.choice((5, 10, 50)) * rng.randint(10, 99)
    else:
        value = rng.randint(200, 3000)
    return max(low, value)


def few(rng: Random, low: int = 2, high: int = 12) -> int:
    """A small factor."""
    return rng.randint(low, high)


def price(rng: Random, top: int = 20) -> Fraction:
    """What one thing costs, in the currency's units."""
    roll = rng.random()
    whole = rng.randint(1, top)
    if roll < 0.68:
        return Fraction(whole)
    if roll < 0.92:
        return whole - Fraction(rng.choice((25, 50, 50, 50, 75)), 100)
    return Fraction(rng.randint(10, 100 * min(top, 12)), 100)


def start(rng: Random, *, money: bool) -> Fraction:
    """What a problem starts from where the relation doesn't mind."""
    if not money:
        return Fraction(amount(rng))
    return 4 + price(rng, 90) if rng.random() < 0.5 else Fraction(5 * rng.randint(2, 40))


def divisors(value: Fraction, low: int = 2, high: int = 25) -> list[int]:
    """Divisors within bounds that leave a quotient of at least 2; none where value isn't whole."""
    if value.denominator != 1:
        return []
    whole = value.numerator
    return [d for d in range(low, min(high, whole // 2) + 1) if whole % d == 0]


def plus(name: str = "b") -> Draw:
    """x and another count."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        base = Fraction(amount(rng)) if x is None else x
        other = (
            amount(rng, 1)
            if rng.random() < 0.4 and base > 20
            else rng.randint(1, max(12, int(base)))
        )
        return {"x": base, name: Fraction(other)}

    return draw


def several_each(number: str, size: str) -> Draw:
    """A few groups of some size, which x is more than enough for."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        have = Fraction(rng.randint(10, 120)) if x is None else x
        each = few(rng, 2, 10)
        if have <= 2 * each or have.denominator != 1:
            return None
        most = min(12, (int(have) - 1) // each)
        return {"x": have, number: Fraction(rng.randint(1, most)), size: Fraction(each)}

    return draw


def smaller(whole: str, part: str, make: Callable[[Random], int], gap: int = 1) -> Draw:
    """A count, and another that is smaller by at least `gap`."""

    def draw(rng: Random, _: Fraction | None) -> Numbers | None:
        value = make(rng)
        return {whole: Fraction(value), part: Fraction(rng.randint(1, value - gap))}

    return draw


def similar(first: str, second: str) -> Draw:
    """Two counts of about the same size."""
    pair = plus(second)

    def draw(rng: Random, _: Fraction | None) -> Numbers | None:
        numbers = pair(rng, None)
        if numbers is not None:
            numbers[first] = numbers.pop("x")
        return numbers

    return draw


def minus(name: str = "b") -> Draw:
    """x and a smaller count."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        base = Fraction(max(3, amount(rng))) if x is None else x
        if base < 2:
            return None
        return {"x": base, name: Fraction(rng.randint(1, int(base) - 1))}

    return draw


def times(name: str = "b", low: int = 2, high: int = 12) -> Draw:
    """x and a small factor."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        base = Fraction(rng.choice((few(rng), few(rng), rng.randint(2, 40)))) if x is None else x
        if base > 400:
            return None
        factor = few(rng, low, high)
        if base > 60:
            factor = min(factor, few(rng, low, max(low, 6)))
        return {"x": base, name: Fraction(factor)}

    return draw


def over(name: str = "b", low: int = 2, high: int = 12) -> Draw:
    """x and a divisor of it."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        if x is None:
            divisor = few(rng, low, high)
            quotient = rng.choice((few(rng), few(rng), rng.randint(2, 30)))
            return {"x": Fraction(divisor * quotient), name: Fraction(divisor)}
        choices = divisors(x, low, high)
        return {"x": x, name: Fraction(rng.choice(choices))} if choices else None

    return draw


def multiple(of: int) -> Draw:
    """x, a multiple of a fixed number that the relation divides by."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        if x is None:
            return {"x": Fraction(of * rng.choice((few(rng), few(rng), rng.randint(2, 40))))}
        return {"x": x} if (x / of).denominator == 1 else None

    return draw


def percent(name: str = "p") -> Draw:
    """x and a percentage of it that comes out whole."""
    common = (5, 10, 15, 20, 20, 25, 25, 30, 40, 50, 50, 60, 75, 80, 90)

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        rate = rng.choice(common)
        if x is None:
            unit = 100 // _gcd(rate, 100)
            base = Fraction(unit * rng.randint(1, max(2, 200 // unit)))
            return {"x": base, name: Fraction(rate)}
        fitting = [r for r in common if (x * r / 100).denominator == 1]
        return {"x": x, name: Fraction(rng.choice(fitting))} if fitting else None

    return draw


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def fixed() -> Draw:
    """x alone; nothing else is given."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        return {"x": Fraction(amount(rng)) if x is None else x}

    return draw


def own(**ranges: Callable[[Random], Fraction | int]) -> Draw:
    """Numbers independent of x, each drawn by its own function."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        numbers = {name: Fraction(make(rng)) for name, make in ranges.items()}
        if x is not None:
            numbers["x"] = x
        return numbers

    return draw


def within(low: int, high: int, step: int = 1) -> Callable[[Random], int]:
    """A whole number between bounds, for `own`."""
    return lambda rng: rng.randrange(low, high + 1, step)


def both(first: Draw, second: Draw) -> Draw:
    """The numbers of two draws; the second sees the first's x."""

    def draw(rng: Random, x: Fraction | None) -> Numbers | None:
        one = first(rng, x)
        if one is None:
            return None
        two = second(rng, one.get("x"))
        return None if two is None else one | two

    return draw
