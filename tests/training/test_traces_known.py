"""`statewise train traces` from graphs and annotations: a step that may be killed and run again."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from statespace.text import render
from tests.support.teacher import teacher
from training import rows
from training.commands import train as cli
from training.errors import DataError
from training.problems import generator, gsm8k, jsonl
from training.rows import Reason, RejectedRow, TraceRow
from training.traces import graph
from training.traces.filters import Accepted, judge
from training.traces.known import make

SOLUTION = "Natalia sold 8/2 = <<8/2=4>>4 clips in May.\nIn all 8+4 = <<8+4=12>>12 clips.\n#### 12"
ANNOTATED = gsm8k.problem(
    "Natalia sold 8 clips in April and half as many in May. In all?", SOLUTION
)
UNMARKED = gsm8k.problem("What is two and two?", "It is four.\n#### 4")
GENERATED = [generator.generate(9, index) for index in range(5)]


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    path = tmp_path / "problems.jsonl"
    jsonl.write(path, [*GENERATED, ANNOTATED, UNMARKED, GENERATED[0]])
    return path


def test_graphs_give_the_traces_that_the_generator_knows(problems: Path, tmp_path: Path) -> None:
    record = make(problems, "graph", tmp_path / "out")
    made = list(rows.read(tmp_path / "out" / "traces.jsonl", TraceRow))
    assert [row.trace for row in made] == [render(graph.trace(p)) for p in GENERATED]
    assert all(isinstance(judge(row), Accepted) for row in made)
    assert record["outputs"]["failed.jsonl"]["rows"] == 2


def test_what_has_no_marks_is_kept_with_its_reason(problems: Path, tmp_path: Path) -> None:
    make(problems, "annotated", tmp_path / "out")
    (made,) = rows.read(tmp_path / "out" / "traces.jsonl", TraceRow)
    assert (made.question, made.licence) == (ANNOTATED.question, "MIT")
    failed = list(rows.read(tmp_path / "out" / "failed.jsonl", RejectedRow))
    assert {row.reason for row in failed} == {Reason.FAILED}
    assert len(failed) == len(GENERATED) + 1


def test_a_finished_step_is_left_and_a_broken_one_made_again(
    problems: Path, tmp_path: Path
) -> None:
    made: list[int] = []
    folder = tmp_path / "out"
    make(problems, "graph", folder, made.append)
    whole = (folder / "traces.jsonl").read_bytes()
    make(problems, "graph", folder, made.append)
    assert len(made) == 7, "seven distinct problems, once"
    (folder / "traces.jsonl").write_bytes(whole[:300])
    make(problems, "graph", folder, made.append)
    assert (folder / "traces.jsonl").read_bytes() == whole


def test_a_truncated_problems_file_is_named(problems: Path, tmp_path: Path) -> None:
    problems.write_bytes(problems.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"problems.jsonl, line 8"):
        make(problems, "graph", tmp_path / "out")


def test_the_commands_follow_each_other(problems: Path, tmp_path: Path) -> None:
    """As typed: problems → traces → filter, from a graph and from a teacher that is wrong."""

    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, [*words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return " ".join(done.stdout.split())

    known, taught, out = (str(tmp_path / name) for name in ("known", "taught", "out"))
    assert "5 traces; 2 problems give none" in run(
        "traces", str(problems), "--origin", "graph", "--output", known
    )
    with teacher(lambda body: render([*graph.trace(GENERATED[0])])) as server:
        asked = ["--url", server.url, "--model", "m", "--samples", "2"]
        run("traces", str(problems), "--origin", "teacher", "--output", taught, *asked)
    files = [str(Path(folder) / "traces.jsonl") for folder in (known, taught)]
    told = run("filter", *files, "--output", out)
    assert "wrong answer" in told
    accepted = list(rows.read(Path(out) / "accepted.jsonl", TraceRow))
    assert [row.origin for row in accepted] == ["graph"] * 5
    rejected = list(rows.read(Path(out) / "rejected.jsonl", RejectedRow))
    assert {row.reason for row in rejected} <= {Reason.WRONG_ANSWER, Reason.DUPLICATE}
    assert len(rejected) == 14


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for words in (
        ["traces", "nowhere.jsonl", "--origin", "graph"],
        ["traces", "nowhere.jsonl", "--origin", "self", "--url", "http://x", "--model", "m"],
        ["review", "nowhere.jsonl", "--url", "http://x", "--model", "m"],
        ["filter", "nowhere.jsonl"],
    ):
        done = CliRunner().invoke(cli, [*words, "--output", str(tmp_path / "out")])
        assert done.exit_code == 1, done.output
        assert "cannot read nowhere.jsonl" in " ".join(done.stderr.split())
