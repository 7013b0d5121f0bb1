"""Expressions in running text, read once from left to right by a depth-limited recursive descent.

A reader never fails: it returns the longest expression that starts at a token, or None.
"""

from __future__ import annotations

from typing import Final

from statespace.arithmetic import rationals
from statespace.arithmetic.limits import MAX_DEPTH
from statespace.arithmetic.quantities import QuantityReader, can_take_of, unknown
from statespace.arithmetic.terms import Reading, Term
from statespace.arithmetic.units import UNIT_LETTERS

_MAX_SIGNS: Final = 2


class ExpressionReader(QuantityReader):
    """Reads expressions from one token list under one reading."""

    __slots__ = ()

    def read(self, at: int, hi: int) -> Term | None:
        """The longest expression that starts at token `at` and ends before `hi`."""
        self.hi = hi
        self.depth = 0
        return self._sum(at)

    def _sum(self, at: int) -> Term | None:
        left = self._product(at)
        tokens = self.tokens
        while left is not None and left.end < self.hi:
            self.budget.spend()
            operator = tokens.text[left.end]
            if tokens.kind[left.end] != "op" or operator not in "+-":
                break
            if left.partial:
                left.doubt = left.doubt or "the sum after 'of' may belong together"
            right = self._product(left.end + 1)
            if right is None:
                break
            if operator == "-" and self._is_range(left, right):
                left.doubt = left.doubt or "may be a range"
            value = None
            if left.value is not None and right.value is not None:
                addend = right.value
                if self.reading is Reading.RELATIVE and right.percent and not left.percent:
                    addend = rationals.multiply(left.value, addend) or addend
                value = rationals.add(
                    left.value, rationals.negate(addend) if operator == "-" else addend
                )
            left = left.absorb(right, value)
            left.sums = True
        return left

    def _is_range(self, left: Term, right: Term) -> bool:
        """Whether this is written like `3-5 apples`."""
        upper = right.lead or right
        if left.operators or upper.end == upper.last + 1 or self._is_spaced(left.end):
            return False
        a, b = left.value, upper.value
        return a is not None and b is not None and a[0] * b[1] < b[0] * a[1]

    def _product(self, at: int) -> Term | None:
        left = self._signed(at)
        divided = False
        while left is not None and left.end < self.hi:
            self.budget.spend()
            right, operator = self._factor(left)
            if right is None:
                break
            value = None
            if left.value is not None and right.value is not None:
                if operator == "/":
                    value = rationals.divide(left.value, right.value)
                    if right.value[0] == 0:
                        right.doubt = "division by zero"
                else:
                    value = rationals.multiply(left.value, right.value)
            of_name = self.tokens.kind[right.first] == "number" and right.names  # `1/2x`
            if (operator == "/" and of_name) or (divided and (not operator or right.ambiguous)):
                right.doubt = right.doubt or "a product after a slash"
            divided = divided or operator == "/"
            joined = left.absorb(right, value)
            if operator == "of":
                joined.lead, joined.partial = left, True
            left = joined
        return left

    def _factor(self, left: Term) -> tuple[Term | None, str]:
        """The factor or divisor that follows `left`, with its operator."""
        tokens = self.tokens
        at = left.end
        kind, text = tokens.kind[at], tokens.text[at]
        if kind == "op" and text in "*/":
            right = self._signed(at + 1)
            return (self._nested(at, right) if text == "/" else right), text
        if kind == "word":
            if self._is_times(at):
                return self._signed(at + 1), "*"
            if text == "of" and can_take_of(left, tokens):
                return self._whole_of(at + 1), "of"
            if tokens.adjacent(at) and text in self.scope and self.reading is not Reading.UNITS:
                return self._power(at), ""
        if kind in {"open", "fraction"} and at not in tokens.value and tokens.adjacent(at):
            return self._power(at), ""
        return None, ""

    def _whole_of(self, at: int) -> Term | None:
        """What a share is taken of; None for unknown things: `20% of the students`."""
        whole = self._signed(self._after_fillers(at))
        return None if whole is None or (whole.value is None and not whole.operators) else whole

    def _nested(self, slash: int, divisor: Term | None) -> Term | None:
        """A divisor that is itself written as a fraction, in the reading that takes it whole."""
        tokens = self.tokens
        if divisor is None or divisor.end >= self.hi or tokens.text[divisor.end] != "/":
            return divisor
        if self._is_spaced(divisor.end) and not self._is_spaced(slash):
            return divisor
        divisor.ambiguous = True
        if divisor.end > divisor.last + 1:
            divisor.doubt = divisor.doubt or "a rate"
        if self.reading is not Reading.NESTED or divisor.value is None:
            return divisor
        below = self._signed(divisor.end + 1)
        if below is None or below.value is None:
            return divisor
        return divisor.absorb(below, rationals.divide(divisor.value, below.value))

    def _is_spaced(self, slash: int) -> bool:
        return not (self.tokens.adjacent(slash) and self.tokens.adjacent(slash + 1))

    def _signed(self, at: int) -> Term | None:
        tokens = self.tokens
        signs = 0
        while at + signs < self.hi and signs <= _MAX_SIGNS:
            self.budget.spend()
            if tokens.kind[at + signs] != "op" or tokens.text[at + signs] not in "+-":
                break
            signs += 1
        term = self._power(at + signs)
        if term is None or not signs:
            return term
        if signs > _MAX_SIGNS:
            return None
        term.first = at
        if tokens.text[at] == "+":
            term.doubt = term.doubt or "a sign without a left side"
        if tokens.text[at : at + signs].count("-") == 1 and term.value is not None:
            term.value = rationals.negate(term.value)
        return term

    def _power(self, at: int) -> Term | None:
        base = self._atom(at)
        return None if base is None else self._raised(base)

    def _raised(self, base: Term) -> Term | None:
        """`base` to the power that follows it, if one does; None where it is nested too deeply."""
        tokens = self.tokens
        if base.end >= self.hi or tokens.kind[base.end] != "op" or tokens.text[base.end] != "^":
            return base
        self.depth += 1
        exponent = self._exponent(base.end + 1) if self.depth <= MAX_DEPTH else None
        whole = None if exponent is None else self._with_unit(self._to_the(base, exponent))
        self.depth -= 1
        return whole

    def _to_the(self, base: Term, exponent: Term) -> Term:
        """`base` to the power of `exponent`, which may be that of its unit: `5 cm^2`."""
        if base.end > base.last + 1:
            if base.doubt is not None and self.tokens.text[base.end - 1] not in UNIT_LETTERS:
                base.value = None  # `2x^2 + 3x` are not five of anything.
            base.end = exponent.end
            return base
        value = None
        if base.value is not None and exponent.value is not None:
            value = rationals.power(base.value, exponent.value)
        whole = base.absorb(exponent, value)
        end = exponent.end
        if end < self.hi and self.tokens.adjacent(end) and self.tokens.kind[end] == "word":
            whole.doubt = whole.doubt or "a product after an exponent"
        return whole

    def _exponent(self, at: int) -> Term | None:
        """An exponent. The words after it belong to the whole: `x^2 y`, `2^10 bytes`."""
        tokens = self.tokens
        kind = tokens.kind[at] if at < self.hi else "end"
        if kind == "open":
            term = self._bracketed(at)
        elif kind == "number":
            term = Term(tokens.value[at], at, at + 1)
        else:
            return self._signed(at)
        return None if term is None else self._raised(term)

    def _atom(self, at: int) -> Term | None:
        self.budget.spend()
        tokens = self.tokens
        first = at
        if at < self.hi and tokens.kind[at] == "currency":
            at += 1
        if at > first and at < self.hi and tokens.text[at] == "-":
            at += 1  # "$-5"
            term = self._number(at)
            if term is not None and term.value is not None:
                term.value = rationals.negate(term.value)
        else:
            term = self._operand(at)
        if term is None:
            return None
        if at > first:
            term.units += (tokens.text[first],)
        term.first = first
        return term

    def _operand(self, at: int) -> Term | None:
        kind = self.tokens.kind[at] if at < self.hi else "end"
        term: Term | None = None
        if kind == "number":
            term = self._number(at)
        elif kind == "open":
            term = self._group(at)
        elif kind == "fraction":
            term = self._fraction(at)
        elif kind == "opaque":
            term = self._with_unit(unknown(at, at + 1, "not a plain number"))
        elif kind == "word":
            start = self._after_fillers(at)
            beyond = start > at and self._starts_operand(start)
            term = self._atom(start) if beyond else self._name(at)
        return term

    def _fraction(self, at: int) -> Term | None:
        r"""`\frac{a}{b}`, or a single character such as ½."""
        tokens = self.tokens
        if at in tokens.value:
            return self._with_unit(Term(tokens.value[at], at, at + 1))
        above = self._group(at + 1)
        below = self._group(above.end) if above is not None else None
        if above is None or below is None:
            return None
        value = None
        if above.value is not None and below.value is not None:
            value = rationals.divide(above.value, below.value)
        whole = above.absorb(below, value)
        whole.first = at
        return whole

    def _group(self, at: int) -> Term | None:
        """A bracketed expression, with its unit."""
        inner = self._bracketed(at)
        return None if inner is None else self._with_unit(inner)

    def _bracketed(self, at: int) -> Term | None:
        """A bracketed expression; None where the brackets hold anything else."""
        tokens = self.tokens
        close = tokens.pair.get(at)
        if close is None or close >= self.hi or self.depth >= MAX_DEPTH:
            return None
        outer = self.hi
        self.hi = close
        self.depth += 1
        inner = self._sum(at + 1)
        self.depth -= 1
        self.hi = outer
        if inner is None or inner.end != close:
            return None
        inner.first, inner.end, inner.last = at, close + 1, close
        inner.lead = None
        return inner
