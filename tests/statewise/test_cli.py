"""The command line against real sockets: what it prints and how it exits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from tests.support.server import LocalServer, local_server
from tests.support.streams import check_order

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
CHAT = next(question for question, text in QUESTIONS.items() if "State" not in text)
WRONG = "State 1:\nAction: Solve Subquestion\nOutput: 2 + 2 = 5\n\n" + (
    "State 2:\nAction: Summarize\nOutput: \\boxed{5}"
)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    script = Script({**QUESTIONS, "wrong": WRONG}, delay_s=0)
    with local_server(ScriptedEngine(script)) as server:
        yield server


def statewise(*arguments: str, state: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "100"}
    if state is not None:
        environment["STATEWISE_STATE_DIR"] = str(state)
    return subprocess.run(
        [sys.executable, "-m", "statewise", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )


def test_solve_prints_each_state_with_its_verdict(server: LocalServer) -> None:
    done = statewise("solve", BACKTRACKING, "--url", server.url)
    assert done.returncode == 0, done.stderr
    assert re.search(r"State 2  Solve Subquestion +✗ refuted", done.stdout)
    assert "✗ 48 / 2 = 26  —  it is 24" in done.stdout
    assert "Answer: 72" in done.stdout


def test_json_prints_the_events_one_a_line(server: LocalServer) -> None:
    done = statewise("solve", BACKTRACKING, "--url", server.url, "--json")
    assert done.returncode == 0
    check_order([json.loads(line) for line in done.stdout.splitlines()])


def test_a_refuted_answer_is_not_solved(server: LocalServer) -> None:
    """A script that trusts exit code 0 must not take an answer that is known to be wrong."""
    done = statewise("solve", "wrong", "--url", server.url)
    assert done.returncode == 1
    assert "do not trust it" in done.stdout


def test_a_plain_text_answer_is_not_solved(server: LocalServer) -> None:
    done = statewise("solve", CHAT, "--url", server.url)
    assert done.returncode == 1
    assert QUESTIONS[CHAT] in done.stdout


def test_an_exhausted_budget_is_not_solved(server: LocalServer) -> None:
    done = statewise("solve", BACKTRACKING, "--url", server.url, "--max-tokens", "9")
    assert done.returncode == 1
    assert "the token limit was reached" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["solve", ""], 2, "question"),
        (["solve", "x", "--temperature", "nan"], 2, "temperature"),
        (["solve", "x", "--strategy", "magic", "--url", "{url}"], 2, "strategy"),
        (["solve", "x", "--url", "http://127.0.0.1:1"], 3, "http://127.0.0.1:1"),
        (["solve"], 2, "Missing argument"),
        (["serve", "--engine", "llama.cpp"], 2, "engine"),
        (["serve", "--port", "-1"], 2, "port"),
        (["serve", "--engine", "scripted", "--port", "0", "--", "--speed", "9"], 3, "--speed"),
        (["serve", "--model", "./nowhere", "--port", "0"], 3, "./nowhere"),
    ],
)
def test_mistakes_are_named_without_a_traceback(
    server: LocalServer, tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    done = statewise(*(part.format(url=server.url) for part in arguments), state=tmp_path)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_demo_serve_and_stop_work_together(tmp_path: Path) -> None:
    """`demo` leaves a server running, a second one uses it, `stop` ends it."""
    environment = {"STATEWISE_ENGINE": "scripted", "STATEWISE_MODEL_NAME": "demo"}
    os.environ.update(environment)
    try:
        first = statewise("demo", "--port", "0", state=tmp_path)
        assert first.returncode == 0, first.stdout + first.stderr
        url = re.search(r"http://127\.0\.0\.1:\d+", first.stdout)
        assert url is not None
        second = statewise("demo", "--port", "0", state=tmp_path)
        assert url[0] in second.stdout
        solved = statewise("solve", BACKTRACKING, state=tmp_path)
        assert solved.returncode == 0
        stopped = statewise("stop", state=tmp_path)
        assert url[0] in stopped.stdout
        assert stopped.returncode == 0
        assert not list(tmp_path.glob("*.json"))
    finally:
        for name in environment:
            del os.environ[name]


def test_help_is_quick_to_import() -> None:
    """`--help` must not load a web framework, an engine or torch."""
    code = "import sys, statewise.cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"fastapi", "torch", "transformers", "vllm", "pydantic", "psutil"}
