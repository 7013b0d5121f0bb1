"""The HTTP protocol, with a bound on headers."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 65_536
"""Request line and headers together; as much as uvicorn's h11 protocol takes."""


class BoundedHttp(HttpToolsProtocol):
    """httptools, which itself gathers headers of any size: one endless header fills the memory."""

    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Count what has arrived since headers, a piece of body or a message were complete."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The headers are over {MAX_HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._head_bytes = 0
        super().on_message_complete()
