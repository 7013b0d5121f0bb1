"""A collector of traces on a real socket: takes what an exporter sends, and can fail or hang."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

WAIT_S = 20.0
SHOWN = {
    "error.type",
    "gen_ai.response.finish_reasons",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "http.response.status_code",
    "statewise.status",
    "statewise.transition.tokens",
    "statewise.transition.verdict",
}
"""Attributes that a printed tree has."""
INTERNAL_SPAN, SERVER_SPAN, CLIENT_SPAN = 1, 2, 3


@dataclass
class ReceivedSpan:
    """A span as it came over the wire."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any]
    links: list[str]
    """Trace and span ids, with a dash between them."""


@dataclass
class Collector:
    """What has come so far."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)
    status: int = 200
    release: threading.Event | None = None
    """While it is set and not released, every request hangs."""

    def until(self, name: str, count: int = 1) -> list[ReceivedSpan]:
        """The spans whose names begin with `name`, once there are `count`."""
        deadline = time.monotonic() + WAIT_S
        while len(found := self.named(name)) < count:
            assert time.monotonic() < deadline, [span.name for span in self.spans]
            time.sleep(0.01)
        return found

    def until_trace(self, trace_id: str, names: set[str]) -> None:
        """Until a trace has spans whose names begin with each of `names`."""
        deadline = time.monotonic() + WAIT_S
        while not names <= {
            span.name.partition(" ")[0] for span in list(self.spans) if span.trace_id == trace_id
        }:
            assert time.monotonic() < deadline, [span.name for span in self.spans]
            time.sleep(0.01)

    def named(self, name: str) -> list[ReceivedSpan]:
        """The spans whose names begin with `name`, as far as they have come."""
        return [span for span in list(self.spans) if span.name.startswith(name)]

    def children(self, parent: ReceivedSpan) -> list[ReceivedSpan]:
        """By the time at which they began."""
        found = [span for span in self.spans if span.parent_id == parent.span_id]
        return sorted(found, key=lambda span: (span.start, span.end))

    def tree(self, root: ReceivedSpan, depth: int = 0) -> str:
        """The names below `root`, indented, with what a reader wants to know."""
        told = [
            f"{key.rpartition('.')[2]}={value}"
            for key, value in root.attributes.items()
            if key in SHOWN
        ]
        took = (root.end - root.start) / 1e6
        line = f"{'  ' * depth}{root.name}  {took:.1f} ms  {' '.join(told)}"
        below = [self.tree(child, depth + 1) for child in self.children(root)]
        return "\n".join([line.rstrip(), *below])

    def take(self, body: bytes) -> None:
        """A request's body."""
        self.bodies.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for of_resource in request.resource_spans:
            self.resources.append(_values(of_resource.resource.attributes))
            for of_scope in of_resource.scope_spans:
                self.spans += [_span(span) for span in of_scope.spans]


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            if found.release is not None:
                found.release.wait(60)
            if found.status == 200:
                found.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(found.status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        if found.release is not None:
            found.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _span(span: Any) -> ReceivedSpan:
    return ReceivedSpan(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == 2,
        _values(span.attributes),
        [f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in span.links],
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return None if kind is None else getattr(value, kind)
