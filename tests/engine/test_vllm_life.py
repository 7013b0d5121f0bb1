"""Starting and ending the real engine: nothing of ours outlives the server."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.engine.conftest import engine_processes
from tests.support.server_process import start

pytestmark = pytest.mark.engine


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=15)
    return not alive


def test_no_engine_process_outlives_its_server(tmp_path: Path) -> None:
    """After kill -9 the engine stays behind with gigabytes; the next start must end it."""
    first = start(tmp_path)
    first.wait_ready()
    orphaned = engine_processes(first.record)
    assert orphaned, "the engine core was not recorded"
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    time.sleep(1)
    left_behind = [process for process in orphaned if process.is_running()]

    second = start(tmp_path, options=["--max-model-len", "256"])
    second.wait_ready()
    assert gone(left_behind)
    body = {"question": "apple " * 400}
    refused = httpx2.post(f"{second.url}/v1/solutions", json=body)
    assert "holds 256" in refused.json()["error"]["message"], "the option did not reach vLLM"

    mine = engine_processes(second.record)
    assert mine
    second.process.terminate()
    assert second.process.wait(30) == 0
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
