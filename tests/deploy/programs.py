"""Programs that come as packages, where they do (Linux on x86-64), or are on the path."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest


def program(name: str) -> str:
    """Where it is. Skips what asks if it is nowhere; in CI it has to be somewhere."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if found is None and os.environ.get("CI") != "true":
        pytest.skip(f"{name} is not installed", allow_module_level=True)
    assert found is not None, f"needed in CI: {name}"
    return found
