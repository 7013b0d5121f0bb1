"""The events of AG-UI (its protocol 1.0, and 0.1 without what is new).

    solution.created        RUN_STARTED, STATE_SNAPSHOT
    transition.started      STEP_STARTED, REASONING_START, REASONING_MESSAGE_START
    transition.completed    REASONING_MESSAGE_END, REASONING_END, STATE_DELTA, STEP_FINISHED
    path.completed          STATE_DELTA
    an end                  STATE_DELTA, the answer as a TEXT_MESSAGE, RUN_FINISHED or RUN_ERROR

The state is `{"solution": …, "transitions": […], "paths": […]}`. A run that is begun anew, or
gone on with, sends a snapshot of what stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.errors import RequestError
from app.formats import asking
from app.formats.asking import Asked
from app.formats.base import Part
from app.formats.text import Growing
from app.openai import chat_text
from statespace.events import (
    Ended,
    Event,
    PathCompleted,
    SolutionCreated,
    SolutionInProgress,
    TransitionCompleted,
    TransitionDelta,
    TransitionStarted,
)
from statespace.solutions import Solution, Status

_KEPT_APART: Final = {"transitions", "paths"}


class AgUi:
    """`?format=ag-ui`."""

    headers: Mapping[str, str] = {}
    last = b""

    def asked(self, body: dict[str, Any]) -> Asked:
        """A `RunAgentInput`, with our fields in its `forwardedProps`; or our own shape."""
        if "question" in body:
            return asking.native(body)
        options = body.get("forwardedProps")
        request = asking.request_of(
            body.get("messages"), options if isinstance(options, dict) else {}
        )
        return Asked(request, _name(body, "threadId"), _name(body, "runId"))

    def writer(self, asked: Asked | None) -> AgUiWriter:
        """Writes one stream."""
        return AgUiWriter(asked)


class AgUiWriter:
    """One run."""

    def __init__(self, asked: Asked | None) -> None:
        self._thread = None if asked is None else asked.thread
        self._run = None if asked is None else asked.run
        self._open: dict[int, _Step] = {}
        self._messages = 0
        self._several = False
        self._begun = False

    def parts(self, event: Event) -> Iterator[Part]:
        """What is sent for an event."""
        match event:
            case SolutionCreated(solution=solution):
                self._several = solution.has_several
                self._thread = self._thread or solution.id
                self._run = self._run or solution.id
                yield {"type": "RUN_STARTED", **self._names()}
                yield _snapshot(solution)
            case SolutionInProgress(solution=solution):
                yield from self._close()
                yield (
                    _snapshot(solution) if self._begun else _patch("replace", "/solution", solution)
                )
                self._begun = True
            case TransitionStarted():
                yield from self._opened(event)
            case TransitionDelta():
                step = self._open.get(event.id)
                if step is not None and (more := step.growing.more(event)):
                    yield step.content(more)
            case TransitionCompleted(transition=transition):
                step = self._open.pop(transition.id)
                if rest := step.growing.rest(transition):
                    yield step.content(rest)
                yield from step.closed()
                yield _patch("add", "/transitions/-", transition)
                yield {"type": "STEP_FINISHED", "stepName": step.name}
            case PathCompleted():
                yield from self._close(event.path)
                told = {"path": event.path, "answer": event.answer, "resolved": event.resolved}
                yield _patch("add", "/paths/-", told)
            case _ if isinstance(event, Ended):
                yield from self._close()
                yield from self._ending(event.solution)

    def _opened(self, event: TransitionStarted) -> Iterator[Part]:
        growing = Growing(event, several=self._several)
        taken = {step.name for step in self._open.values()}
        name = growing.head if growing.head not in taken else f"{growing.head} ({event.id})"
        self._messages += 1
        step = _Step(growing, name, f"{event.solution_id}-{self._messages}")
        self._open[event.id] = step
        yield {"type": "STEP_STARTED", "stepName": name}
        yield {"type": "REASONING_START", "messageId": step.message}
        yield {"type": "REASONING_MESSAGE_START", "messageId": step.message, "role": "reasoning"}
        yield step.content(f"{growing.head}\n")

    def _close(self, path: int | None = None) -> Iterator[Part]:
        """Ends what will not be completed: all that is open, or what is on one path."""
        for state, step in list(self._open.items()):
            if path in (None, step.growing.path):
                del self._open[state]
                yield from step.closed()
                yield {"type": "STEP_FINISHED", "stepName": step.name}

    def _ending(self, solution: Solution) -> Iterator[Part]:
        yield _patch("replace", "/solution", solution)
        if text := chat_text.ending(solution, (), plain=False).content:
            message = {"messageId": f"{solution.id}-answer"}
            yield {"type": "TEXT_MESSAGE_START", **message, "role": "assistant"}
            yield {"type": "TEXT_MESSAGE_CONTENT", **message, "delta": text}
            yield {"type": "TEXT_MESSAGE_END", **message}
        if solution.status is Status.FAILED:
            error = solution.error
            told = "the solution failed" if error is None else error.message
            code = None if error is None else error.code or error.type
            yield {"type": "RUN_ERROR", "message": told, "code": code or "failed"}
        elif solution.status is Status.CANCELLED:
            told = "the solution was cancelled"
            yield {"type": "RUN_ERROR", "message": told, "code": "cancelled"}
        else:
            yield {"type": "RUN_FINISHED", **self._names(), "result": chat_text.summary(solution)}

    def _names(self) -> dict[str, str | None]:
        return {"threadId": self._thread, "runId": self._run}


class _Step:
    """An open transition, its step and its message."""

    def __init__(self, growing: Growing, name: str, message: str) -> None:
        self.growing = growing
        self.name = name
        self.message = message

    def content(self, text: str) -> Part:
        return {"type": "REASONING_MESSAGE_CONTENT", "messageId": self.message, "delta": text}

    def closed(self) -> Iterator[Part]:
        yield {"type": "REASONING_MESSAGE_END", "messageId": self.message}
        yield {"type": "REASONING_END", "messageId": self.message}


def _snapshot(solution: Solution) -> Part:
    standing = [_told(transition) for transition in solution.transitions]
    state = {"solution": _told(solution), "transitions": standing, "paths": []}
    return {"type": "STATE_SNAPSHOT", "snapshot": state}


def _patch(operation: str, path: str, value: Any) -> Part:
    change = {"op": operation, "path": path, "value": _told(value)}
    return {"type": "STATE_DELTA", "delta": [change]}


def _told(value: Any) -> Any:
    """As JSON; transitions and paths of a solution are in their own places."""
    if isinstance(value, dict):
        return value
    apart = _KEPT_APART if isinstance(value, Solution) else None
    return value.model_dump(mode="json", exclude=apart)


def _name(body: Mapping[str, Any], field: str) -> str:
    found = body.get(field)
    if not isinstance(found, str) or not found:
        raise RequestError(f"{field}: must be a text", param=field)
    return found
