"""A path of a beam: what is written on it, and what speaks for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from app.engines.base import Sampling
from app.strategies.base import PathEnded
from app.strategies.claims import Claim, claim
from app.strategies.path import Writing
from statespace.reader import Reading
from statespace.solutions import IncompleteReason
from statespace.trace import Transition, Verdict


class Mean(NamedTuple):
    """A running mean."""

    total: float = 0.0
    number: int = 0

    def plus(self, *values: float) -> Mean:
        """With `values` taken in."""
        return Mean(self.total + sum(values), self.number + len(values))

    @property
    def value(self) -> float | None:
        """None where there was nothing."""
        return self.total / self.number if self.number else None


NOTHING: Final = Mean()


@dataclass(slots=True, eq=False)
class Line:
    """A path that grows by one transition at a time."""

    writing: Writing
    claims: frozenset[Claim] = frozenset()
    """All that is claimed on it: lines that claim the same have come to the same state."""
    refuted: int = 0
    illegal: int = 0
    confidence: Mean = NOTHING
    """Log-probabilities of its tokens."""
    agreement: Mean = NOTHING
    """At each step, the share of candidates that said the same."""
    reward: float | None = None

    def branch(self, lane: int) -> Line:
        """A candidate: it is to be written, and goes on from here."""
        return replace(self, writing=self.writing.branch(lane))

    def write(self, sampling: Sampling) -> AsyncGenerator[Reading, None]:
        """Write one transition."""
        return self.writing.write(sampling, until=lambda _: True)

    @property
    def grows(self) -> bool:
        """Whether it has one more transition, that is whole."""
        reason = self.ended().reason
        return self.writing.reader.halted and reason in (None, IncompleteReason.NO_ANSWER)

    @property
    def finished(self) -> bool:
        """Whether it has come to an answer."""
        return self.ended().reason is None

    def take_in(self) -> None:
        """Judge the transition that was written."""
        newest = self.writing.reader.transitions[-1]
        chain = [*self.chain, newest] if newest.target is not None else self.chain
        self.refuted = sum(each.verdict is Verdict.REFUTED for each in chain)
        self.illegal = sum(not each.legal for each in chain)
        self.claims |= {claim(newest)}
        self.confidence = self.confidence.plus(*self.writing.logprobs[: newest.tokens])

    @property
    def chain(self) -> list[Transition]:
        """The transitions from the question to the newest state."""
        reader = self.writing.reader
        states = frozenset(reader.chain)
        return [each for each in reader.transitions if each.id in states]

    @property
    def score(self) -> float | None:
        """The best of what it is ranked by beside the verdicts."""
        if self.reward is not None:
            return self.reward
        return self.agreement.value if self.confidence.value is None else self.confidence.value

    @property
    def rank(self) -> tuple[float, ...]:
        """The less the better."""
        return (
            self.refuted,
            self.illegal,
            -(self.reward or 0.0),
            -(self.confidence.value or 0.0),
            -(self.agreement.value or 0.0),
        )

    def ended(self) -> PathEnded:
        """How it has ended, if this is its end."""
        return self.writing.ended(lane=True, weight=self.score)
