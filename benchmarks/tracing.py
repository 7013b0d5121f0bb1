"""What traces cost: processor time for a solution with them and without.

    python -m benchmarks.tracing

Services over the scripted engine, without traces, with traces of which none is sampled, and with
all of them, are asked the same in turns, without a network between; spans go to a collector in a
process of its own. The time is that of the whole process until all spans are sent. The last line
printed is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import orjson
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import Message

from app import logs
from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from benchmarks import machine
from benchmarks.pairs import ratios, spread

QUESTION: Final = "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"
ENDPOINT: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}"}
WAYS: Final[dict[str, dict[str, str]]] = {
    "off": {},
    "unsampled": {**ENDPOINT, "OTEL_TRACES_SAMPLER": "always_off"},
    "on": ENDPOINT,
}
HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
]


class Collector(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read it and say yes."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def main() -> None:
    """Measure, print and end with the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=61)
    options.add_argument("--solutions", type=int, default=25, help="of each round")
    chosen = options.parse_args()
    measured_on = machine.describe()
    server = HTTPServer(("127.0.0.1", 0), Collector)
    collecting = multiprocessing.get_context("fork").Process(target=server.serve_forever)
    collecting.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        found = asyncio.run(_measure(url, chosen.pairs, chosen.solutions))
    finally:
        collecting.terminate()
        collecting.join()
    off = found.pop("off")
    print(f"off: {spread(off)} µs a solution")
    added = {
        name: (
            spread([mine - other for mine, other in zip(took, off, strict=True)]),
            ratios(took, off),
        )
        for name, took in found.items()
    }
    for name, (more, times) in added.items():
        print(f"{name} adds {more} µs: {times} times")
    result = {
        "benchmark": "tracing",
        "machine": measured_on,
        "solutions": chosen.solutions,
        "off_us": asdict(spread(off)),
        "added_us": {name: asdict(more) for name, (more, _) in added.items()},
        "ratio": {name: asdict(times) for name, (_, times) in added.items()},
    }
    print(json.dumps(result, ensure_ascii=False))


async def _measure(url: str, pairs: int, solutions: int) -> dict[str, list[float]]:
    """Microseconds of a solution in each round, for each way."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    async with AsyncExitStack() as stack:
        services = {
            name: await stack.enter_async_context(_service(way, url)) for name, way in WAYS.items()
        }
        for number in range(pairs + 1):  # the first round warms up
            for name in sorted(WAYS, reverse=number % 2 == 1):
                began = time.process_time()
                for _ in range(solutions):
                    await _solve(services[name])
                _flush(services[name])
                took = time.process_time() - began
                if number:
                    found[name].append(took / solutions * 1e6)
    return found


@asynccontextmanager
async def _service(way: Mapping[str, str], collector: str) -> AsyncGenerator[FastAPI, None]:
    """A service that keeps nothing."""
    variables = {name: value.format(collector=collector) for name, value in way.items()}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(engine="scripted", state_dir=Path(folder), log_level="error")
        logs.configure(settings)
        host = Host(ScriptedEngine(Script(load_recordings(RECORDINGS), 0.0)))
        with patch.dict(os.environ, variables):
            app = create_app(settings, host, Metrics(CollectorRegistry()))
        async with app.router.lifespan_context(app):
            await host.wait_ready()
            yield app


def _flush(app: FastAPI) -> None:
    """Send all spans now: another's round must not pay for them."""
    if (tracing := app.state.service.tracing) is not None:
        tracing.provider.force_flush()


async def _solve(app: FastAPI) -> None:
    body = orjson.dumps({"question": QUESTION, "store": False})
    said: list[Message] = []
    over = asyncio.Event()
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)

    await app(_scope(), receive, send)
    over.set()
    assert said[0]["status"] == 200, said


def _scope() -> dict[str, Any]:
    headers: Sequence[tuple[bytes, bytes]] = HEADERS
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/solutions",
        "raw_path": b"/v1/solutions",
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }


if __name__ == "__main__":
    main()
