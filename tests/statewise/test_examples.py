"""The examples run as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.engines.scripted import Script, ScriptedEngine
from statespace.actions import Action
from statespace.text import render
from tests.support.server import local_server

TEXT = render([(Action.SOLVE_SUBQUESTION, "5 + 3 = 8"), (Action.SUMMARIZE, r"\boxed{8}")])


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_print_the_answer(repository: Path) -> None:
    with local_server(ScriptedEngine(Script({"q": TEXT}, delay_s=0))) as server:
        by_client = run(sys.executable, str(repository / "examples" / "solve.py"), server.url)
        assert "Solve Subquestion  verified   5 + 3 = 8" in by_client
        assert "Answer: 8" in by_client
        by_openai = run(sys.executable, str(repository / "examples" / "chat.py"), server.url)
        assert "State 1 · Solve Subquestion · ✓ verified\n5 + 3 = 8" in by_openai
        assert by_openai.endswith("\\boxed{8}\n")
        by_curl = run("bash", str(repository / "examples" / "solve.sh"), server.url)
        assert by_curl.count('"status":"completed"') == 2
