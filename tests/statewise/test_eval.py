"""`statewise eval` as it is typed: what it prints and writes, how it exits, and what survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engines.scripted import Script, ScriptedEngine
from statespace.text import render
from tests.support.server import LocalServer, local_server
from training.problems import generator
from training.traces import graph

PROBLEMS = [generator.generate(5, index, operations=(1, 3)) for index in range(40)]
TRACES = {problem.question: render(graph.trace(problem)) for problem in PROBLEMS}
SET = "easy=procedural,seed=5,operations=1-3,limit=40"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(TRACES, delay_s=0.001))) as server:
        yield server


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "statewise", "eval", *arguments]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_there_twice(
    server: LocalServer, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.jsonl"
    arguments = ["--url", server.url, "--set", SET, "--output", str(tmp_path), "--concurrency", "2"]
    solved = _solved(server)
    for wanted in (3, 12):
        child = subprocess.Popen(command(*arguments), stderr=subprocess.PIPE)
        while child.poll() is None and _lines(answers) < wanted:
            time.sleep(0.005)
        assert child.poll() is None, "it had ended before it could be killed"
        child.kill()
        child.communicate()
        assert not (tmp_path / "results.json").exists()
    before = answers.read_bytes()
    whole = before[: before.rfind(b"\n") + 1]
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    after = answers.read_bytes()
    assert after.startswith(whole)
    rows = [json.loads(line) for line in after.splitlines()]
    assert len({row["key"] for row in rows}) == len(rows) == 40
    assert {row["problem"] for row in rows} == {problem.id for problem in PROBLEMS}
    report = json.loads((tmp_path / "results.json").read_text())["sets"][0]["report"]
    assert report["accuracy"]["count"] == report["accuracy"]["total"] == 40
    assert report["legal"] == 1
    # What was on its way at each kill is asked again, nothing else.
    assert 40 <= _solved(server) - solved <= 40 + 2 * 2


def _solved(server: LocalServer) -> float:
    labels = {"status": "completed", "strategy": "single"}
    return server.metrics.registry.get_sample_value("statewise_solutions_total", labels) or 0


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_the_table_and_the_files_are_named(server: LocalServer, tmp_path: Path) -> None:
    done = run(
        *("--url", server.url, "--set", SET, "--limit", "9", "--source", "procedural,seed=6"),
        *("--output", str(tmp_path)),
    )
    assert done.returncode == 0, done.stderr
    assert "easy" in done.stdout
    assert "procedural,seed=6" in done.stdout
    assert "100.0" in done.stdout
    assert str(tmp_path / "results.json") in done.stdout
    assert (tmp_path / "results.png").is_file()


def test_a_checkpoint_is_served_for_the_call(tmp_path: Path) -> None:
    """A server is started on a free port, and ended."""
    done = run(
        *("--model", str(tmp_path), "--limit", "2", "--output", str(tmp_path / "out")),
        STATEWISE_ENGINE="scripted",
        STATEWISE_STATE_DIR=str(tmp_path / "state"),
    )
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "state").glob("*.json"))
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    assert written["manifest"]["checkpoint"].startswith("sha256:")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--set", "gsm9k:x"], 2, "gsm8k"),
        (["--set", "gsm8k:nowhere"], 2, "nowhere"),
        (["--samples", "4"], 2, "temperature"),
        (["--temperature", "nan"], 2, "temperature"),
        (["--concurrency", "0"], 2, "concurrency"),
        (["--url", "http://127.0.0.1:1", "--patience-s", "0.1"], 3, "http://127.0.0.1:1"),
        (["--url", "{url}", "--strategy", "magic"], 2, "magic"),
        (["--url", "{url}", "--output", "/dev/null/x"], 2, "/dev/null"),
    ],
)
def test_mistakes_are_named_without_a_traceback(
    server: LocalServer, tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    given = [part.format(url=server.url) for part in arguments]
    if "--output" not in given:
        given += ["--output", str(tmp_path)]
    done = run(*given, "--limit", "3", STATEWISE_STATE_DIR=str(tmp_path / "state"))
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
