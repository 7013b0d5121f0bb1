"""vLLM's own OpenAI server on a checkpoint, as a practitioner starts it to sample from."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from app.engines import cpu
from app.settings import Settings

START_S = 180.0


@dataclass
class VllmServer:
    """A server process and where it listens."""

    process: subprocess.Popen[bytes]
    url: str

    def kill(self) -> None:
        """End it and all its processes as the kernel does when memory is short."""
        server = psutil.Process(self.process.pid)
        family = [server, *server.children(recursive=True)]
        for one in family:
            one.kill()
        self.process.wait()
        psutil.wait_procs(family, timeout=15)


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
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
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
    try:
        _wait(process, f"{base}/health", log)
        yield VllmServer(process, base)
    finally:
        running = process.poll() is None
        children = psutil.Process(process.pid).children(recursive=True) if running else []
        process.terminate()
        process.wait(60)
        for left in psutil.wait_procs(children, timeout=15)[1]:
            left.kill()


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
