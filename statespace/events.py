"""The events of a solution's stream, version 1: a union discriminated by `type`.

Numbered events carry `sequence_number`, gap-free from 0. A `transition.delta` is neither numbered
nor stored: a late reader gets the text so far in one delta. A stream ends with exactly one of the
`solution.*` end events.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from statespace.actions import Action
from statespace.solutions import Solution
from statespace.trace import Frozen, Transition

EVENTS_VERSION: Final = 1


class Numbered(Frozen):
    """Base of events that are numbered and can be replayed."""

    sequence_number: Annotated[int, Field(ge=0)]
    solution_id: str


class SolutionCreated(Numbered):
    """The solution exists; nothing was generated yet."""

    type: Literal["solution.created"] = "solution.created"
    solution: Solution


class SolutionInProgress(Numbered):
    """The engine has taken the problem up."""

    type: Literal["solution.in_progress"] = "solution.in_progress"
    solution: Solution


class TransitionStarted(Numbered):
    """A transition's header was read."""

    type: Literal["transition.started"] = "transition.started"
    id: int
    parent: int
    path: int
    number: int | None
    action: Action


class TransitionDelta(Frozen):
    """More of an open transition's output. Only with `deltas`; at most one per 50 ms and path."""

    type: Literal["transition.delta"] = "transition.delta"
    solution_id: str
    id: int
    offset: Annotated[int, Field(ge=0, description="Characters of output before this delta.")]
    delta: str


class TransitionCompleted(Numbered):
    """A transition is complete and checked."""

    type: Literal["transition.completed"] = "transition.completed"
    transition: Transition


class TextCompleted(Numbered):
    """The model answered in plain text, without states."""

    type: Literal["text.completed"] = "text.completed"
    text: str
    answer: str | None


class PathCompleted(Numbered):
    """One of several paths has ended."""

    type: Literal["path.completed"] = "path.completed"
    path: int
    answer: str | None
    resolved: bool


class SolutionCompleted(Numbered):
    """Solved: the path is resolved, or the answer is plain text."""

    type: Literal["solution.completed"] = "solution.completed"
    solution: Solution


class SolutionIncomplete(Numbered):
    """Ended without an answer; `incomplete_reason` says why."""

    type: Literal["solution.incomplete"] = "solution.incomplete"
    solution: Solution


class SolutionFailed(Numbered):
    """Ended by an error; `error` says which."""

    type: Literal["solution.failed"] = "solution.failed"
    solution: Solution


class SolutionCancelled(Numbered):
    """Ended by its client."""

    type: Literal["solution.cancelled"] = "solution.cancelled"
    solution: Solution


Ended = SolutionCompleted | SolutionIncomplete | SolutionFailed | SolutionCancelled
NumberedEvent = (
    SolutionCreated
    | SolutionInProgress
    | TransitionStarted
    | TransitionCompleted
    | TextCompleted
    | PathCompleted
    | Ended
)
Event = Annotated[NumberedEvent | TransitionDelta, Field(discriminator="type")]
event_adapter: Final[TypeAdapter[Event]] = TypeAdapter(Event)
"""Parses an event from its JSON."""
