"""What goes over the wire: a proxy that keeps every byte, and a server that misbehaves."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Tap:
    """A proxy's address and what clients have sent to it."""

    url: str
    sent: bytearray = field(default_factory=bytearray)


@contextmanager
def tapped(url: str) -> Iterator[Tap]:
    """A proxy before the server at `url`."""
    target = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))
    tap = Tap(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def pump(source: socket.socket, sink: socket.socket, keep: bool) -> None:
        with source, sink:
            try:
                while piece := source.recv(65_536):
                    if keep:
                        tap.sent += piece
                    sink.sendall(piece)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                return  # one side is gone

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection((str(target.hostname), target.port or 80))
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield tap
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@dataclass(frozen=True)
class Reply:
    """A response; status 0 closes the connection instead."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Faulty:
    """A server's address, and the bodies and headers that were posted to it."""

    url: str
    posted: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def faulty(posts: Iterator[Reply], gets: Reply) -> Iterator[Faulty]:
    """A server that answers each POST with the next of `posts`, and every GET with `gets`."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(gets)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                found.posted.append(body)
                found.headers.append({name.lower(): value for name, value in self.headers.items()})
                reply = next(posts)
            self._send(reply)

        def _send(self, reply: Reply) -> None:
            if reply.status == 0:
                self.close_connection = True
                self.connection.close()
                return
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                return  # closed on purpose

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Faulty(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
