"""Transitions, checks and traces: the values that a reasoning run leaves behind.

All models are frozen and versioned by `TRACE_VERSION`. They hold what happened; how text becomes
transitions is in `statespace.parser` and `statespace.tree`, what is checked in
`statespace.verifier`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from statespace.actions import Action

TRACE_VERSION: Final = 1
"""Version of the state space: the action set, the text format and these models."""


class Frozen(BaseModel):
    """Base of all wire values: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Verdict(StrEnum):
    """What the verifier says of a claim or of a whole transition."""

    VERIFIED = "verified"
    """Everything checkable in it holds."""
    REFUTED = "refuted"
    """Something in it is wrong."""
    UNCHECKED = "unchecked"
    """Nothing in it could be checked."""


class Origin(StrEnum):
    """Who wrote a transition."""

    MODEL = "model"
    VERIFIER = "verifier"
    USER = "user"


class Check(Frozen):
    """One claim found in an output, and what exact arithmetic says of it."""

    start: Annotated[
        int, Field(ge=0, description="Offset of the claim, in characters of the output.")
    ]
    end: Annotated[int, Field(ge=0, description="End offset, exclusive.")]
    claim: Annotated[str, Field(description="The claim as written.")]
    stated: Annotated[str | None, Field(description="The value the text states.")] = None
    computed: Annotated[
        str | None, Field(description="The exact value, as a decimal or a fraction.")
    ] = None
    verdict: Verdict
    reason: Annotated[
        str | None, Field(description="Why it is refuted or could not be checked.")
    ] = None


def overall(checks: Iterable[Check]) -> Verdict:
    """The verdict of a whole transition: one refuted check refutes it, one verified verifies it."""
    verdicts = {check.verdict for check in checks}
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    return Verdict.VERIFIED if Verdict.VERIFIED in verdicts else Verdict.UNCHECKED


class Transition(Frozen):
    """One action and its output: it leads from the state `parent` to a new state, `id`."""

    id: Annotated[int, Field(ge=1, description="Unique in the solution; 0 is the question.")]
    parent: Annotated[int, Field(ge=0, description="The state it grows from.")]
    number: Annotated[int | None, Field(description="The number as the text wrote it.")] = None
    path: Annotated[
        int, Field(ge=0, description="Display lane, for strategies with several paths.")
    ] = 0
    action: Action
    label: Annotated[str, Field(description="The action's label as written.")]
    output: str = ""
    target: Annotated[int | None, Field(description="The state a Backtrack returns to.")] = None
    legal: Annotated[bool, Field(description="Whether the transition table allows it here.")] = True
    origin: Origin = Origin.MODEL
    verdict: Verdict = Verdict.UNCHECKED
    checks: tuple[Check, ...] = ()
    tokens: Annotated[int, Field(ge=0, description="Generated tokens it took.")] = 0
    seconds: Annotated[float, Field(ge=0, description="Wall-clock seconds it took.")] = 0.0


class State(Frozen):
    """What is known after the transitions on `chain`. State 0 is the question alone."""

    id: int
    chain: Annotated[
        tuple[int, ...], Field(description="State ids from 0 to this one: the path that led here.")
    ] = (0,)


class Trace(Frozen):
    """A whole run over one question: its transitions in the order they were written."""

    version: int = TRACE_VERSION
    question: str
    transitions: tuple[Transition, ...] = ()
    preamble: Annotated[str, Field(description="Text before the first state.")] = ""
    trailing: Annotated[str, Field(description="Text after Summarize's paragraph.")] = ""
    answer: Annotated[
        str | None,
        Field(description="What Summarize on the final path states; null if unresolved."),
    ] = None

    @property
    def resolved(self) -> bool:
        """Whether a Summarize on the path states an answer."""
        return self.answer is not None
