"""Events as bytes: server-sent events, encoded by hand (WHATWG HTML, section 9.2).

A framework's event response costs 3 to 14 times as much per event (docs/adr/0003-streaming.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import orjson

from statespace.reader import Grown
from statespace.solutions import Solution
from statespace.trace import Transition

# One line end only: after an `id:` some clients take a comment with a blank line for an event.
HEARTBEAT: Final = b": ping\n"
HEADERS: Final = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
MEDIA_TYPE: Final = "text/event-stream"
# Many clients cut a stream into lines with `str.splitlines`, for which these end a line too; the
# other controls of the range would be obeyed by some terminals.
_END_EVENTS: Final = tuple(
    b"event: solution.%b\n" % status
    for status in (b"completed", b"incomplete", b"failed", b"cancelled")
)
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029]")


def encode(kind: str, sequence: int, solution_id: str, **payload: Any) -> bytes:
    """One numbered event as a frame: `event:` is its type, `id:` its sequence number.

    The fields are those of the model of that type in `statespace.events`; parts that are JSON
    already come as `orjson.Fragment`.
    """
    head = {"type": kind, "sequence_number": sequence, "solution_id": solution_id}
    data = one_line(orjson.dumps(head | payload))
    return b"event: %b\nid: %d\ndata: %b\n\n" % (kind.encode(), sequence, data)


def encode_delta(solution_id: str, grown: Grown) -> bytes:
    """A `transition.delta`: the most frequent frame, not numbered."""
    data = {
        "type": "transition.delta",
        "solution_id": solution_id,
        "id": grown.id,
        "offset": grown.offset,
        "delta": grown.text,
    }
    return b"event: transition.delta\ndata: %b\n\n" % one_line(orjson.dumps(data))


def encode_named(kind: str, payload: dict[str, Any]) -> bytes:
    """An event in OpenAI's way: `event:` is its type, and there is no `id:`."""
    data = one_line(orjson.dumps({"type": kind, **payload}))
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def written(transition: Transition) -> orjson.Fragment:
    """A transition as JSON, to be used in its own event and again in the last one."""
    return orjson.Fragment(transition.model_dump_json())


def written_solution(solution: Solution, transitions: Sequence[orjson.Fragment]) -> orjson.Fragment:
    """A solution as JSON, with the transitions that were written before."""
    head = solution.model_dump_json(exclude={"transitions"}).encode()
    return orjson.Fragment(b'%b,"transitions":%b}' % (head[:-1], orjson.dumps(transitions)))


def completes(frame: bytes, transition: int) -> bool:
    """Whether a frame is the `transition.completed` of the transition with this id."""
    return frame.startswith(b"event: transition.completed\n") and (
        b'"transition":{"id":%d,' % transition in frame
    )


def is_end(frame: bytes) -> bool:
    """Whether a frame is an end event."""
    return frame.startswith(_END_EVENTS)


def payload(frame: bytes) -> dict[str, Any]:
    """The JSON of a numbered frame."""
    found: dict[str, Any] = orjson.loads(frame.split(b"\ndata: ", 1)[1])
    return found


def one_line(data: bytes) -> bytes:
    """JSON without what a client might take for the end of a line."""
    if data.isascii():
        return data
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", data.decode()).encode()
