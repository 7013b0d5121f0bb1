"""Runs a snippet as a reader would: in a checkout, beside a server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.docs.snippets import Snippet
from tests.support.server_process import REPOSITORY, ServerProcess

QUESTION: Final = "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?"
LINE: Final = {"custom_id": "1", "method": "POST", "url": "/v1/solutions"}
LENT: Final = ("Makefile", "checkpoints", "examples", "k8s", "training")
"""What snippets find in the folder they run in, which is a checkout to them."""
TIMEOUT_S: Final = 100.0
END_S: Final = 30.0


def checkout(folder: Path) -> Path:
    """A folder that looks like a checkout to a snippet."""
    (folder / "in.jsonl").write_text(json.dumps({**LINE, "body": {"question": QUESTION}}) + "\n")
    for name in LENT:
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    return folder


def run(
    snippet: Snippet,
    folder: Path,
    server: ServerProcess,
    solution_id: str = "",
    *,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Run a block of bash or Python; fails if it does not end as its mark says."""
    text = snippet.text.replace("http://127.0.0.1:8000", server.url)
    text = text.replace("SOLUTION_ID", solution_id)
    if snippet.kind == "bash":
        command = ["bash", "-euo", "pipefail", "-c", text]
    else:
        command = [sys.executable, "-W", "ignore", "-c", text]
    environment = {
        **os.environ,
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "STATEWISE_STATE_DIR": str(server.state),
    }
    # In a session of its own, so that nothing it has started outlives it.
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, signal.SIGTERM)  # a server that it has started ends with it
                process.wait(END_S)
            pytest.fail(f"{snippet.where} has not ended after {timeout_s} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    mark, _, code = snippet.mark.partition(" ")
    expected = int(code) if mark == "fails" else 0
    told = f"{snippet.where} ended with {process.returncode}\n{said}"
    assert process.returncode == expected, told
    assert not re.search(r'"error": ?\{', said), told  # curl succeeds at being refused
