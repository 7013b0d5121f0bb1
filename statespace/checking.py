"""Checking without a model: a whole trace or a single line in, verdicts out."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from statespace.parser import Started, TransitionParser
from statespace.reader import read
from statespace.trace import Check, Frozen, Transition, Verdict
from statespace.verifier import verify_output

MAX_TRACE: Final = 262_144
"""Characters of a trace."""
MAX_STATES: Final = 1_000
"""States of a trace, as many as one that is generated may have: each is placed by a walk over those
that led to it."""
MAX_LINE: Final = 16_384


class CheckRequest(BaseModel):
    """What is to be checked: a trace in the text format, or a line of arithmetic."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    trace: Annotated[str | None, Field(min_length=1, max_length=MAX_TRACE)] = None
    line: Annotated[str | None, Field(min_length=1, max_length=MAX_LINE)] = None

    @field_validator("trace")
    @classmethod
    def _bounded(cls, trace: str | None) -> str | None:
        parser = TransitionParser()
        events = [*parser.feed(trace or ""), *parser.close()]
        count = sum(isinstance(event, Started) for event in events)
        if count > MAX_STATES:
            raise ValueError(f"a trace may have {MAX_STATES:,} states, and this one has {count:,}")
        return trace

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.trace is None) == (self.line is None):
            raise ValueError("give either trace or line")
        return self


class CheckResult(Frozen):
    """What exact arithmetic says of it."""

    object: Literal["verification"] = "verification"
    verdict: Annotated[
        Verdict, Field(description="Of a trace: `refuted` if any transition on its path is.")
    ]
    checks: Annotated[tuple[Check, ...], Field(description="Of a line.")] = ()
    transitions: tuple[Transition, ...] = ()
    answer: Annotated[str | None, Field(description="What the trace's Summarize states.")] = None
    resolved: bool = False


def check(request: CheckRequest) -> CheckResult:
    """Check a line, or parse, place and check a trace. Total, as its parts are."""
    if request.line is not None:
        found = verify_output(request.line)
        return CheckResult(verdict=found.verdict, checks=found.checks)
    trace = read(request.trace or "")
    return CheckResult(
        verdict=_of_path(trace.transitions),
        transitions=trace.transitions,
        answer=trace.answer,
        resolved=trace.resolved,
    )


def _of_path(transitions: tuple[Transition, ...]) -> Verdict:
    """The verdict on the path to the newest state; dead ends were taken back."""
    by_id = {transition.id: transition for transition in transitions}
    verdicts = set()
    state = transitions[-1].id if transitions else 0
    while state:
        verdicts.add(by_id[state].verdict)
        state = by_id[state].parent
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    return Verdict.VERIFIED if Verdict.VERIFIED in verdicts else Verdict.UNCHECKED
