"""The steps that make and clean problems files: as typed, killed, run again, on a full disk."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from training.commands import train as cli
from training.errors import DataError
from training.problems import jsonl
from training.problems.generator import generate
from training.problems.sources import source
from training.problems.sources.collect import collect
from training.traces import graph

SLOWLY = """
import sys, time
from pathlib import Path
from training.problems.sources import source
from training.problems.sources.collect import collect
collect(source("procedural"), "seen", Path(sys.argv[1]), count=300,
        advance=lambda: time.sleep(0.01))
"""
NO_ROOM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from training.commands import train
train()
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def said(result: Result) -> str:
    return " ".join(result.output.split())


def test_a_problems_file_keeps_the_graph(tmp_path: Path) -> None:
    """Later steps make traces from it as from the generator itself."""
    made = [generate(3, index) for index in range(200)]
    path = tmp_path / "problems.jsonl"
    assert jsonl.write(path, made) == 200
    read = list(jsonl.read(path))
    assert read == made
    assert [graph.text(problem) for problem in read] == [graph.text(problem) for problem in made]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "a"}', "line 2: question: Field required"),
        ('{"id": "a", "question": "q", "answer": "1", "source": "s", "split": "t"', "line 2"),
        (
            '{"id":"a","question":"q","answer":"1","source":"s","split":"t","operations":0,"unt":""}',
            "line 2: unt: Unexpected",
        ),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "problems.jsonl"
    jsonl.write(path, [generate(0, 0)])
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
    with pytest.raises(DataError, match=message):
        list(jsonl.read(path))


def test_the_command_makes_a_file_once(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "problems.jsonl"
    arguments = ("problems", "procedural", "--wordings", "heldout", "--count", 30, "--seed", 5)
    first = run(*arguments, "--operations", "2-3", "--output", output)
    assert first.exit_code == 0, first.output
    assert "has 30 problems for evaluation (licence Apache-2.0; duplicates" in said(first)
    problems = list(jsonl.read(output))
    assert problems == [generate(5, n, split="heldout", operations=(2, 3)) for n in range(30)]
    record = json.loads((tmp_path / "deep" / "problems.manifest.json").read_text())
    assert record["inputs"] == {"seed": 5, "operations": [2, 3]}
    assert (record["source"], record["split"], record["count"]) == ("procedural", "heldout", 30)
    assert (record["outputs"]["problems.jsonl"]["rows"], record["duplicates"]) == (30, 0)
    assert "torch" in record["versions"]
    assert str(tmp_path) not in json.dumps(record)

    before = output.stat().st_mtime_ns
    assert "was made before" in said(run(*arguments, "--operations", "2-3", "--output", output))
    assert output.stat().st_mtime_ns == before
    assert "has 30 problems" in said(run(*arguments, "--operations", "2", "--output", output))
    assert {problem.operations for problem in jsonl.read(output)} == {2}


def test_a_changed_input_makes_a_new_file(tmp_path: Path) -> None:
    mine, output = tmp_path / "mine.jsonl", tmp_path / "problems.jsonl"
    rows = [{"question": "a", "answer": 1}, {"question": "a", "answer": 1}]
    mine.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    record, _ = collect(source("own"), "train", output, path=mine)
    assert (record["outputs"]["problems.jsonl"]["rows"], record["duplicates"]) == (1, 1)
    mine.write_text(json.dumps({"question": "b", "answer": 2}), encoding="utf-8")
    assert collect(source("own"), "train", output, path=mine)[1] is True
    assert [problem.question for problem in jsonl.read(output)] == ["b"]


def test_one_id_for_two_problems_is_an_error(tmp_path: Path) -> None:
    """Traces are kept by the problem's id: one of the two would be lost."""
    mine = tmp_path / "mine.jsonl"
    rows = [{"id": 1, "question": "a", "answer": 1}, {"id": 1, "question": "b", "answer": 1}]
    mine.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(DataError, match="two problems have the id 1"):
        collect(source("own"), "train", tmp_path / "problems.jsonl", path=mine)


def test_a_truncated_file_is_not_read_as_a_smaller_one(tmp_path: Path) -> None:
    output = tmp_path / "problems.jsonl"
    collect(source("procedural"), "seen", output, count=5)
    lines = output.read_bytes().splitlines(keepends=True)
    output.write_bytes(b"".join(lines[:3]))
    with pytest.raises(DataError, match=r"not what its manifest says \(5 rows\)"):
        jsonl.read(output)
    collect(source("procedural"), "seen", output, count=5)
    assert len(list(jsonl.read(output))) == 5


def test_killed_and_run_again_it_makes_the_same_file(repository: Path, tmp_path: Path) -> None:
    output, whole = tmp_path / "killed.jsonl", tmp_path / "whole.jsonl"
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, str(output)], cwd=repository)
    part = output.with_name("killed.jsonl.part")
    while not part.exists() or not part.stat().st_size:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not output.exists()
    assert collect(source("procedural"), "seen", output, count=300)[1] is True
    collect(source("procedural"), "seen", whole, count=300)
    assert output.read_bytes() == whole.read_bytes()
    assert not part.exists()


def test_a_full_disk_is_explained_and_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    output = tmp_path / "problems.jsonl"
    arguments = ["problems", "procedural", "--count", "50", "--output", str(output)]
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "free space, run again" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["procedural"], "say how many problems with --count"),
        (["procedural", "--count", "3", "--operations", "2-x"], "write one number, or bounds"),
        (["procedural", "--count", "3", "--operations", "5-9"], "problems have 1 to 6 operations"),
        (["procedural", "--count", "3", "--split", "train"], "procedural has seen, heldout"),
        (["gsm8k", "--seed", "3"], "gsm8k has no --seed; leave it out"),
        (["svmap"], "there is no source svmap; did you mean svamp?"),
        (["math"], "name your own copy in --path"),
        (["own", "--path", "nowhere"], "there is no file or folder nowhere"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run("problems", *arguments, "--output", tmp_path / "problems.jsonl")
    assert done.exit_code == 1
    assert message in said(done)
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_not_replaced_and_no_rows_are_no_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text("\n", encoding="utf-8")
    done = run("problems", "own", "--path", mine, "--output", mine)
    assert "would replace what is read" in said(done)
    done = run("problems", "own", "--path", mine, "--output", tmp_path / "problems.jsonl")
    assert "own gave no problems" in said(done)
    assert list(tmp_path.iterdir()) == [mine]


def test_the_command_decontaminates_and_reports(tmp_path: Path) -> None:
    training, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    jsonl.write(training, [generate(1, index) for index in range(40)])
    jsonl.write(test, [generate(1, index) for index in range(38, 60)])
    output = tmp_path / "clean.jsonl"
    arguments = ("decontaminate", training, "--against", test, "--output", output)
    done = run(*arguments, "--threshold", 1, "--no-masked")
    assert done.exit_code == 0, done.output
    assert "has 38 of 40 rows; clean.removed.jsonl has the others" in said(done)
    assert list(jsonl.read(output)) == [generate(1, index) for index in range(38)]
    table = next(line for line in done.output.splitlines() if "test.jsonl" in line)
    assert [cell.strip() for cell in table.strip("│|").split("│")][1:3] == ["22", "2"]
    assert "was made before" in said(run(*arguments, "--threshold", 1, "--no-masked"))
    missing = run("decontaminate", tmp_path / "no.jsonl", "--against", test, "--output", output)
    assert (missing.exit_code, "cannot read" in said(missing)) == (1, True)
