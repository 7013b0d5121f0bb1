"""Expressions in running text, read once from left to right by a depth-limited recursive descent.

Words beside numbers are units and are skipped; words that stand where a number should are names,
whose value the scope knows or nobody does. A reader never fails: it returns the longest expression
that starts at a token, or None.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from statespace.arithmetic import rationals, units
from statespace.arithmetic.limits import MAX_DEPTH, MAX_PHRASE, Budget
from statespace.arithmetic.rationals import Rational
from statespace.arithmetic.scope import Scope
from statespace.arithmetic.tokens import Tokens

_OPERAND_STARTS: Final = ("number", "open", "currency", "fraction", "opaque")
_MAX_SIGNS: Final = 2
_SINGLE_LETTERS_THAT_ARE_WORDS: Final = ("a", "A", "I")


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
    is all that a run-on sentence (`8 + 4 = 12 / 2 = 6`) equates.
    """

    __slots__ = (
        "ambiguous", "decimals", "doubt", "end", "first", "last", "lead", "names",
        "operators", "partial", "percent", "sums", "units", "value",
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
        joined.ambiguous = (
            self.ambiguous or other.ambiguous or self.percent or other.percent
        )
        joined.doubt = self.doubt or other.doubt
        if value is None and joined.doubt is None:
            joined.doubt = "not computable within the limits"
        joined.names = self.names + other.names
        joined.units = self.units + other.units
        joined.lead = self.lead or self
        return joined


class ExpressionReader:
    """Reads expressions from one token list under one reading."""

    __slots__ = ("budget", "depth", "hi", "reading", "scope", "tokens")

    def __init__(
        self, tokens: Tokens, scope: Scope, budget: Budget, reading: Reading = Reading.PLAIN
    ) -> None:
        self.tokens = tokens
        self.scope = scope
        self.budget = budget
        self.reading = reading
        self.hi = 0
        self.depth = 0

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

    def _product(self, at: int) -> Term | None:
        left = self._signed(at)
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
            if text == "of" and (left.percent or _is_fraction(left, tokens)):
                return self._whole_of(at + 1), "of"
            if tokens.adjacent(at) and text in self.scope and self.reading is Reading.PLAIN:
                return self._power(at), "*"
        if kind in ("open", "fraction") and tokens.adjacent(at):
            return self._power(at), "*"
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
        tokens = self.tokens
        if base is None or base.end >= self.hi:
            return base
        if tokens.kind[base.end] != "op" or tokens.text[base.end] != "^":
            return base
        self.depth += 1
        exponent = self._signed(base.end + 1) if self.depth <= MAX_DEPTH else None
        self.depth -= 1
        if exponent is None:
            return None
        value = None
        if base.value is not None and exponent.value is not None:
            value = rationals.power(base.value, exponent.value)
        return base.absorb(exponent, value)

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
        if at >= self.hi:
            return None
        kind = self.tokens.kind[at]
        if kind == "number":
            return self._number(at)
        if kind == "open":
            return self._group(at)
        if kind == "fraction":
            return self._fraction(at)
        if kind == "word":
            return self._name(at)
        if kind == "opaque":
            return self._with_unit(_unknown(at, at + 1, "not a plain number"))
        return None

    def _number(self, at: int) -> Term | None:
        tokens = self.tokens
        if at >= self.hi or tokens.kind[at] != "number":
            return None
        term = Term(tokens.value[at], at, at + 1)
        term.decimals = tokens.decimals[at]
        self._mixed(term)
        if term.end < self.hi and tokens.kind[term.end] == "percent":
            term.end += 1
            term.last += 1
            term.percent = True
            if self.reading is not Reading.UNITS and term.value is not None:
                term.value = (term.value[0], term.value[1] * 100)
                term.decimals = None if term.decimals is None else term.decimals + 2
        return self._with_unit(term)

    def _mixed(self, term: Term) -> None:
        """Extend a whole number by the fraction of a mixed number: `1 1/2`, `2½`."""
        tokens = self.tokens
        at = term.end
        if term.decimals != 0 or term.value is None or at >= self.hi:
            return
        if tokens.kind[at] == "fraction" and at in tokens.value:
            part, end = tokens.value[at], at + 1
        elif (
            at + 2 < self.hi
            and tokens.kind[at] == "number" == tokens.kind[at + 2]
            and tokens.text[at + 1] == "/"
            and tokens.adjacent(at + 1)
            and tokens.adjacent(at + 2)
            and 0 < tokens.value[at][0] < tokens.value[at + 2][0]
        ):
            part, end = (tokens.value[at][0], tokens.value[at + 2][0]), at + 3
        else:
            return
        term.value = rationals.add(term.value, part)
        term.end, term.last, term.decimals = end, end - 1, None

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
        return self._with_unit(inner)

    def _name(self, at: int) -> Term | None:
        """A known name, else an unknown operand if the words stand between operators."""
        tokens = self.tokens
        start = self._after_fillers(at)
        if start > at and start < self.hi and tokens.kind[start] in _OPERAND_STARTS:
            return self._atom(start)
        stop = at
        while stop < self.hi and stop - at < MAX_PHRASE and tokens.kind[stop] == "word":
            self.budget.spend()
            stop += 1
        for end in range(stop, at, -1):
            self.budget.spend()
            name = name_of(tokens, at, end)
            if name in self.scope:
                fraction = self.scope[name]
                term = Term((fraction.numerator, fraction.denominator), at, end)
                term.names = (name,)
                if name in self.scope.rounded:
                    term.doubt = f"{name} was rounded"
                return self._with_unit(term)
        return _unknown(at, stop, f"{name_of(tokens, at, stop)} is unknown")

    def _after_fillers(self, at: int) -> int:
        tokens = self.tokens
        stop = min(self.hi, at + MAX_PHRASE)
        while at < stop and tokens.kind[at] == "word" and tokens.text[at] in units.FILLERS:
            self.budget.spend()
            at += 1
        return at

    def _is_times(self, at: int) -> bool:
        """Whether the word at `at` is the letter x written for a multiplication sign."""
        return (
            self.tokens.text[at] in "xX"
            and at + 1 < self.hi
            and self.tokens.kind[at + 1] in _OPERAND_STARTS
        )

    def _with_unit(self, term: Term) -> Term:
        """Extend `term` by the words of its unit, if what follows them lets it go on."""
        tokens = self.tokens
        at = term.end
        words = 0
        doubt = None
        clause = False
        found: list[str] = []
        while at < self.hi and words <= MAX_PHRASE:
            self.budget.spend()
            kind, text = tokens.kind[at], tokens.text[at]
            if kind == "word":
                if self._is_times(at) or (text == "of" and not words and _can_take_of(term, tokens)):
                    break
                if not words and self._is_factor(at):
                    if self.reading is Reading.PLAIN:
                        return self._times_name(term, at)
                    doubt = "a letter that may be a variable"
                doubt = doubt or self._doubt_of_letters(at, words)
                clause = clause or text.lower() in units.CLAUSE_WORDS
                if units.family_of(text) is not None:
                    found.append(text)
                words += 1
            elif kind == "op" and text == "/" and self._is_unit(at + 1):
                if len(tokens.text[at + 1]) == 1 or not tokens.adjacent(at + 1):
                    term.doubt = term.doubt or "a divisor that may be a variable"
                words += 1
                at += 1
            elif kind == "currency" and (at == term.end) and not self._starts_operand(at + 1):
                found.append(text)
            elif kind == "open" and self._is_remark(at):
                if tokens.adjacent(at):
                    doubt = doubt or "a bracket that may be a factor"
                at = tokens.pair[at]
            else:
                break
            at += 1
        if at < self.hi and (words > MAX_PHRASE or self._starts_operand(at)):
            return term  # Another number follows without an operator: the words end this thought.
        if at > term.end:
            # What follows the last value of a sentence is prose and changes nothing.
            if tokens.kind[at] in ("stop", "end") and doubt is not None and words > 1:
                doubt = self._doubt_of_letters(term.end, 0)
            elif clause and tokens.kind[at] not in ("stop", "end"):
                doubt = doubt or "another clause lies between"
            term.end = at
            term.units += tuple(found)
            term.doubt = term.doubt or doubt
        return term

    def _doubt_of_letters(self, at: int, words: int) -> str | None:
        text = self.tokens.text[at]
        attached = not words and self.tokens.adjacent(at)
        if text[-1].isdigit():
            return "a word and a number run together"
        if len(text) == 1 and (attached or text not in _SINGLE_LETTERS_THAT_ARE_WORDS):
            return "a letter that may be a variable"
        if attached and len(text) == 2 and text not in units.PLAIN_ATTACHED:
            return "letters that may be variables"
        return None

    def _is_unit(self, at: int) -> bool:
        return at < self.hi and self.tokens.kind[at] == "word" and (
            self.tokens.text[at] not in self.scope
        )

    def _is_factor(self, at: int) -> bool:
        """Whether the word at `at` is a known name beside a number: `3x`, `3 x`."""
        tokens = self.tokens
        after = at + 1
        return tokens.text[at] in self.scope and (
            after >= self.hi or tokens.kind[after] in ("op", "close")
        )

    def _times_name(self, term: Term, at: int) -> Term:
        factor = self._name(at)
        if factor is None:
            return term
        value = None
        if term.value is not None and factor.value is not None:
            value = rationals.multiply(term.value, factor.value)
        product = term.absorb(factor, value)
        product.ambiguous = True
        return product

    def _starts_operand(self, at: int) -> bool:
        return at < self.hi and self.tokens.kind[at] in _OPERAND_STARTS

    def _is_remark(self, at: int) -> bool:
        """Whether the bracket at `at` holds words: `1 (Samuel)`."""
        close = self.tokens.pair.get(at)
        return close is not None and close < self.hi and self.tokens.kind[at + 1] == "word" and (
            self.tokens.text[at + 1] not in self.scope
        )


def name_of(tokens: Tokens, at: int, end: int) -> str:
    """The words `at` to `end` as a name: case is kept for one word only, articles are dropped."""
    if end - at == 1:
        return tokens.text[at]
    words = [tokens.text[index].lower() for index in range(at, end)]
    return " ".join(word for word in words if word not in units.ARTICLES)


def _unknown(at: int, end: int, doubt: str) -> Term:
    term = Term(None, at, end)
    term.doubt = doubt
    return term


def _can_take_of(term: Term, tokens: Tokens) -> bool:
    return term.percent or (term.value is not None and _is_fraction(term, tokens))


def _is_fraction(term: Term, tokens: Tokens) -> bool:
    """Whether "of" after `term` means multiplication: it is below one or a written fraction."""
    value = term.value
    return value is not None and (
        0 < value[0] < value[1] or tokens.text[term.last - 1 : term.last] == ["/"]
    )
