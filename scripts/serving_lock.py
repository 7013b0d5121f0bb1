"""Writes requirements/serve.lock: what of requirements/cpu.lock a server needs.

.venv/bin/python scripts/serving_lock.py           write it, from the installed packages
.venv/bin/python scripts/serving_lock.py --check   end with 1 if it is not up to date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS: Final = Path(__file__).resolve().parent.parent / "requirements"
ROOTS: Final = ("statewise[cpu,remote]",)
LEFT_OUT: Final = {
    "triton": "GPU kernels: on a CPU vLLM and xgrammar do without",
    "opencv-python-headless": "pictures and videos, which no problem here has",
    "intel-openmp": "torch brings the OpenMP that it uses",
    "torchaudio": "not in the lock: its build is for CUDA",
    "torchcodec": "not in the lock: its build is for CUDA",
    "torchvision": "not in the lock: its build is for CUDA",
}
"""What vLLM asks for and serving does not load."""


def closure(roots: Iterable[str]) -> set[str]:
    """The names of all packages that the roots need, by the metadata of what is installed.

    Raises `PackageNotFoundError` for one that is needed and not installed.
    """
    todo = [Requirement(root) for root in roots]
    seen: dict[str, set[str]] = {}
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in LEFT_OUT or (name in seen and requirement.extras <= seen[name]):
            continue
        extras = seen.setdefault(name, set())
        extras |= requirement.extras
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in extras | {""}):
                todo.append(needed)
    return set(seen)


def serving(lock: str) -> str:
    """The lines of the lock that serving needs."""
    needed = closure(ROOTS)
    pins = [line for line in lock.splitlines() if canonicalize_name(line.split("==")[0]) in needed]
    return "\n".join(pins) + "\n"


def main() -> int:
    target = REQUIREMENTS / "serve.lock"
    text = serving((REQUIREMENTS / "cpu.lock").read_text("utf-8"))
    if "--check" not in sys.argv[1:]:
        target.write_text(text, "utf-8")
        return 0
    if target.read_text("utf-8") == text:
        return 0
    print("requirements/serve.lock is out of date: .venv/bin/python scripts/serving_lock.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
