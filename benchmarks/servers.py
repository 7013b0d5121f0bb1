"""Starts and stops what is compared, each as a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from app.engines import cpu
from app.settings import Settings

HOST: Final = "127.0.0.1"
START_S: Final = 900.0
"""A crowded machine imports vLLM for minutes."""
STOP_S: Final = 20.0
ROOT: Final = Path(__file__).resolve().parent.parent
_SERVE: Final = (
    "import sys; from app.serve import serve; from app.settings import Settings; "
    "serve(Settings(), sys.argv[1:])"
)
_SAMPLED: Final = (
    "import sys; from benchmarks.sampler import install; install(sys.argv.pop(1)); " + _SERVE
)


class StartError(Exception):
    """A process did not come up; the message ends with its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers HTTP on `port`."""

    process: psutil.Process
    port: int


class Worker:
    """A process that answers each JSON line with one."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = psutil.Process(process.pid)
        self._popen = process
        self._log = log

    def ask(self, job: Any) -> dict[str, Any]:
        """Send a dataclass; wait for what comes back. Raises `StartError` if the process died."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps(asdict(job)) + "\n")
        self._popen.stdin.flush()
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """The next line."""
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        if not line:
            raise StartError(_last_words(self._log))
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def statewise(
    settings: Settings, options: Sequence[str] = (), sampled: Path | None = None
) -> Iterator[Server]:
    """Our service; `options` are the engine's, `sampled` is where `benchmarks.sampler` writes."""
    port = _free_port()
    chosen = {**_variables(settings), "STATEWISE_PORT": str(port)}
    with tempfile.TemporaryDirectory() as state:
        chosen["STATEWISE_STATE_DIR"] = state
        program = [_SERVE] if sampled is None else [_SAMPLED, str(sampled)]
        command = [sys.executable, "-c", *program, *options]
        with _server(command, {**os.environ, **chosen}, port, "/readyz") as server:
            yield server


@contextmanager
def vllm_server(
    settings: Settings, options: Sequence[str] = (), *, profile: bool
) -> Iterator[Server]:
    """vLLM's own OpenAI server, with the service's CPU profile or as vLLM comes.

    As it comes, it would take nearly all memory for its cache and not start beside anything else:
    the cache's size is given in both cases.
    """
    port = _free_port()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", settings.model, "--served-model-name", settings.served_name]
    command += ["--host", HOST, "--port", str(port)]
    ours = cpu.environment(settings, {})
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["VLLM_CPU_KVCACHE_SPACE"] = ours["VLLM_CPU_KVCACHE_SPACE"]
    if profile and cpu.is_cpu():
        environment |= ours
        command += cpu.options(settings)
    command += options
    environment["VLLM_NO_USAGE_STATS"] = "1"
    with _server(command, environment, port, "/health") as server:
        yield server


@contextmanager
def worker(module: str, settings: Settings, options: Sequence[str] = ()) -> Iterator[Worker]:
    """A module of this package that answers JSON lines."""
    environment = {**os.environ, **_variables(settings)}
    with _log() as log, log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *options],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        )
        with _ended(process):
            yield Worker(process, log)


@contextmanager
def _server(
    command: Sequence[str], environment: Mapping[str, str], port: int, health: str
) -> Iterator[Server]:
    with _log() as log, log.open("w") as written:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=written, stderr=subprocess.STDOUT
        )
        with _ended(process):
            _await(f"http://{HOST}:{port}{health}", process, log)
            yield Server(psutil.Process(process.pid), port)


def _await(url: str, process: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise StartError(f"{url} did not answer:\n{_last_words(log)}")


@contextmanager
def _ended(process: subprocess.Popen[Any]) -> Iterator[None]:
    """End `process` and its children at the end, whatever happened."""
    try:
        yield
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if _runs(process) else []
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in psutil.wait_procs(children, timeout=5)[1]:
            child.kill()


def _runs(process: subprocess.Popen[Any]) -> bool:
    return process.poll() is None


def _variables(settings: Settings) -> dict[str, str]:
    """The settings as the variables that a child reads them from."""
    names = ("model", "stream_interval", "cpu_kv_cache_gib", "cpu_max_num_seqs")
    return {f"STATEWISE_{name.upper()}": str(getattr(settings, name)) for name in names}


@contextmanager
def _log() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "log"


def _last_words(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-20:])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
