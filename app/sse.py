"""Events as bytes: server-sent events, encoded by hand (WHATWG HTML, section 9.2).

A framework's event response costs 3 to 14 times as much per event (docs/adr/0003-streaming.md).
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from statespace.events import NumberedEvent
from statespace.reader import Grown

# One line end only: after an `id:` some clients take a comment with a blank line for an event.
HEARTBEAT: Final = b": ping\n"
HEADERS: Final = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
MEDIA_TYPE: Final = "text/event-stream"
# Many clients cut a stream into lines with `str.splitlines`, for which these end a line too; the
# other controls of the range would be obeyed by some terminals.
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029]")


def encode(event: NumberedEvent) -> bytes:
    """One numbered event as a frame: `event:` is its type, `id:` its sequence number."""
    data = _one_line(event.model_dump_json()).encode()
    return b"event: %b\nid: %d\ndata: %b\n\n" % (event.type.encode(), event.sequence_number, data)


def encode_delta(solution_id: str, grown: Grown) -> bytes:
    """A `transition.delta`: the most frequent frame, made without a model in between."""
    data = {
        "type": "transition.delta",
        "solution_id": solution_id,
        "id": grown.id,
        "offset": grown.offset,
        "delta": grown.text,
    }
    text = _one_line(orjson.dumps(data).decode())
    return b"event: transition.delta\ndata: %b\n\n" % text.encode()


def _one_line(text: str) -> str:
    if text.isascii():
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
