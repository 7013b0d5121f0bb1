"""What a format is: how its clients ask, and what becomes of each event.

A format is made of a solution's events and of nothing else, from the first one on: whoever reads
it, while the solution is made or after its end, gets the same.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Protocol

import orjson

from app.formats.asking import Asked
from app.web import sse
from statespace.events import Event, event_adapter

Part = dict[str, Any]


class Writer(Protocol):
    """Writes one stream."""

    def parts(self, event: Event) -> Iterator[Part]:
        """What is sent for an event."""


class Format(Protocol):
    """One format."""

    headers: Mapping[str, str]
    last: bytes
    """What stands at the end of every stream."""

    def asked(self, body: dict[str, Any]) -> Asked:
        """A request in the client's own shape. Raises `RequestError`."""

    def writer(self, asked: Asked | None) -> Writer:
        """Writes the stream of what was asked; None is a stream that is read again."""


async def written(
    frames: AsyncGenerator[bytes, None], format: Format, asked: Asked | None
) -> AsyncGenerator[bytes, None]:
    """The native frames of a solution, from the first one on, in `format`."""
    writer = format.writer(asked)
    async with aclosing(frames) as pieces:
        async for piece in pieces:
            sent = b"".join(_converted(frame, writer) for frame in piece.split(b"\n\n"))
            if sent:
                yield sent
    if format.last:
        yield format.last


def _converted(frame: bytes, writer: Writer) -> bytes:
    # A heartbeat has no line of its own before what follows it.
    head, _, data = frame.partition(b"data: ")
    if not data:
        return sse.HEARTBEAT if head == sse.HEARTBEAT else b""
    event = event_adapter.validate_json(data)
    return b"".join(
        b"data: %b\n\n" % sse.one_line(orjson.dumps(part)) for part in writer.parts(event)
    )
