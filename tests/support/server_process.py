"""`statewise serve` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.processes import ServerRecord, running

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 300.0


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


def start(
    state: Path, *arguments: str, options: Sequence[str] = (), **settings: object
) -> ServerProcess:
    """Start a server with `settings`; it is not ready yet."""
    log = state / f"server-{time.monotonic_ns()}.log"
    environment = {**os.environ, "STATEWISE_STATE_DIR": str(state)}
    environment |= {f"STATEWISE_{name.upper()}": str(value) for name, value in settings.items()}
    environment.setdefault("STATEWISE_MODEL", str(REPOSITORY / "checkpoints" / "starter"))
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "statewise", "serve", "--port", "0", *arguments, "--", *options],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    return ServerProcess(process, state, log)


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/startupz", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


@contextmanager
def serving(state: Path, *options: str, **settings: object) -> Iterator[ServerProcess]:
    """A server on the scripted engine; killed at the end if it still runs."""
    state.mkdir(exist_ok=True)
    server = start(state, "--engine", "scripted", options=options, **settings)
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.kill()
        server.process.wait()
