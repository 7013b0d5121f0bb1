"""From tokens to checks: the stretches between relations, the names they bind, the links judged.

Between two relation signs lies a segment. Its prefix (up to the first stop) is the right side of
the relation before it, its suffix (after the last stop) the left side of the one after it; where
one expression is both, the equation is a chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from statespace.arithmetic import rationals, units
from statespace.arithmetic.claims import Judgement, is_claim, judge
from statespace.arithmetic.context import after_bullet, doubt_after, doubt_before
from statespace.arithmetic.expressions import ExpressionReader
from statespace.arithmetic.limits import MAX_CHECKS, MAX_PHRASE, Budget
from statespace.arithmetic.quantities import OPERAND_STARTS, name_of
from statespace.arithmetic.scope import Scope
from statespace.arithmetic.terms import Reading, Term
from statespace.arithmetic.tokens import Tokens
from statespace.trace import Check, Verdict

_MAX_HEADS = 4
_NAMING = frozenset({"word", "currency"})
_STEPS_TO_BIND = 4  # A scope of `MAX_NAMES` is copied.


class LinkChecker:
    """Checks the claims of one token list; `scope` and `checks` grow as it goes."""

    __slots__ = ("budget", "checks", "scope", "text", "tokens")

    def __init__(self, text: str, scope: Scope, budget: Budget) -> None:
        self.text = text
        self.scope = scope
        self.budget = budget
        self.checks: list[Check] = []
        self.tokens = Tokens()

    def run(self, tokens: Tokens) -> None:
        """Check every relation in `tokens`; raises `OutOfStepsError` with `checks` so far kept."""
        self.tokens = tokens
        relations = [at for at, kind in enumerate(tokens.kind) if kind == "relation"]
        self.budget.spend(len(relations))
        left: Term | None = None
        heads: list[str] = []
        before = 0
        for index, relation in enumerate(relations):
            after = relations[index + 1] if index + 1 < len(relations) else len(tokens.kind) - 1
            if left is None:
                left, heads = self._open(before, relation)
            left, heads = self._link(left, heads, relation, after)
            before = relation + 1
            if len(self.checks) >= MAX_CHECKS:
                return

    def _open(self, lo: int, hi: int) -> tuple[Term | None, list[str]]:
        """The left side that ends at `hi`, or the name that stands there."""
        start = self._after_last_stop(lo, hi)
        name = self._name(start, hi)
        if name is not None:
            return None, [name]
        left = self._suffix(start, hi)
        if left is not None and not left.operators and not left.names and left.first > start:
            return None, []  # "Day 2 = ": a label.
        if left is not None and not left.operators and left.names:
            return None, list(left.names)
        if left is not None and not left.operators:
            left.doubt = left.doubt or "starts from its result"
        return left, []

    def _link(
        self, left: Term | None, heads: list[str], relation: int, after: int
    ) -> tuple[Term | None, list[str]]:
        """Judge one relation; returns what the next one starts from."""
        hi = self._first_stop(relation + 1, after)
        start, approximate = self._value_start(relation, hi)
        right = ExpressionReader(self.tokens, self.scope, self.budget).read(start, hi)
        whole = hi == after
        if right is None or (right.value is None and not right.operators):
            name = self._name(relation + 1, after) if whole else None
            if left is None:
                self._forget(heads)
            if name is None:
                return None, []
            if left is not None:
                self._bind([name], left)
                return left, heads
            return None, [*heads, name][:_MAX_HEADS]
        right.doubt = right.doubt or doubt_after(self.tokens, right, hi, self.budget)
        right.rounded |= approximate or (left is not None and left.rounded)
        if left is not None and is_claim(left, right):
            judgement = self._judge(left, right, approximate, relation, hi)
            self._record(left, judgement)
            right.rounded |= judgement.rounded
        self._bind(heads, right)
        if whole and right.end == after:
            return right, heads
        return None, []

    def _judge(
        self, left: Term, right: Term, approximate: bool, relation: int, hi: int
    ) -> Judgement:
        """The kindest judgement over the readings that the text allows."""
        judgement = judge(left, right, approximate=approximate)
        if judgement.verdict is Verdict.VERIFIED:
            return judgement
        for a, b in self._other_readings(left, right, relation, hi):
            other = judge(a, b, approximate=approximate)
            if other.verdict is Verdict.VERIFIED:
                return other
            if other.verdict is Verdict.UNCHECKED:
                judgement = other
        return judgement

    def _other_readings(
        self, left: Term, right: Term, relation: int, hi: int
    ) -> Iterator[tuple[Term, Term]]:
        """Both sides once more, in the senses other than the plain one that the text allows."""
        if after_bullet(self.tokens, left.first):
            reader = ExpressionReader(self.tokens, self.scope, self.budget)
            signed = reader.read(left.first - 1, relation)
            if signed is not None and signed.end == left.end:
                yield signed, right
        if not (left.ambiguous or right.ambiguous or left.percent or right.percent):
            return
        for reading in (Reading.UNITS, Reading.RELATIVE, Reading.NESTED):
            reader = ExpressionReader(self.tokens, self.scope, self.budget, reading)
            other_left = reader.read(left.first, relation)
            other_right = reader.read(right.first, hi)
            if other_left is None or other_left.end != left.end:
                other_left = left
            if other_right is None or other_right.end != right.end:
                other_right = right
            yield other_left, other_right
            yield left, other_right
            yield other_left, right

    def _record(self, left: Term, judgement: Judgement) -> None:
        start = self.tokens.start[left.first]
        end = self.tokens.end[judgement.upto]
        stated, computed = judgement.stated, judgement.computed
        self.checks.append(
            Check(
                start=start,
                end=end,
                claim=self.text[start:end],
                stated=None if stated is None else rationals.render(stated),
                computed=None if computed is None else rationals.render(computed),
                verdict=judgement.verdict,
                reason=judgement.reason,
            )
        )

    def _bind(self, names: list[str], term: Term) -> None:
        if not names:
            return
        circular = not set(names).isdisjoint(term.names)  # An equation to solve: `x = 6 + .3x`.
        if term.value is None or term.doubt is not None or circular:
            self._forget(names)
            return
        value = Fraction(*term.value)
        for name in names:
            self.budget.spend(_STEPS_TO_BIND)
            self.scope = self.scope.bind(name, value, rounded=term.rounded)

    def _forget(self, names: list[str]) -> None:
        for name in names:
            self.budget.spend(_STEPS_TO_BIND)
            self.scope = self.scope.forget(name)

    def _suffix(self, lo: int, hi: int) -> Term | None:
        """The expression that ends at `hi`: the last of the runs that start at `lo` or later."""
        reader = ExpressionReader(self.tokens, self.scope, self.budget)
        at = lo
        previous: Term | None = None
        while at < hi:
            self.budget.spend()
            term = reader.read(at, hi) if self._can_start(at, lo, hi) else None
            if term is None:
                at += 1
            elif term.end == hi:
                term.doubt = term.doubt or doubt_before(
                    self.tokens, term.first, lo, previous, self.budget
                )
                return term
            else:
                previous = term
                at = term.end
        return None

    def _can_start(self, at: int, lo: int, hi: int) -> bool:
        tokens = self.tokens
        kind = tokens.kind[at]
        if kind == "op":
            # A dash with a space after it opens a list item; one without is a sign.
            return tokens.text[at] == "-" and at + 1 < hi and tokens.adjacent(at + 1) and at == lo
        if kind != "word":
            return True
        stop = at + 1
        while stop < hi and stop - at < MAX_PHRASE and tokens.kind[stop] == "word":
            self.budget.spend()
            stop += 1
        if stop >= hi or tokens.kind[stop] != "op":
            return False
        return stop == at + 1 or name_of(tokens, at, stop) in self.scope

    def _value_start(self, relation: int, hi: int) -> tuple[int, bool]:
        """Where the right side begins, past words such as "about", and whether it is rounded."""
        tokens = self.tokens
        approximate = tokens.text[relation] == "≈"
        at = relation + 1
        while at < min(hi, relation + MAX_PHRASE) and tokens.kind[at] == "word":
            self.budget.spend()
            text = tokens.text[at].lower()
            if text in units.APPROXIMATE:
                approximate = True
            elif text not in units.FILLERS:
                break
            at += 1
        if at < hi and tokens.kind[at] in OPERAND_STARTS:
            return at, approximate
        return relation + 1, approximate

    def _name(self, lo: int, hi: int) -> str | None:
        """The name that fills `lo` to `hi`; None where anything but words stands there."""
        tokens = self.tokens
        if not 0 < hi - lo <= MAX_PHRASE:
            return None
        self.budget.spend()
        if not _NAMING.issuperset(tokens.kind[lo:hi]):
            return None
        words = [at for at in range(lo, hi) if tokens.kind[at] == "word"]
        while len(words) > 1 and tokens.text[words[0]].lower() in units.CONNECTORS:
            words.pop(0)
        if not words:
            return None
        letters = [len(tokens.text[at]) == 1 for at in words]
        if len(words) > 1 and letters[-1]:
            # "the value of x" names x; "a b" is a product.
            return None if all(letters) else tokens.text[words[-1]]
        return name_of(tokens, words[0], words[-1] + 1)

    def _first_stop(self, lo: int, hi: int) -> int:
        kinds = self.tokens.kind[lo:hi]
        at = lo + kinds.index("stop") if "stop" in kinds else hi
        self.budget.spend(at - lo)
        return at

    def _after_last_stop(self, lo: int, hi: int) -> int:
        kinds = self.tokens.kind[lo:hi]
        after = hi - kinds[::-1].index("stop") if "stop" in kinds else lo
        self.budget.spend(hi - after)
        return after
