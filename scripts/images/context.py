"""What an image is built from: the committed files that .dockerignore lets in, and no others."""

from __future__ import annotations

import io
import subprocess
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent.parent


def kept(path: str, rules: list[str]) -> bool:
    """Whether the path is in the build context: the last rule that matches decides."""
    above = [path, *map(str, PurePosixPath(path).parents)]
    result = True
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        names = [name.rsplit("/", 1)[-1] for name in above] if "**/" in rule else above
        if any(fnmatchcase(name, pattern) for name in names):
            result = rule.startswith("!")
    return result


def rules() -> list[str]:
    """The rules of .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def export(folder: Path, commit: str = "HEAD") -> int:
    """Write the build context into the folder; returns how many files it has."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", commit]
    archive = subprocess.run(command, check=True, capture_output=True).stdout
    patterns = rules()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        wanted = [item for item in files if item.isfile() and kept(item.name, patterns)]
        files.extractall(folder, wanted, filter="data")
    return len(wanted)
