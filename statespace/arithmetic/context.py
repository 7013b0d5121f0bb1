"""What stands around an expression, and why it may belong to it.

An expression found in running text may be a part of what its writer meant: `half of 4 + 2`,
`1 hour 30 minutes`, `14, 400 / 80`. Each function names the doubt, or returns None.
"""

from __future__ import annotations

from typing import Final
from unicodedata import category

from statespace.arithmetic import units
from statespace.arithmetic.limits import Budget
from statespace.arithmetic.terms import Term
from statespace.arithmetic.tokens import Tokens

_ORDINARY_STOPS: Final = frozenset(".,;:?!\"“”'’‘\n—…•>|#~")
_NUMERIC: Final = frozenset({"close", "number", "percent", "opaque", "fraction"})
_JOINTS: Final = frozenset("!|'’.")
_JOINED: Final = frozenset({"op", "open", "number"})
_VALUES: Final = frozenset({"number", "opaque", "fraction"})
_POWER: Final = ["to", "the", "power"]
_NEAR: Final = 4
_DIGIT_GROUP: Final = 3


def doubt_before(
    tokens: Tokens, first: int, lo: int, previous: Term | None, budget: Budget
) -> str | None:
    """Doubt that comes from the tokens `lo` to `first`; `previous` is the run read before."""
    if first == lo:
        return _doubt_across_stop(tokens, first)
    kind, text = tokens.kind[first - 1], tokens.text[first - 1].lower()
    if kind == "word":
        doubt = _doubt_after_word(tokens, first, lo, text)
    elif kind == "op":
        doubt = None if after_bullet(tokens, first) else "an operator precedes"
    elif kind in _NUMERIC:
        doubt = "a number precedes"
    elif kind == "open" and first - 2 >= lo and tokens.kind[first - 2] == "op":
        doubt = "an unclosed bracket precedes"
    else:
        doubt = None
    if doubt is None and previous is not None and first - previous.end < _NEAR:
        budget.spend(_NEAR)
        if _measures(tokens, previous.end, first):
            return "a quantity precedes"
    return doubt


def after_bullet(tokens: Tokens, first: int) -> bool:
    """Whether a dash that opens a line stands before `first`: a list mark, or else a sign."""
    return (
        first > 0
        and tokens.text[first - 1] == "-"
        and (first == 1 or tokens.text[first - 2] == "\n")
        and not tokens.adjacent(first)
    )


def _doubt_across_stop(tokens: Tokens, first: int) -> str | None:
    if first < 1 or tokens.kind[first - 1] != "stop":
        return None
    stop = tokens.text[first - 1]
    if first == 1:  # Noise may open a text; a root belongs to what follows.
        computes = stop.startswith("\\") or category(stop[:1] or " ") == "Sm"
        return f"follows {stop!r}" if computes and stop not in _ORDINARY_STOPS else None
    joins = tokens.kind[first - 2] == "op" or _joins(tokens, first - 1)
    if stop not in _ORDINARY_STOPS or joins:
        return f"follows {stop!r}"
    grouped = tokens.end[first] - tokens.start[first] == _DIGIT_GROUP
    if stop == "," and grouped and tokens.kind[first - 2] == "number":
        return "may be the end of a longer number"
    return None


def _joins(tokens: Tokens, stop: int) -> bool:
    """Whether a stop is a part of what stands on both sides of it: `5!-3`, `1'000`, `0.(3)`."""
    return (
        tokens.text[stop] in _JOINTS
        and tokens.adjacent(stop)
        and tokens.adjacent(stop + 1)
        and tokens.kind[stop - 1] in _NUMERIC
        and tokens.kind[stop + 1] in _JOINED
    )


def _doubt_after_word(tokens: Tokens, first: int, lo: int, word: str) -> str | None:
    leads = {word, word[:-1]} & units.LEADING_WORDS or word in units.OPERATION_WORDS
    if leads or tokens.adjacent(first):
        return f"follows {word!r}"
    if word in {"of", "by"} and first - 2 >= lo:
        kind, text = tokens.kind[first - 2], tokens.text[first - 2].lower()
        if kind != "word" or text in units.PART_WORDS:
            return "a part of a longer expression"
    name = tokens.text[first].lower()
    if tokens.kind[first] == "word" and len(name) > 1 and name not in units.FILLERS:
        return None if word in units.NO_NAMES else "may be the end of a longer name"
    return None


def doubt_after(tokens: Tokens, term: Term, hi: int, budget: Budget) -> str | None:
    """Doubt that comes from the tokens after a value, up to the stop at `hi`."""
    at = term.end
    if at >= hi:
        goes_on = (
            tokens.text[hi] == "…"
            or tokens.text[hi : hi + 2] == [".", "."]
            or _joins(tokens, hi)
            or (tokens.text[hi] == "!" and tokens.kind[hi + 1] == "op")
        )
        return "the number goes on" if goes_on else None
    if tokens.kind[at] == "op":
        return "an operator follows"
    if tokens.text[at].lower() in units.REMAINDER_WORDS:
        return "a remainder follows"
    if tokens.text[at].lower() in units.OPERATION_WORDS or tokens.text[at : at + 3] == _POWER:
        return "an operation in words follows"
    for index in range(at, min(at + _NEAR, hi)):
        budget.spend()
        if tokens.kind[index] in _VALUES or tokens.text[index] == "half":
            return "a second quantity follows" if _measures(tokens, at, index) else None
    return None


def _measures(tokens: Tokens, lo: int, hi: int) -> bool:
    """Whether only measuring words stand there, as in `1 hour and 30 minutes`."""
    return all(
        tokens.text[at] == "and"
        or tokens.kind[at] == "currency"
        or units.family_of(tokens.text[at]) is not None
        for at in range(lo, hi)
    )
