"""The page's modules without a browser: their own tests, under Node.js."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.conftest import skip


def test_modules() -> None:
    node = shutil.which("node")
    if node is None:
        skip("Node.js is not installed")
        raise AssertionError
    tests = sorted(map(str, Path(__file__).parent.glob("*.test.mjs")))
    assert tests
    ran = subprocess.run(
        [node, "--test", *tests], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout[-8000:]
    assert "# fail 0" in ran.stdout
