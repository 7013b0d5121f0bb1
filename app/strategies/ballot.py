"""The vote of several paths: what each counts, which answer leads, and when that is decided.

Adaptive consistency (Aggarwal et al. 2023, arXiv 2305.11860): of the two leading answers with
weights a and b, the first is the more probable one with P(X > 1/2), X ~ Beta(a + 1, b + 1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from app.strategies.base import Decided
from statespace.options import VoteOptions
from statespace.solutions import IncompleteReason


@dataclass(frozen=True, slots=True)
class Vote:
    """What a path that has ended says."""

    path: int
    group: int | None
    """Of its answer; None if it has none, and counts nothing."""
    refuted: bool = False
    """Whether it rests on a refuted transition."""
    reason: IncompleteReason | None = None
    """Why it has no answer."""


class Ballot:
    """Votes as they come in; weights are added exactly."""

    def __init__(self, options: VoteOptions) -> None:
        self._options = options
        self._refuted_weight = Fraction(options.refuted_weight)
        self._votes: dict[int, Vote] = {}

    def __len__(self) -> int:
        return len(self._votes)

    def __contains__(self, path: int) -> bool:
        return path in self._votes

    def weight(self, vote: Vote) -> Fraction:
        """What a vote counts."""
        if vote.group is None:
            return Fraction(0)
        return self._refuted_weight if vote.refuted else Fraction(1)

    def cast(self, vote: Vote) -> None:
        """Count the vote of a path."""
        self._votes[vote.path] = vote

    @property
    def is_decided(self) -> bool:
        """Whether the paths that are left need not be waited for; each may count up to 1."""
        left = self._options.paths - len(self._votes)
        if left == 0 or self._options.stop == "never":
            return left == 0
        lead, second = self._leading()
        if lead > second + left:
            return True
        likely = self._options.stop == "likely" and lead > second
        return likely and probability(lead, second) >= self._options.confidence

    def decision(self) -> Decided:
        """Whose answer it is: the first path of the leading group, of those with least refuted.

        Of groups that weigh the same, the one with the first path leads. If none has an answer, it
        is the commonest reason why.
        """
        votes = [self._votes[path] for path in sorted(self._votes)]
        if not any(vote.group is not None for vote in votes):
            reasons = Counter(vote.reason or IncompleteReason.NO_ANSWER for vote in votes)
            return Decided(None, reasons.most_common(1)[0][0])
        sums = self._sums()
        heaviest = max(sums.values())
        group = next(vote.group for vote in votes if sums.get(vote.group) == heaviest)
        members = [vote for vote in votes if vote.group == group]
        return Decided(min(members, key=lambda vote: vote.refuted).path)

    def _sums(self) -> dict[int | None, Fraction]:
        sums: dict[int | None, Fraction] = {}
        for vote in self._votes.values():
            if vote.group is not None:
                sums[vote.group] = sums.get(vote.group, Fraction(0)) + self.weight(vote)
        return sums

    def _leading(self) -> tuple[Fraction, Fraction]:
        """The weights of the two leading groups."""
        lead, second, *_ = sorted([*self._sums().values(), Fraction(0), Fraction(0)], reverse=True)
        return lead, second


def probability(lead: Fraction | float, second: Fraction | float) -> float:
    """That the answer with weight `lead` is the more probable one, after a flat prior."""
    return float(incomplete_beta()(float(second) + 1, float(lead) + 1, 0.5))


@cache
def incomplete_beta() -> Callable[[float, float, float], float]:
    """The regularized incomplete beta function. Its import takes half a second, once."""
    from scipy.special import betainc  # noqa: PLC0415

    found: Callable[[float, float, float], float] = betainc
    return found
