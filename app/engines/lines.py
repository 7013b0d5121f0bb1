"""What an upstream's stream says: the `data:` lines of server-sent events, bounded."""

from __future__ import annotations


class Lines:
    """Cuts bytes into lines as they come; of these only `data:` is of interest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The data lines that `piece` completes. Raises `ValueError` for one beyond the limit."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > self._limit or max(map(len, lines), default=0) > self._limit:
            raise ValueError(f"a line is longer than {self._limit} bytes")
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]
