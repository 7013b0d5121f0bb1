"""The manifest of a run: what went in, with which versions and seeds, and what came out.

A finished step leaves `done.json` in its folder. Its key covers the step's part of the recipe, the
sources of the code that makes its data, and the keys of the steps before it, so a changed recipe
makes new folders and never mixes with old work.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "datasets",
    "peft",
    "safetensors",
    "tokenizers",
)
"""What decides the numbers that training yields."""


def key(*parts: Any) -> str:
    """A digest of JSON values."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as `sha256:<hex>`."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def source_digest(places: Iterable[Path]) -> str:
    """SHA-256 over Python sources, given as files or folders, as `sha256:<hex>`."""
    files = sorted(
        path for place in places for path in ([place] if place.is_file() else place.rglob("*.py"))
    )
    return "sha256:" + key([file_digest(path) for path in files])


def versions() -> dict[str, str]:
    """Python's and the packages' versions."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def write(path: Path, value: Any) -> None:
    """Writes JSON such that the file is either absent, old or complete."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def put(folder: Path, output: Path) -> None:
    """Puts a finished folder in the place of another, which is moved away first.

    Killed in between, it leaves an output that is whole, or none; half removed, it would be refused
    as a folder of something else.
    """
    old = output.with_name(output.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.replace(old)
    folder.replace(output)
    shutil.rmtree(old, ignore_errors=True)


def read(path: Path) -> Any:
    """What `write` wrote, or None if there is nothing."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
