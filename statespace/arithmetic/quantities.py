"""Quantities in running text: a number or a known name, with the words of its unit.

Words beside numbers are units and are skipped; words that stand where a number should are names,
whose value the scope knows or nobody does.
"""

from __future__ import annotations

from typing import Final

from statespace.arithmetic import rationals, units
from statespace.arithmetic.limits import MAX_PHRASE, Budget
from statespace.arithmetic.scope import Scope
from statespace.arithmetic.terms import Reading, Term
from statespace.arithmetic.tokens import Tokens

OPERAND_STARTS: Final = frozenset({"number", "open", "currency", "fraction", "opaque"})
"""Kinds of token that begin an operand, whatever precedes them."""

_WORDLIKE_LETTERS: Final = frozenset({"a", "A", "I"})
_UNIT_STARTS: Final = frozenset({"word", "currency", "open"})
_SENTENCE_ENDS: Final = frozenset({"stop", "end"})


class _Phrase:
    """The words beside a number: where they end, and what they may mean."""

    __slots__ = ("clause", "doubt", "end", "factor", "units", "words")

    def __init__(self, end: int) -> None:
        self.end = end
        self.words = 0
        self.clause = False
        self.doubt: str | None = None
        self.factor: str | None = None
        self.units: list[str] = []


class QuantityReader:
    """Reads quantities from one token list under one reading, between a token and `hi`."""

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

    def _name(self, at: int) -> Term | None:
        """A known name, else an unknown operand if the words stand between operators."""
        tokens = self.tokens
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
                    term.rounded = True
                    term.doubt = f"{name} was rounded"
                elif end < stop and len(name) > 1 and self._renames(end):
                    term.doubt = "may be the beginning of a longer name"
                return self._with_unit(term)
        return unknown(at, stop, f"{name_of(tokens, at, stop)} is unknown")

    def _renames(self, at: int) -> bool:
        """Whether the word at `at` makes another name of the one before it: `cost of books`."""
        word = self.tokens.text[at].lower()
        return len(word) > 1 and word not in units.NO_NAMES and units.family_of(word) is None

    def _with_unit(self, term: Term) -> Term:
        """Extend `term` by the words of its unit, if what follows them lets it go on."""
        if not self._may_go_on(term.end):
            return term
        if self._is_factor(term.end):
            if self.reading is not Reading.UNITS or self._is_variable(term.end):
                return self._times_name(term, term.end)
            term.doubt = term.doubt or "a letter that may be a variable"
        phrase = self._phrase(term)
        at, tokens = phrase.end, self.tokens
        if at == term.end or phrase.words > MAX_PHRASE or self._starts_operand(at):
            return term  # Another number follows without an operator: the words end this thought.
        if tokens.kind[at] in _SENTENCE_ENDS:
            # What follows the last value of a sentence is prose and changes nothing.
            phrase.doubt = self._doubt_of_letters(term.end, 0) if phrase.words else None
        elif phrase.clause:
            phrase.doubt = phrase.doubt or "another clause lies between"
        term.end = at
        term.units += tuple(phrase.units)
        term.doubt = term.doubt or phrase.factor or phrase.doubt
        return term

    def _may_go_on(self, at: int) -> bool:
        """Whether the token at `at` can begin the words of a unit: mostly, none follow."""
        if at >= self.hi:
            return False
        kind = self.tokens.kind[at]
        return kind in _UNIT_STARTS or (kind == "op" and self.tokens.text[at] == "/")

    def _phrase(self, term: Term) -> _Phrase:
        """The words, remarks and `/ word`s after `term`."""
        tokens = self.tokens
        phrase = _Phrase(term.end)
        while phrase.end < self.hi and phrase.words <= MAX_PHRASE:
            self.budget.spend()
            at = phrase.end
            kind, text = tokens.kind[at], tokens.text[at]
            if kind == "word":
                of = text == "of" and not phrase.words and can_take_of(term, tokens)
                if of or self._is_times(at):
                    break
                phrase.doubt = phrase.doubt or self._doubt_of_letters(at, phrase.words)
                phrase.clause = phrase.clause or text.lower() in units.CLAUSE_WORDS
                if not phrase.words:
                    phrase.factor = phrase.factor or _doubt_of_word(text.lower())
                if units.family_of(text) is not None:
                    phrase.units.append(text)
                phrase.words += 1
            elif kind == "op" and text == "/" and self._is_unit(at + 1):
                if len(tokens.text[at + 1]) == 1 or not tokens.adjacent(at + 1):
                    phrase.factor = "a divisor that may be a variable"
                phrase.words += 1
                phrase.end += 1
            elif kind == "currency" and at == term.end and not self._starts_operand(at + 1):
                phrase.units.append(text)
            elif kind == "open" and self._is_remark(at):
                if tokens.adjacent(at):
                    phrase.factor = "a bracket that may be a factor"
                phrase.end = tokens.pair[at]
            else:
                break
            phrase.end += 1
        return phrase

    def _doubt_of_letters(self, at: int, words: int) -> str | None:
        if self.tokens.kind[at] != "word":
            return None
        text = self.tokens.text[at]
        attached = not words and self.tokens.adjacent(at)
        if text[-1].isdigit():
            return "a word and a number run together"
        if len(text) == 1 and (attached or text not in _WORDLIKE_LETTERS):
            return "a letter that may be a variable"
        if attached and len(text) == 2 and text not in units.PLAIN_ATTACHED:
            return "letters that may be variables"
        return None

    def _times_name(self, term: Term, at: int) -> Term:
        name = self._name(at)
        factor = None if name is None else self._raised(name)
        if factor is None:
            return unknown(term.first, at, "nested too deeply")
        value = None
        if term.value is not None and factor.value is not None:
            value = rationals.multiply(term.value, factor.value)
        product = term.absorb(factor, value)
        product.ambiguous = not self._is_variable(at)
        return product

    def _raised(self, base: Term) -> Term | None:
        """`base` to the power that follows it: reading exponents is a matter of expressions."""
        raise NotImplementedError

    def _is_variable(self, at: int) -> bool:
        """Whether the name at `at` cannot be a unit: one letter that abbreviates none."""
        text = self.tokens.text[at]
        return len(text) == 1 and text not in units.UNIT_LETTERS

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
            and self.tokens.kind[at + 1] in OPERAND_STARTS
        )

    def _is_unit(self, at: int) -> bool:
        return (
            at < self.hi
            and self.tokens.kind[at] == "word"
            and (self.tokens.text[at] not in self.scope)
        )

    def _is_factor(self, at: int) -> bool:
        """Whether the word at `at` is a known name beside a number: `3x`, `3 x`."""
        tokens = self.tokens
        after = at + 1
        return tokens.text[at] in self.scope and (
            after >= self.hi or tokens.kind[after] in ("op", "close")
        )

    def _starts_operand(self, at: int) -> bool:
        return at < self.hi and self.tokens.kind[at] in OPERAND_STARTS

    def _is_remark(self, at: int) -> bool:
        """Whether the bracket at `at` holds words: `1 (Samuel)`."""
        close = self.tokens.pair.get(at)
        return (
            close is not None
            and close < self.hi
            and self.tokens.kind[at + 1] == "word"
            and (self.tokens.text[at + 1] not in self.scope)
        )


def _doubt_of_word(word: str) -> str | None:
    """Why the number right before `word` may not be what is computed with."""
    if word in units.OPERATION_WORDS:
        return "an operation in words"
    return "a time of day" if word in units.CLOCK_WORDS else None


def name_of(tokens: Tokens, at: int, end: int) -> str:
    """The words `at` to `end` as a name: case is kept for one word only, articles are dropped."""
    if end - at == 1:
        return tokens.text[at]
    words = [tokens.text[index].lower() for index in range(at, end)]
    return " ".join(word for word in words if word not in units.ARTICLES)


def unknown(at: int, end: int, doubt: str) -> Term:
    """An operand without a value, and why it has none."""
    term = Term(None, at, end)
    term.doubt = doubt
    return term


def can_take_of(term: Term, tokens: Tokens) -> bool:
    """Whether "of" after `term` multiplies: it is a percentage, below one or a written fraction."""
    value = term.value
    return term.percent or (
        value is not None
        and (0 < value[0] < value[1] or tokens.text[term.last - 1 : term.last] == ["/"])
    )
