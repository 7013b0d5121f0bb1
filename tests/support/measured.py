"""Figures that tests take on the way: told by `pytest -rP`, and kept for docs/reliability.md."""

from __future__ import annotations

import json
import os
from pathlib import Path


def note(fault: str, **figures: object) -> None:
    """Print figures; with `STATEWISE_FIGURES` they are also appended to that file."""
    line = json.dumps({"fault": fault, **figures})
    print(line)
    if path := os.environ.get("STATEWISE_FIGURES"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
