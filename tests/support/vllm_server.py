"""vLLM's own OpenAI server on a checkpoint, as a practitioner starts it to sample from."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from app.engines import cpu
from app.settings import Settings
from tests.support.ports import free_port

START_S = 300.0
STOP_S = 60.0


@dataclass
class VllmServer:
    """A server process and where it listens."""

    process: subprocess.Popen[bytes]
    url: str

    def stop(self) -> None:
        """End it, and whatever does not end with it."""
        family = self._family()
        self.process.terminate()
        for left in psutil.wait_procs(family, timeout=STOP_S)[1]:
            left.kill()
        self.process.wait()

    def kill(self) -> None:
        """End it and all its processes as the kernel does when memory is short."""
        family = self._family()
        for one in family:
            one.kill()
        self.process.wait()
        psutil.wait_procs(family, timeout=STOP_S)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """None of its processes runs until the block ends."""
        family = self._family()
        try:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.suspend()
            yield
        finally:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    def _family(self) -> list[psutil.Process]:
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]


@contextmanager
def vllm_server(checkpoint: Path, name: str, log: Path) -> Iterator[str]:
    """The base URL of a server with our CPU profile, until the block ends."""
    with vllm_process(checkpoint, name, log) as server:
        yield f"{server.url}/v1"


@contextmanager
def vllm_process(
    checkpoint: Path, name: str, log: Path, *options: str, port: int = 0
) -> Iterator[VllmServer]:
    """A server with our CPU profile and `options`, until the block ends."""
    settings = Settings()
    port = port or free_port()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint),
             "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port),
             *cpu.options(settings), *options],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **cpu.environment(settings, os.environ)},
        )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    server = VllmServer(process, base)
    try:
        _wait(process, f"{base}/health", log)
        yield server
    finally:
        if process.poll() is None:
            server.stop()


def _wait(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(health, timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.3)
    pytest.fail(f"not ready after {START_S} s:\n{log.read_text()}")
