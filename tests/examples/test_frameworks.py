"""The examples for LangChain and inspect_ai, run with the packages themselves (`make examples`)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from statespace.actions import Action
from statespace.text import render
from tests.conftest import REPOSITORY, skip
from tests.support.server import LocalServer, local_server

pytestmark = pytest.mark.slow

BIN = REPOSITORY / ".venv-examples" / "bin"
RECORDED = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in RECORDED.items() if "Backtrack" in text)
TOM = "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?"
WRONG = "Ben has 6 coins. He finds 2 more coins. How many coins does Ben have now?"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    def simple(answer: int) -> str:
        return render(
            [
                (Action.SOLVE_PARENT, f"It is {answer}."),
                (Action.SUMMARIZE, rf"The final answer is \boxed{{{answer}}}."),
            ]
        )

    script = Script({**RECORDED, TOM: simple(8), WRONG: simple(9)}, delay_s=0.001)
    with local_server(ScriptedEngine(script)) as server:
        yield server


def run(program: str, *arguments: str | Path, **environment: str) -> str:
    if not (BIN / program).exists():
        skip("no environment for the examples; `make examples` makes it")
    done = subprocess.run(
        [BIN / program, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_langchain_streams_and_batches(server: LocalServer) -> None:
    told = run("python", "examples/langchain/solve.py", server.url, "scripted").splitlines()
    streamed, first, second = told
    assert streamed == r"The final answer is \boxed{8}."
    assert first.startswith(r"The final answer is \boxed{8}. | ")
    assert second.startswith(r"The final answer is \boxed{84}. | ")


@pytest.mark.parametrize("model", ["scripted", "scripted:vote-2"])
def test_inspect_scores_answers_and_steps(server: LocalServer, tmp_path: Path, model: str) -> None:
    """One right answer over a refuted state, one right, one wrong."""
    golds = {BACKTRACKING: "72", TOM: "8", WRONG: "8"}
    rows = [{"question": each, "answer": f"So.\n#### {gold}"} for each, gold in golds.items()]
    problems = tmp_path / "test.jsonl"
    problems.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    logs = tmp_path / "logs"
    run(
        "inspect", "eval", "examples/inspect_ai/gsm8k.py", "-T", f"path={problems}",
        "--model", f"openai-api/statewise/{model}", "--display", "none",
        "--log-dir", logs, "--log-format", "json",
        STATEWISE_BASE_URL=f"{server.url}/v1", STATEWISE_API_KEY="none",
    )  # fmt: skip
    log = json.loads(next(logs.glob("*.json")).read_text("utf-8"))
    assert log["status"] == "success"
    scores = {each["name"]: each["metrics"] for each in log["results"]["scores"]}
    assert scores["answer"]["accuracy"]["value"] == pytest.approx(2 / 3)
    by_problem = {each["input"]: each["scores"]["steps"] for each in log["samples"]}
    paths = 2 if "vote" in model else 1
    assert by_problem[TOM]["answer"] == f"0/{2 * paths}"
    assert by_problem[BACKTRACKING]["answer"].startswith(f"{paths}/")
