"""The files that a step reads, as its manifest notes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from training import manifest
from training.errors import DataError


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file. Raises DataError if one cannot be read."""
    found = {}
    for path in paths:
        try:
            found[str(path)] = manifest.file_digest(path)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
    return found
