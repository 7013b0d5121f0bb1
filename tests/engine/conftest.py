"""One vLLM server for the whole session: the real engine, on a CPU, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from app.engines import cpu
from app.processes import ServerRecord, running
from tests.conftest import REPOSITORY, skip

START_S = 180.0


@dataclass
class ServerProcess:
    """A `statewise serve` process with the folder that records it."""

    process: subprocess.Popen[bytes]
    state: Path
    log: Path
    url: str = ""

    @property
    def record(self) -> ServerRecord:
        """Its record file's content."""
        return next(r for r in running(self.state) if r.server.pid == self.process.pid)

    def wait_ready(self) -> None:
        """Until it serves, or fails with what it said."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            if not self.url:
                found = [r.url for r in running(self.state) if r.server.pid == self.process.pid]
                self.url = found[0] if found else ""
            if self.url and _is_ready(self.url):
                return
            time.sleep(0.2)
        pytest.fail(f"not ready after {START_S} s:\n{self.log.read_text()}")

    def metric(self, sample: str) -> float:
        """The value of a series in /metrics, by the start of its line; 0 if it is not there."""
        for line in httpx2.get(f"{self.url}/metrics").text.splitlines():
            if line.startswith(sample):
                return float(line.rsplit(" ", 1)[1])
        return 0.0


def start(state: Path, *arguments: str, options: Sequence[str] = ()) -> ServerProcess:
    """Start a server; it is not ready yet."""
    log = state / f"server-{time.monotonic_ns()}.log"
    environment = {**os.environ, "STATEWISE_STATE_DIR": str(state)}
    environment.setdefault("STATEWISE_MODEL", str(REPOSITORY / "checkpoints" / "starter"))
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "statewise", "serve", "--port", "0", *arguments, "--", *options],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    return ServerProcess(process, state, log)


def engine_processes(record: ServerRecord) -> list[psutil.Process]:
    """The processes of a recorded server's engine that still run."""
    return [found for child in record.children if (found := child.find()) is not None]


@pytest.fixture(scope="session", autouse=True)
def _needs_engine() -> None:
    if not cpu.is_cpu():
        skip("vLLM's CPU build is not installed; run `make install`")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The session's server, on the shipped checkpoint."""
    server = start(tmp_path_factory.mktemp("state"))
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/startupz", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False
