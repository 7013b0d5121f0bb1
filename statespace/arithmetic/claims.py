"""Claims: neighbouring expressions joined by a relation, and what exact arithmetic says of each."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from statespace.arithmetic import rationals, units
from statespace.arithmetic.rationals import Rational
from statespace.arithmetic.terms import Term
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

    @property
    def rounded(self) -> bool:
        """Whether the stated value stands for another one near it."""
        return (
            self.verdict is not Verdict.REFUTED
            and self.stated is not None
            and self.computed is not None
            and not rationals.equal(self.stated, self.computed)
        )


def is_claim(left: Term, right: Term) -> bool:
    """Whether anything is computed: `72 = 72` and `x = 5` claim nothing."""
    return left.operators + right.operators > 0


def judge(left: Term, right: Term, *, approximate: bool) -> Judgement:
    """Compare two sides exactly; the rules are in the docstring of `statespace.verifier`."""
    if left.value is None or right.value is None:
        if right.lead is not None and _leads(left, right):
            return _run_on(left, right.lead)
        cause = (left.doubt if left.value is None else right.doubt) or "a value is unknown"
        known = right.value if right.operators == 0 else None
        return Judgement(Verdict.UNCHECKED, cause, known, None, right.last)
    computed, stated, exact, written = left, right, left.value, right.value
    if left.operators == 0 and right.operators > 0:
        computed, stated, exact, written = right, left, right.value, left.value
    verdict, reason = _compare(exact, written, stated.decimals, approximate)
    if verdict is Verdict.REFUTED and right.lead is not None and _leads(left, right):
        return _run_on(left, right.lead)
    if verdict is Verdict.REFUTED:
        doubt = left.doubt or right.doubt or _doubt(computed, stated, exact, written)
        if doubt is not None:
            verdict, reason = Verdict.UNCHECKED, doubt
    return Judgement(verdict, reason, written, exact, right.last)


def _compare(
    computed: Rational, stated: Rational, decimals: int | None, approximate: bool
) -> tuple[Verdict, str | None]:
    """The verdict on two numbers; `decimals` is None where neither side is a bare number."""
    if rationals.equal(computed, stated):
        return Verdict.VERIFIED, None
    if decimals is None:
        if rationals.within(computed, stated, _LOOSE_PERCENT):
            return Verdict.UNCHECKED, "equal only up to rounding"
    elif rationals.is_rounding(computed, stated, decimals):
        if rationals.within(computed, stated, _COARSE_PERCENT):
            return Verdict.VERIFIED, None
        return Verdict.UNCHECKED, "too coarse a rounding to tell"
    elif approximate and rationals.within(computed, stated, _ESTIMATE_PERCENT):
        return Verdict.UNCHECKED, "an estimate"
    return Verdict.REFUTED, f"computed {rationals.render(computed)}"


def _leads(left: Term, right: Term) -> bool:
    """Whether `right` runs on: its leading operand alone is what `left` comes to."""
    lead = right.lead
    if lead is None or lead.value is None or left.value is None or left.operators == 0:
        return False
    return _compare(left.value, lead.value, lead.decimals, False)[0] is Verdict.VERIFIED


def _run_on(left: Term, lead: Term) -> Judgement:
    return Judgement(Verdict.VERIFIED, None, lead.value, left.value, lead.last)


def _doubt(computed: Term, stated: Term, exact: Rational, written: Rational) -> str | None:
    """Why a claim that does not hold as plain numbers may still be right."""
    if computed.first > stated.first and stated.end > stated.last + 1:
        return "an equation between units"  # `16 quarters = 16 * $0.25`
    if stated.decimals is not None and rationals.is_truncation(exact, written, stated.decimals):
        return "truncated, not rounded"
    return _doubt_of_units(computed, _sizes(computed), _sizes(stated), exact, written)


def _doubt_of_units(
    computed: Term,
    inside: dict[str, set[Fraction]],
    outside: dict[str, set[Fraction]],
    exact: Rational,
    written: Rational,
) -> str | None:
    for family in sorted(inside.keys() | outside.keys()):
        sizes, others = inside.get(family, set()), outside.get(family, set())
        loose = family == "count" or (family in units.THINGS and sizes != others)
        if computed.sums and (len(sizes) > 1 or (loose and sizes)):
            return "units of different size are added"
        if others <= sizes and not loose:
            continue
        if written[0] and exact[0]:
            ratio = Fraction(*written) / Fraction(*exact)
            if units.is_conversion(ratio, family) and (sizes or loose or family == "money"):
                return "the unit changes"
    return None


def _sizes(term: Term) -> dict[str, set[Fraction]]:
    """The sizes of the measuring units beside a term's numbers, by family."""
    sizes: dict[str, set[Fraction]] = {}
    for word in term.units:
        family = units.family_of(word)
        if family is not None:
            sizes.setdefault(family, set()).add(units.size_of(word))
    return sizes
