"""Claims: neighbouring expressions joined by a relation, and what exact arithmetic says of each."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from statespace.arithmetic import rationals, units
from statespace.arithmetic.expressions import Term
from statespace.arithmetic.rationals import Rational
from statespace.trace import Verdict

_LOOSE_PERCENT = 1
_COARSE_PERCENT = 10
_ESTIMATE_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one claim; `upto` is the last token of it that was judged."""

    verdict: Verdict
    reason: str | None
    stated: Rational | None
    computed: Rational | None
    upto: int


def is_claim(left: Term, right: Term) -> bool:
    """Whether anything is computed: `72 = 72` and `x = 5` claim nothing."""
    return left.operators + right.operators > 0


def judge(left: Term, right: Term, *, approximate: bool) -> Judgement:
    """Compare two sides exactly; see the module docstring of `statespace.verifier` for the rules."""
    if left.value is None or right.value is None:
        stated = right.value if right.operators == 0 else None
        reason = (left.doubt if left.value is None else right.doubt) or "a value is unknown"
        if left.value is not None and _leads(left, right):
            return _run_on(left, right)
        return Judgement(Verdict.UNCHECKED, reason, stated, None, right.last)
    computed, stated = left, right
    if left.operators == 0 and right.operators > 0:
        computed, stated = right, left
    verdict, reason = _compare(computed, stated, approximate)
    if verdict is Verdict.REFUTED and _leads(left, right):
        return _run_on(left, right)
    if verdict is Verdict.REFUTED:
        doubt = left.doubt or right.doubt or _doubt(left, right, computed, stated)
        if doubt is not None:
            verdict, reason = Verdict.UNCHECKED, doubt
    return Judgement(verdict, reason, stated.value, computed.value, right.last)


def _compare(computed: Term, stated: Term, approximate: bool) -> tuple[Verdict, str | None]:
    assert computed.value is not None and stated.value is not None
    if rationals.equal(computed.value, stated.value):
        return Verdict.VERIFIED, None
    wrong = f"the left side is {rationals.render(computed.value)}"
    if computed.first > stated.first:
        wrong = f"the right side is {rationals.render(computed.value)}"
    if stated.decimals is None:
        if rationals.within(computed.value, stated.value, _LOOSE_PERCENT):
            return Verdict.UNCHECKED, "equal only up to rounding"
        return Verdict.REFUTED, wrong
    if rationals.is_rounding(computed.value, stated.value, stated.decimals):
        if rationals.within(computed.value, stated.value, _COARSE_PERCENT):
            return Verdict.VERIFIED, None
        return Verdict.UNCHECKED, "too coarse a rounding to tell"
    if approximate and rationals.within(computed.value, stated.value, _ESTIMATE_PERCENT):
        return Verdict.UNCHECKED, "an estimate"
    return Verdict.REFUTED, wrong


def _leads(left: Term, right: Term) -> bool:
    """Whether `right` runs on: its leading operand alone is what `left` comes to."""
    lead = right.lead
    if lead is None or lead.value is None or left.value is None or left.operators == 0:
        return False
    return _compare(left, lead, approximate=False)[0] is Verdict.VERIFIED


def _run_on(left: Term, right: Term) -> Judgement:
    assert right.lead is not None
    return Judgement(Verdict.VERIFIED, None, right.lead.value, left.value, right.lead.last)


def _doubt(left: Term, right: Term, computed: Term, stated: Term) -> str | None:
    """Why a claim that does not hold as plain numbers may still be right."""
    assert computed.value is not None and stated.value is not None
    if computed is right and stated.end > stated.last + 1:
        return "an equation between units"
    inside, outside = _sizes(computed), _sizes(stated)
    for family in inside.keys() | outside.keys():
        sizes = inside.get(family, set())
        if computed.sums and (len(sizes) > 1 or (family == "count" and sizes)):
            return "units of different size are added"
        if outside.get(family, set()) <= sizes and family != "count":
            continue
        if stated.value[0] and computed.value[0]:
            ratio = Fraction(*stated.value) / Fraction(*computed.value)
            if units.is_conversion(ratio, family) and (sizes or family in ("money", "count")):
                return "the unit changes"
    if _is_truncated(computed.value, stated):
        return "truncated, not rounded"
    return None


def _sizes(term: Term) -> dict[str, set[Fraction]]:
    """The sizes of the measuring units beside a term's numbers, by family."""
    sizes: dict[str, set[Fraction]] = {}
    for word in term.units:
        family = units.family_of(word)
        if family is not None:
            sizes.setdefault(family, set()).add(units.size_of(word))
    return sizes


def _is_truncated(exact: Rational, stated: Term) -> bool:
    if stated.decimals is None or stated.value is None:
        return False
    scale = 10**stated.decimals
    written = stated.value[0] * scale // stated.value[1]
    return abs(written) == abs(exact[0]) * scale // exact[1] and written * exact[0] > 0
