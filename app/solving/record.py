"""What is known of a running solution, and the wire values made of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.strategies.base import Decided, PathEnded, Spent
from statespace.grounding import grounding
from statespace.solutions import (
    Failure,
    Grounding,
    IncompleteReason,
    Path,
    Solution,
    SolutionRequest,
    Source,
    Status,
    Usage,
    Verification,
)
from statespace.trace import Transition, Verdict


@dataclass(slots=True)
class Record:
    """A solution while it is made."""

    id: str
    request: SolutionRequest
    model: str
    source: Source | None = None
    spent: Spent = field(default_factory=Spent)
    status: Status = Status.QUEUED
    transitions: list[Transition] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    answer_path: int | None = None
    text: str | None = None
    reason: IncompleteReason | None = None
    error: Failure | None = None
    grounding: Grounding | None = None
    created_at: float = field(default_factory=time.time)
    completed_at: float | None = None

    @property
    def answer(self) -> str | None:
        """The answer of the path that was decided for."""
        for path in self.paths:
            if path.path == self.answer_path:
                return path.answer
        return None

    def again(self, spent: Spent, standing: Sequence[Transition]) -> None:
        """It is gone on with from the `standing` transitions; the others are void."""
        self.spent = spent
        self.status = Status.QUEUED
        self.transitions = list(standing)
        self.paths.clear()
        self.answer_path = self.text = self.reason = self.error = None

    def end_path(self, ended: PathEnded) -> None:
        """Take in a path that has ended; where there is but one, it is the answer."""
        self.paths.append(ended.path)
        if not ended.lane:
            self.text = ended.text
            self.decide(Decided(ended.path.path, ended.reason))

    def decide(self, decided: Decided) -> None:
        """Take in whose answer counts."""
        self.answer_path = decided.path
        self.reason = decided.reason

    def end(self, status: Status, *, reason: IncompleteReason | None = None) -> None:
        """The solution is over."""
        self.status = status
        self.reason = reason
        self.completed_at = time.time()
        if status is Status.COMPLETED:
            self.grounding = grounding(self.solution())

    @property
    def tokens(self) -> int:
        """Tokens that were generated."""
        return self.spent.completion

    def solution(self) -> Solution:
        """The solution object as it stands."""
        request = self.request
        return Solution(
            id=self.id,
            status=self.status,
            question=request.question,
            model=self.model,
            strategy=request.strategy,
            answer=self.answer,
            answer_path=self.answer_path,
            text=self.text,
            transitions=tuple(self.transitions),
            paths=tuple(self.paths),
            usage=self.usage(),
            verification=verification([transition.verdict for transition in self.transitions]),
            incomplete_reason=self.reason,
            error=self.error,
            created_at=self.created_at,
            completed_at=self.completed_at,
            metadata=request.metadata,
            source=self.source,
            grounding=self.grounding,
        )

    def usage(self) -> Usage:
        """Tokens so far. Those that no transition holds are discarded, save a plain answer's."""
        held = sum(transition.tokens for transition in self.transitions)
        return Usage(
            prompt_tokens=self.spent.prompt,
            first_prompt_tokens=self.spent.first,
            cached_tokens=self.spent.cached,
            completion_tokens=self.spent.completion,
            discarded_tokens=0 if self.text is not None else self.spent.completion - held,
        )


def verification(verdicts: Sequence[Verdict]) -> Verification:
    """How many transitions got which verdict."""
    return Verification(
        verified=verdicts.count(Verdict.VERIFIED),
        refuted=verdicts.count(Verdict.REFUTED),
        unchecked=verdicts.count(Verdict.UNCHECKED),
    )
