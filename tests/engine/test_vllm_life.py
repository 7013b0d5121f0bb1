"""Starting and ending the real engine: nothing of ours outlives the server."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from threading import Barrier, Thread

import httpx2
import psutil
import pytest

from tests.engine.conftest import engine_processes
from tests.support.killing import THOROUGH
from tests.support.measured import note
from tests.support.server_process import ServerProcess, start
from tests.support.streams import events

pytestmark = pytest.mark.engine

WIDTH = 32
QUESTION = "Tom has 12 pens and buys 5 more. He gives 4 to Ann. How many pens does Tom have now?"


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=15)
    return not alive


def kill_mid_stream(server: ServerProcess) -> None:
    """Kill the engine under `WIDTH` streams; every one of them gets its end event."""
    began, told = Barrier(WIDTH + 1), []

    def read() -> None:
        body = {"question": QUESTION, "stream": True, "temperature": 1, "max_tokens": 200}
        with httpx2.stream("POST", f"{server.url}/v1/solutions", json=body, timeout=60) as response:
            pieces = response.iter_text()
            first = next(pieces)
            began.wait(60)
            found = events(first + "".join(pieces))
        told.append((found[-1]["type"], time.monotonic()))

    readers = [Thread(target=read) for _ in range(WIDTH)]
    for reader in readers:
        reader.start()
    engine = max(engine_processes(server.record), key=lambda one: one.memory_info().rss)
    began.wait(60)
    engine.kill()
    killed = time.monotonic()
    for reader in readers:
        reader.join(60)
    assert len(told) == WIDTH
    kinds = Counter(kind for kind, _ in told)
    assert set(kinds) <= {"solution.failed", "solution.completed", "solution.incomplete"}
    assert kinds["solution.failed"] > 0
    note("engine killed", streams=WIDTH, failed=kinds["solution.failed"],
         last_end_s=round(max(at for _, at in told) - killed, 3))  # fmt: skip


def check_deaf(server: ServerProcess, engine: list[psutil.Process]) -> None:
    """A terminal sends Ctrl-C to the engine, too: the streams that the service ends must go on."""
    with httpx2.stream(
        "POST",
        f"{server.url}/v1/solutions",
        json={"question": QUESTION, "stream": True},
        timeout=60,
    ) as response:
        pieces = response.iter_text()
        first = next(pieces)
        for each in engine:
            each.send_signal(signal.SIGINT)
            each.send_signal(signal.SIGHUP)
        found = events(first + "".join(pieces))
    assert found[-1]["type"] == "solution.completed"


def until_ready(server: ServerProcess) -> None:
    """Until the engine has come back."""
    began = time.monotonic()
    while httpx2.get(f"{server.url}/readyz").status_code != 200:
        assert time.monotonic() - began < 300
        assert httpx2.get(f"{server.url}/livez").status_code == 200
        time.sleep(0.1)
    note("engine restarted", ready_s=round(time.monotonic() - began, 1))


def test_no_engine_process_outlives_its_server(tmp_path: Path) -> None:
    """After kill -9 the engine stays behind with gigabytes; the next start must end it.

    It does not listen to what a terminal sends to all processes.
    """
    first = start(tmp_path)
    first.wait_ready()
    orphaned = engine_processes(first.record)
    assert orphaned, "the engine core was not recorded"
    check_deaf(first, orphaned)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    time.sleep(1)
    left_behind = [process for process in orphaned if process.is_running()]

    restarts = 1 if THOROUGH else 0
    second = start(tmp_path, options=["--max-model-len", "256"], engine_restarts=restarts)
    second.wait_ready()
    assert gone(left_behind)
    body = {"question": "apple " * 400}
    refused = httpx2.post(f"{second.url}/v1/solutions", json=body)
    assert "holds 256" in refused.json()["error"]["message"], "the option did not reach vLLM"

    phases = httpx2.get(f"{second.url}/startupz").json()["phases"]
    assert {"importing", "loading", "warming: grammar", "warming: beam"} <= set(phases)
    for _ in range(restarts):
        kill_mid_stream(second)
        until_ready(second)
    mine = engine_processes(second.record)
    assert mine
    kill_mid_stream(second)
    assert second.process.wait(60) == 3, "a supervisor starts another"
    assert gone(mine)
    assert not list(tmp_path.glob("*.json"))


def test_a_start_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM while weights are loaded: the loading thread cannot be interrupted."""
    server = start(tmp_path)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and "loading" not in server.log.read_text():
        time.sleep(0.1)
    time.sleep(2)
    children = psutil.Process(server.process.pid).children(recursive=True)
    server.process.terminate()
    server.process.wait(60)
    assert gone(children)
    assert not list(tmp_path.glob("*.json"))


def test_an_option_that_vllm_does_not_know_is_said(tmp_path: Path) -> None:
    server = start(tmp_path, options=["--no-such-option"])
    assert server.process.wait(120) == 3
    last = server.log.read_text().strip().splitlines()[-1]
    assert last.startswith("error: vLLM does not take these options")
