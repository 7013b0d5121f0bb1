"""A bad line: a proxy that cuts connections in the middle of answers, or lets them trickle."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Line:
    """The proxy's address; `target` may be changed while it runs."""

    url: str
    target: str
    trickle: int = 0
    """Bytes of an answer that are sent at a time, with a pause after each; 0 is all there is."""
    cuts: int = 0
    """Connections that were cut in the middle of an answer."""
    _lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def bad_line(target: str, plan: Iterable[int | None] = ()) -> Iterator[Line]:
    """A proxy before `target`. Each connection takes the next item of `plan`: the bytes of answers
    after which it is cut; None, or no item, leaves it whole."""
    listener = socket.create_server(("127.0.0.1", 0))
    line = Line(f"http://127.0.0.1:{listener.getsockname()[1]}", target)
    items = iter(plan)

    def up(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(65_536):
                server.sendall(piece)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def down(client: socket.socket, server: socket.socket, limit: int | None) -> None:
        left = limit
        with client, server, suppress(OSError):
            while piece := server.recv(line.trickle or 65_536):
                if left is not None and len(piece) > left:
                    client.sendall(piece[:left])
                    with line._lock:
                        line.cuts += 1
                    client.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it, too
                    return
                client.sendall(piece)
                left = None if left is None else left - len(piece)
                if line.trickle:
                    time.sleep(0.0005)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            address = urlsplit(line.target)
            try:
                server = socket.create_connection((str(address.hostname), address.port or 80))
            except OSError:
                client.close()
                continue
            limit = next(items, None)
            threading.Thread(target=up, args=(client, server), daemon=True).start()
            threading.Thread(target=down, args=(client, server, limit), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield line
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
