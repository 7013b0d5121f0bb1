"""A server with one place, over a real socket: who waits, who is refused, and who goes away."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from app.engines.scripted import Script, ScriptedEngine
from app.settings import Settings
from tests.support.server import LocalServer, local_server

TEXT = "State 1:\nAction: Summarize\nOutput: \\boxed{1}"
STREAMED = {"question": "q", "stream": True}


@contextmanager
def busy(max_queued: int, queue_timeout_s: float = 60) -> Iterator[LocalServer]:
    """A server whose only place is taken by a run that does not end by itself."""
    settings = Settings(
        engine="scripted",
        max_in_flight=1,
        max_queued=max_queued,
        queue_timeout_s=queue_timeout_s,
    )
    engine = ScriptedEngine(Script({"q": TEXT}, delay_s=0, fault="hang", after=1))
    with (
        local_server(engine, settings) as server,
        httpx2.stream("POST", f"{server.url}/v1/solutions", json=STREAMED) as running,
    ):
        assert running.status_code == 200
        yield server


def until(server: LocalServer, name: str, value: float) -> None:
    deadline = time.monotonic() + 5
    while server.metrics.registry.get_sample_value(f"statewise_{name}") != value:
        assert time.monotonic() < deadline, name
        time.sleep(0.01)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("max_queued", "queue_timeout_s", "code"), [(0, 60, "full"), (1, 0.01, "queue_timeout")]
)
def test_a_busy_server_says_when_to_come_back(
    max_queued: int, queue_timeout_s: float, code: str, stream: bool
) -> None:
    """Also to a client that asked for a stream: a refusal is no event of a stream."""
    with busy(max_queued, queue_timeout_s) as server:
        body = {"question": "q", "stream": stream}
        refused = httpx2.post(f"{server.url}/v1/solutions", json=body)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == code
        assert 1 <= int(refused.headers["retry-after"]) <= 120
        assert int(refused.headers["retry-after-ms"]) >= 1


def test_a_deadline_holds_in_the_queue_too() -> None:
    with busy(1) as server:
        body = {"question": "q", "timeout_s": 0.05}
        refused = httpx2.post(f"{server.url}/v1/solutions", json=body)
        assert refused.json()["error"]["code"] == "queue_timeout"


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_client_that_goes_away_frees_its_place_in_the_queue(stream: str) -> None:
    with busy(1) as server:
        address = httpx2.URL(server.url)
        body = f'{{"question": "q", "stream": {stream}}}'.encode()
        head = (
            "POST /v1/solutions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((str(address.host), address.port or 0)) as connection:
            connection.sendall(head.encode() + body)
            until(server, "queued", 1)
        until(server, "queued", 0)
