"""Clients that misbehave, and a server that is told to end while it works."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.web.http import MAX_HEAD_BYTES
from app.web.streams import FrameResponse
from tests.support.server import local_server
from tests.support.streams import check_order, events

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
SEPARATED = "State 1:\nAction: Summarize\nOutput: one\u2028two\x85three\x9b31m \\boxed{1}"


@contextmanager
def served(folder: Path, *options: str, **variables: str) -> Iterator[tuple[Any, str]]:
    """`statewise serve` on the scripted engine, with its URL."""
    command = [sys.executable, "-m", "statewise", "serve", "--engine", "scripted", "--port", "0"]
    # A server keeps to what it finds ignored, as `nohup` has it; these tests send signals.
    command = ["env", "--default-signal=HUP,INT", *command]
    environment = {**os.environ, "STATEWISE_STATE_DIR": str(folder), **variables}
    with subprocess.Popen(
        [*command, "--", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def test_line_separators_in_a_solution_do_not_cut_its_event() -> None:
    """Clients that split with `str.splitlines` would otherwise read half an object."""
    with local_server(ScriptedEngine(Script({"q\u2028": SEPARATED}, delay_s=0))) as server:
        body = {"question": "q\u2028", "stream": True, "deltas": True}
        text = httpx2.post(f"{server.url}/v1/solutions", json=body).text
        assert len(text.splitlines()) == len(text.split("\n")) - 1
        found = events(text)
        check_order(found)
        assert found[-1]["solution"]["question"] == "q\u2028"
        assert "one\u2028two\x85three\x9b" in found[-1]["solution"]["transitions"][0]["output"]


def test_a_run_that_cannot_say_its_end_does_not_leave_its_reader_waiting() -> None:
    """A lone surrogate cannot be written as JSON, not even in the end event."""
    with local_server(ScriptedEngine(Script({"q": "a \ud800"}, delay_s=0))) as server:
        body = {"question": "q", "stream": True}
        text = httpx2.post(f"{server.url}/v1/solutions", json=body, timeout=5).text
        assert "solution.created" in text


@pytest.mark.parametrize("when", ["at once", "while a piece is sent"])
async def test_a_response_that_is_cut_off_says_so(when: str) -> None:
    """The generator is unstarted in the one case and suspended in the other: neither closes it."""

    async def frames() -> AsyncGenerator[bytes, None]:
        yield b"x"
        await asyncio.Event().wait()

    left: list[bool] = []
    response = FrameResponse(frames(), left=lambda: left.append(True))

    async def receive() -> dict[str, Any]:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: Any) -> None:
        if when == "at once" or message["type"] == "http.response.body":
            await asyncio.Event().wait()

    sending = asyncio.create_task(response({"type": "http"}, receive, send))
    await asyncio.sleep(0.05)
    sending.cancel()
    await asyncio.wait({sending}, timeout=1)
    assert left == [True]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_server_that_ends_says_so_to_its_clients(
    tmp_path: Path, streamed: bool, number: signal.Signals
) -> None:
    """A stream that is cut without an end event looks like a network fault, and is retried."""
    body = {"question": BACKTRACKING, "stream": streamed}
    with (
        served(tmp_path, "--fault", "hang", STATEWISE_SHUTDOWN_GRACE_S="0.5") as (process, url),
        httpx2.Client(base_url=url, timeout=20) as client,
    ):
        while client.get("/readyz").status_code != 200:
            pass
        if streamed:
            with client.stream("POST", "/v1/solutions", json=body) as response:
                pieces = response.iter_text()
                first = next(pieces)
                process.send_signal(number)
                found = events(first + "".join(pieces))
            check_order(found)
            solution = found[-1]["solution"]
        else:
            timer = subprocess.Popen(["sh", "-c", f"sleep 1; kill -{int(number)} {process.pid}"])
            solution = client.post("/v1/solutions", json=body).json()
            timer.wait()
        assert (solution["status"], solution["incomplete_reason"]) == ("incomplete", "shutdown")
        process.wait(20)
        assert process.returncode == 0
    assert not list(tmp_path.glob("*.json"))


def test_a_second_interrupt_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    """It still tells the clients, prints no traceback and leaves no record."""
    body = {"question": BACKTRACKING, "stream": True}
    with (
        served(tmp_path, "--fault", "hang", STATEWISE_SHUTDOWN_GRACE_S="50") as (process, url),
        httpx2.Client(base_url=url, timeout=20) as client,
    ):
        while client.get("/readyz").status_code != 200:
            pass
        with client.stream("POST", "/v1/solutions", json=body) as response:
            pieces = response.iter_text()
            first = next(pieces)
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)  # the first one must have been taken before the second is sent
            process.send_signal(signal.SIGINT)
            found = events(first + "".join(pieces))
        assert found[-1]["solution"]["incomplete_reason"] == "shutdown"
        assert process.wait(20) == 0
        assert "Traceback" not in process.stderr.read()
    assert not list(tmp_path.glob("*.json"))


def test_a_signal_right_after_the_announcement_is_not_lost(tmp_path: Path) -> None:
    with served(tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not list(tmp_path.glob("*.json"))


def test_an_endless_header_is_refused(tmp_path: Path) -> None:
    """httptools gathers headers without a bound, so one client could fill the memory."""
    with served(tmp_path) as (_, url):
        address = url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nx: " + b"a" * MAX_HEAD_BYTES)
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
        body = json.dumps({"question": "x" * 30_000, "max_tokens": 1}).encode()
        headers = {"content-type": "application/json", "x-long": "a" * (MAX_HEAD_BYTES // 2)}
        for _ in range(3):  # what is allowed does not add up
            sent = httpx2.post(f"{url}/v1/solutions", content=body, headers=headers)
            assert sent.status_code == 200


@pytest.mark.parametrize("type_", [None, "application/x-www-form-urlencoded"])
def test_a_missing_content_type_is_said(type_: str | None) -> None:
    """What `curl -d` sends without -H; the validator's own words would not help."""
    with local_server(ScriptedEngine(Script(QUESTIONS))) as server:
        headers = {} if type_ is None else {"content-type": type_}
        content = b'{"question": "x"}'
        sent = httpx2.post(f"{server.url}/v1/solutions", content=content, headers=headers)
        assert sent.status_code == 400
        assert "Content-Type: application/json" in sent.json()["error"]["message"]


def test_errors_do_not_echo_bodies() -> None:
    with local_server(ScriptedEngine(Script(QUESTIONS))) as server:
        body = {"question": "x", "z" * 1_000_000: 1}
        sent = httpx2.post(f"{server.url}/v1/solutions", json=body)
        assert sent.status_code == 400
        assert len(sent.content) < 1000
        assert sent.json()["error"]["param"].startswith("zzz")
