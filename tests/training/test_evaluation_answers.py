"""answers.jsonl: nothing is lost, nothing is there twice, and one process writes at a time."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from statespace.solutions import Solution, Usage
from training.errors import DataError
from training.evaluation.answers import NAME, AnswerRow, Answers
from training.evaluation.judgement import read_solution


def row(key: str, text: str = "The answer is 72.") -> AnswerRow:
    solution = read_solution(text, "What?", finished=True, usage=Usage())
    return AnswerRow(key=key, problem="p", sample=0, solution=solution)


def found(folder: Path, key: str) -> Solution | None:
    with Answers(folder) as answers:
        return answers.get(key)


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    with Answers(tmp_path / "new" / "folder") as answers:
        answers.add(row("a"))
        answers.add(row("a", "The answer is 73."))
        answers.add(row("b"))
    assert len((tmp_path / "new" / "folder" / NAME).read_bytes().splitlines()) == 2
    assert found(tmp_path / "new" / "folder", "a") == row("a").solution
    assert found(tmp_path / "new" / "folder", "c") is None


@pytest.mark.parametrize("left", [1, 10, 200])
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, left: int) -> None:
    with Answers(tmp_path) as answers:
        answers.add(row("a"))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole + whole[:left])
    with Answers(tmp_path) as answers:
        answers.add(row("b"))
    assert (tmp_path / NAME).read_bytes().startswith(whole + b'{"key":"b"')
    assert found(tmp_path, "a") is not None
    assert found(tmp_path, "b") is not None


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"key": 1}\n')
    with pytest.raises(DataError, match="line 1"):
        Answers(tmp_path)


def test_two_evaluations_do_not_mix(tmp_path: Path) -> None:
    with Answers(tmp_path), pytest.raises(DataError, match="another evaluation"):
        Answers(tmp_path)
    found(tmp_path, "a")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file"):
        Answers(tmp_path / "file" / "folder")


def test_a_full_disk_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    with Answers(tmp_path) as answers:
        answers.add(row("a"))
        size = (tmp_path / NAME).stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, limits[1]))
        try:
            with pytest.raises(DataError, match="free space"):
                answers.add(row("b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert found(tmp_path, "a") is not None
    assert found(tmp_path, "b") is None
    with Answers(tmp_path) as answers:
        answers.add(row("b"))
    assert found(tmp_path, "b") is not None
