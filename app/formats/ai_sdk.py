"""The UI message stream, version 1, of Vercel's AI SDK (its packages 5 to 7).

    solution.created        start, start-step        the message's id is the solution's
    transition.started      reasoning-start
    transition.completed    reasoning-end, data-transition
    path.completed          data-path
    an end                  text, data-solution, finish-step, then finish, error or abort

All of it is one step: ending a step would end the reasoning of the other paths, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

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

AGAIN: Final = "What stands above is void: its server was lost, and another one begins anew."
GOES_ON: Final = "Its server was lost; another one goes on from the last complete state."


class AiSdk:
    """`?format=ai-sdk`."""

    headers: Mapping[str, str] = {"x-vercel-ai-ui-message-stream": "v1"}
    last = b"data: [DONE]\n\n"

    def asked(self, body: dict[str, Any]) -> Asked:
        """What `DefaultChatTransport` sends, with our fields beside its own; or our own shape."""
        if "question" in body:
            return asking.native(body)
        return Asked(asking.request_of(body.get("messages"), body))

    def writer(self, _: Asked | None) -> AiSdkWriter:
        """Writes one stream."""
        return AiSdkWriter()


class AiSdkWriter:
    """One message."""

    def __init__(self) -> None:
        self._open: dict[int, Growing] = {}
        self._several = False
        self._begun = False

    def parts(self, event: Event) -> Iterator[Part]:
        """What is sent for an event."""
        match event:
            case SolutionCreated(solution=solution):
                self._several = solution.has_several
                about = {"id": solution.id, "model": solution.model, "strategy": solution.strategy}
                metadata = {"solution": about}
                yield {"type": "start", "messageId": solution.id, "messageMetadata": metadata}
                yield {"type": "start-step"}
            case SolutionInProgress(solution=solution):
                if self._begun:
                    yield from self._close()
                    said = GOES_ON if solution.transitions else AGAIN
                    yield from _whole("reasoning", "again", said)
                self._begun = True
            case TransitionStarted():
                growing = Growing(event, several=self._several)
                self._open[event.id] = growing
                yield {"type": "reasoning-start", "id": str(event.id)}
                yield _delta(event.id, f"{growing.head}\n")
            case TransitionDelta():
                if event.id in self._open and (more := self._open[event.id].more(event)):
                    yield _delta(event.id, more)
            case TransitionCompleted(transition=transition):
                if rest := self._open.pop(transition.id).rest(transition):
                    yield _delta(transition.id, rest)
                yield {"type": "reasoning-end", "id": str(transition.id)}
                yield _data("transition", str(transition.id), transition.model_dump(mode="json"))
            case PathCompleted():
                yield from self._close(event.path)
                told = {"path": event.path, "answer": event.answer, "resolved": event.resolved}
                yield _data("path", str(event.path), told)
            case _ if isinstance(event, Ended):
                yield from self._close()
                yield from _ending(event.solution)

    def _close(self, path: int | None = None) -> Iterator[Part]:
        """Ends what will not be completed: all that is open, or what is on one path."""
        for state, growing in list(self._open.items()):
            if path in (None, growing.path):
                del self._open[state]
                yield {"type": "reasoning-end", "id": str(state)}


def _ending(solution: Solution) -> Iterator[Part]:
    end = chat_text.ending(solution, (), plain=False)
    if end.reasoning:
        yield from _whole("reasoning", "remarks", end.reasoning)
    if end.content:
        yield from _whole("text", "answer", end.content)
    summary = {**chat_text.summary(solution), "usage": solution.usage.model_dump()}
    yield _data("solution", solution.id, summary)
    yield {"type": "finish-step"}
    if solution.status is Status.FAILED:
        told = "the solution failed" if solution.error is None else solution.error.message
        yield {"type": "error", "errorText": told}
    elif solution.status is Status.CANCELLED:
        yield {"type": "abort", "reason": "the solution was cancelled"}
    else:
        metadata = {"solution": summary}
        reason = (
            end.finish_reason
            if solution.status is Status.COMPLETED or (end.finish_reason == "length")
            else "other"
        )
        yield {"type": "finish", "finishReason": reason, "messageMetadata": metadata}


def _whole(kind: str, part_id: str, text: str) -> Iterator[Part]:
    yield {"type": f"{kind}-start", "id": part_id}
    yield {"type": f"{kind}-delta", "id": part_id, "delta": text}
    yield {"type": f"{kind}-end", "id": part_id}


def _delta(state: int, text: str) -> Part:
    return {"type": "reasoning-delta", "id": str(state), "delta": text}


def _data(kind: str, part_id: str, data: dict[str, Any]) -> Part:
    # The same id replaces: a state that is made again takes the place of the void one.
    return {"type": f"data-{kind}", "id": f"{kind}-{part_id}", "data": data}
