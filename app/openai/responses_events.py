"""The events of OpenAI's Responses stream, made of a solution's numbered events.

They depend on nothing else: whoever reads the stream, whenever and wherever, gets the same events
with the same numbers, so that a stream is resumed by making it again and leaving out its beginning.

    solution.created, .in_progress    response.created, response.in_progress
    transition.completed              a reasoning item
    solution.completed                a message item; response.completed
    solution.incomplete               the same if there is an answer; response.incomplete
    solution.failed, .cancelled       the same if there is an answer; response.failed

An item is output_item.added, content_part.added, reasoning_text.delta and .done (output_text in a
message), content_part.done, output_item.done; OpenAI's JavaScript client breaks off where a
content_part is left out. If summaries are wanted, the text comes as one too, before the content:
some clients show nothing else of reasoning.

OpenAI's clients know no event for a cancelled response, and some read on until they get an end
that they know: it ends as a failed one whose `status` is `cancelled`. A transition becomes an item
when it is complete, so that its `output_index` is its place in the final output on every path.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

import orjson

from app.openai.responses_object import (
    Wanted,
    begun,
    message_item,
    reasoning_item,
    response_object,
)
from app.solving.sinks import Sink
from app.web import sse
from statespace.events import (
    Event,
    SolutionCancelled,
    SolutionCompleted,
    SolutionCreated,
    SolutionFailed,
    SolutionIncomplete,
    SolutionInProgress,
    TransitionCompleted,
    event_adapter,
)
from statespace.reader import Grown, Opened
from statespace.solutions import Path, Solution, Status
from statespace.trace import Transition

_ENDS: Final = {
    Status.COMPLETED: "response.completed",
    Status.INCOMPLETE: "response.incomplete",
    Status.FAILED: "response.failed",
    Status.CANCELLED: "response.failed",
}
_CONVERTED: Final = (b"event: solution.", b"event: transition.completed\n")
"""What the first line of a frame begins with if something is made of it."""


class ResponsesSink:
    """A `Sink` that sends what happens in a solution as frames of Responses events."""

    def __init__(
        self,
        solution_id: str,
        wanted: Wanted,
        send: Callable[[bytes], None],
        close: Callable[[], None] = lambda: None,
        after: int = -1,
    ) -> None:
        """Events up to number `after` are counted and not sent."""
        self._solution_id = solution_id
        self._wanted = wanted
        self._write = send
        self._after = after
        self._sequence = 0
        self._several = False
        self._items: list[dict[str, Any]] = []
        self.close = close

    def created(self, solution: Solution) -> None:
        """Sends `response.created`."""
        self._several = solution.has_several
        self._send("response.created", response=self._response(solution))

    def in_progress(self, solution: Solution) -> None:
        """Sends `response.in_progress`. Items of what is void, if it begins anew, are dropped."""
        if not self._wanted.plain:
            del self._items[len(solution.transitions) :]
        self._send("response.in_progress", response=self._response(solution))

    def opened(self, _: Opened) -> None:
        """Nothing: see the module."""

    def grown(self, _: Grown) -> None:
        """Nothing: deltas are neither numbered nor kept."""

    def completed(self, transition: Transition) -> None:
        """Sends a whole reasoning item."""
        if self._wanted.plain:
            return
        item = reasoning_item(self._solution_id, transition, self._wanted, several=self._several)
        self._send_item(item, "response.reasoning_text")

    def text(self, _: str, __: str | None) -> None:
        """Nothing: the message comes at the end."""

    def path(self, _: Path) -> None:
        """Nothing: the transitions say which path they are on."""

    def ended(self, solution: Solution) -> None:
        """Sends the message, if there is one, and the end event."""
        if (item := message_item(solution, self._wanted)) is not None:
            self._send_item(item, "response.output_text", logprobs=[])
        self._send(_ENDS[solution.status], response=self._response(solution))

    def _send_item(self, item: dict[str, Any], kind: str, **beside: Any) -> None:
        """An item with its one part, whose text is sent in events of `kind`."""
        self._send("response.output_item.added", output_index=len(self._items), item=begun(item))
        if item.get("summary"):
            self._summary(item)
        part = item["content"][0]
        text = part["text"]
        within = {**self._place(item), "content_index": 0}
        self._send("response.content_part.added", **within, part={**part, "text": ""})
        self._send(f"{kind}.delta", **within, delta=text, **beside)
        self._send(f"{kind}.done", **within, text=text, **beside)
        self._send("response.content_part.done", **within, part=part)
        self._send("response.output_item.done", output_index=len(self._items), item=item)
        self._items.append(item)

    def _summary(self, item: dict[str, Any]) -> None:
        part = item["summary"][0]
        text = part["text"]
        within = {**self._place(item), "summary_index": 0}
        kind = "response.reasoning_summary"
        self._send(f"{kind}_part.added", **within, part={**part, "text": ""})
        self._send(f"{kind}_text.delta", **within, delta=text)
        self._send(f"{kind}_text.done", **within, text=text)
        self._send(f"{kind}_part.done", **within, part=part)

    def _place(self, item: dict[str, Any]) -> dict[str, Any]:
        """Where an item is that is not done yet."""
        return {"item_id": item["id"], "output_index": len(self._items)}

    def _response(self, solution: Solution) -> orjson.Fragment:
        response = response_object(solution, self._wanted, self._items)
        return orjson.Fragment(response.model_dump_json())

    def _send(self, kind: str, **payload: Any) -> None:
        if self._sequence > self._after:
            self._write(sse.encode_named(kind, {"sequence_number": self._sequence, **payload}))
        self._sequence += 1


def tell(sink: Sink, event: Event) -> None:
    """Tell `sink` of an event as the run told it of what happened."""
    match event:
        case SolutionCreated(solution=solution):
            sink.created(solution)
        case SolutionInProgress(solution=solution):
            sink.in_progress(solution)
        case TransitionCompleted(transition=transition):
            sink.completed(transition)
        case (
            SolutionCompleted(solution=solution)
            | SolutionIncomplete(solution=solution)
            | SolutionFailed(solution=solution)
            | SolutionCancelled(solution=solution)
        ):
            sink.ended(solution)


async def converted(
    frames: AsyncGenerator[bytes, None], solution_id: str, wanted: Wanted, after: int = -1
) -> AsyncGenerator[bytes, None]:
    """The Responses events after number `after` of a solution's frames from their first one on."""
    sent: list[bytes] = []
    sink = ResponsesSink(solution_id, wanted, sent.append, after=after)
    async with aclosing(frames) as pieces:
        async for piece in pieces:
            for frame in piece.split(b"\n\n"):
                if frame.startswith(_CONVERTED):
                    tell(sink, event_adapter.validate_json(frame.partition(b"\ndata: ")[2]))
                elif frame == sse.HEARTBEAT:
                    sent.append(frame)
            if sent:
                yield b"".join(sent)
                sent.clear()
