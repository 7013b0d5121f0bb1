"""A chat completion as a stream of chunks, written by hand: one frame a transition.

    role                      when the solution exists
    reasoning, structure      a transition
    content                   the answer, once nothing can take it back
    finish_reason             the choice is over
    usage, [DONE]             all are

No frame has an `id:`; the official clients would take a heartbeat after one for an event.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import uuid4

import orjson

from app.openai import chat_text
from app.openai.chat_request import ChatRequest
from app.web import sse
from statespace.reader import Grown, Opened
from statespace.solutions import Failure, Path, Solution, Status
from statespace.trace import Transition

HEARTBEAT: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"
LOST: Final = Failure(message="the solution was not ended; send it again", type="server_error")
CANCELLED: Final = Failure(
    message="the solution was cancelled while it was made",
    type="invalid_request_error",
    code="cancelled",
)


class Frames(Protocol):
    """Takes the frames of a stream; a `Channel` does."""

    def send(self, frame: bytes) -> None:
        """A frame; must not wait."""

    def close(self) -> None:
        """Nothing more will come."""


class Head:
    """What all objects of one completion have in common."""

    def __init__(self, model: str, *, plain: bool, stops: Sequence[str] = ()) -> None:
        """`model` is the name that was asked for; `plain` means that it was asked no problem."""
        self.id = f"chatcmpl-{uuid4().hex}"
        self.created = int(time.time())
        self.model = model
        self.plain = plain
        self.stops = stops

    def object(self, kind: str) -> dict[str, Any]:
        """The fields that every object begins with."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": None,
        }


class ChatStream:
    """The one stream of all choices; ends when each of them has, or one has failed."""

    def __init__(self, head: Head, request: ChatRequest, frames: Frames) -> None:
        self.head = head
        self._frames = frames
        self._open = request.choices
        self._solutions: dict[int, Solution] = {}
        self._with_usage = request.include_usage
        fields = head.object("chat.completion.chunk")
        # OpenAI's chunks all have the field, empty but in the last one, once it was asked for.
        self._prefix = b"data: %b," % orjson.dumps(fields)[:-1]
        self._suffix = b',"usage":null}\n\n' if self._with_usage else b"}\n\n"
        self._over = False

    def sink(self, index: int) -> ChatSink:
        """What is told of the solution that is choice number `index`."""
        return ChatSink(self, index)

    def choice(self, **fields: Any) -> None:
        """A chunk with one choice."""
        self._send(b'"choices":[%b]' % orjson.dumps({"logprobs": None, **fields}) + self._suffix)

    def ended(self, index: int, solution: Solution | None) -> None:
        """A choice is over; the last one ends the stream. None is no end at all."""
        if solution is None:
            self.fail(LOST)
            return
        self._solutions[index] = solution
        self._open -= 1
        if self._open == 0:
            if self._with_usage:
                told = chat_text.usage(list(self._solutions.values()), plain=self.head.plain)
                self._send(b'"choices":[],"usage":%b}\n\n' % orjson.dumps(told))
            self._finish()

    def fail(self, failure: Failure) -> None:
        """The stream ends with an error, as OpenAI's clients expect one after the status line."""
        if not self._over:
            error = {**failure.model_dump(), "param": None}
            self._frames.send(b"data: %b\n\n" % sse.one_line(orjson.dumps({"error": error})))
            self._finish()

    def _send(self, rest: bytes) -> None:
        if not self._over:
            self._frames.send(sse.one_line(self._prefix + rest))

    def _finish(self) -> None:
        self._over = True
        self._frames.send(DONE)
        self._frames.close()


class ChatSink:
    """Turns what a run tells (`app.solving.sinks.Sink`) into the chunks of one choice."""

    def __init__(self, stream: ChatStream, index: int) -> None:
        self._stream = stream
        self._index = index
        self._several = False
        self._ended = False

    def created(self, solution: Solution) -> None:
        """The role, in a chunk of its own."""
        self._several = solution.has_several
        self._delta(role="assistant", content="")

    def in_progress(self, _: Solution) -> None:
        """Nothing."""

    def opened(self, _: Opened) -> None:
        """Nothing: a step is told when it is complete."""

    def grown(self, _: Grown) -> None:
        """Nothing."""

    def completed(self, transition: Transition) -> None:
        """The step as text under both names that clients look for, and its structure."""
        if not self._stream.head.plain:
            text = chat_text.step(transition, several=self._several)
            structure = chat_text.structure(transition)
            self._delta(reasoning_content=text, reasoning=text, state_transition=structure)

    def text(self, _: str, __: str | None) -> None:
        """Nothing: it is the content, which comes at the end."""

    def path(self, _: Path) -> None:
        """Nothing: paths are told at the end."""

    def ended(self, solution: Solution) -> None:
        """The answer and how it ended; an error if it failed."""
        self._ended = True
        if solution.status in (Status.FAILED, Status.CANCELLED):
            self._stream.fail(solution.error or CANCELLED)
            return
        head = self._stream.head
        end = chat_text.ending(solution, head.stops, plain=head.plain)
        if end.reasoning:
            self._delta(reasoning_content=end.reasoning, reasoning=end.reasoning)
        if end.content:
            self._delta(content=end.content)
        self._stream.choice(
            index=self._index,
            delta={},
            finish_reason=end.finish_reason,
            solution=chat_text.summary(solution),
        )
        self._stream.ended(self._index, solution)

    def close(self) -> None:
        """A run that says no end must not let its client wait for one."""
        if not self._ended:
            self._ended = True
            self._stream.ended(self._index, None)

    def _delta(self, **delta: Any) -> None:
        self._stream.choice(index=self._index, delta=delta, finish_reason=None)
