"""Sets as a command line names them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.errors import DataError
from training.evaluation.sets import load_set, load_sets
from training.problems import jsonl


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_procedural_sets_are_what_they_say(tmp_path: Path) -> None:
    found = load_set("easy=procedural,operations=1-2,wordings=heldout,seed=7,limit=30")
    assert (found.name, len(found.problems)) == ("easy", 30)
    assert {one.operations for one in found.problems} == {1, 2}
    assert {one.split for one in found.problems} == {"heldout"}
    assert found == load_set("easy=procedural,operations=1-2,wordings=heldout,seed=7,limit=30")
    assert found.digest != load_set("procedural,operations=1-2,seed=8,limit=30").digest
    assert {one.operations for one in load_set("procedural,operations=3", 5).problems} == {3}


def test_a_problems_file_keeps_its_graph(tmp_path: Path) -> None:
    problems = load_set("procedural", 4).problems
    jsonl.write(tmp_path / "problems.jsonl", problems)
    assert load_set(f"problems:{tmp_path / 'problems.jsonl'}").problems == problems


def test_own_files_are_read_and_repetitions_left_out(tmp_path: Path) -> None:
    row = {"question": "What is 1 + 1?", "answer": 2}
    path = write(tmp_path / "mine.jsonl", row, {"question": "What is 1 + 2?", "answer": "3"}, row)
    found = load_set(f"own:{path},tolerance=0.01")
    assert [one.answer for one in found.problems] == ["2", "3"]
    assert found.tolerance == 0.01
    assert str(tmp_path) not in found.name


def test_a_larger_limit_keeps_the_problems_of_a_smaller_one(tmp_path: Path) -> None:
    """Otherwise raising it would throw answers away."""
    rows = [{"question": f"What is {n} + 1?", "answer": n + 1} for n in range(50)]
    path = write(tmp_path / "mine.jsonl", *rows)
    few = [one.question for one in load_set(f"own:{path}", 10).problems]
    more = [one.question for one in load_set(f"own:{path},limit=20", 10).problems]
    assert len(few) == 10
    assert len(more) == 20
    assert [question for question in more if question in few] == few
    assert few != [row["question"] for row in rows[:10]]
    assert few != [one.question for one in load_set(f"own:{path},draw=1", 10).problems]


def test_gsm8k_and_gsm_hard_are_read_as_published(data_dir: Path) -> None:
    school = load_set(f"gsm8k:{data_dir / 'gsm8k'}")
    assert len(school.problems) == 1319
    hard = load_set(f"gsm-hard:{data_dir / 'gsm_hard'}")
    assert len(hard.problems) > 1300
    assert max(one.tolerance for one in hard.problems) == 1e-4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no source"),
        ("easy=", "names no source"),
        ("gsm9k:x", "did you mean gsm8k"),
        ("procedural,operation=3", "operation"),
        ("procedural,operations=3-", "operations"),
        ("procedural,operations=many", "operations"),
        ("procedural,operations=7-9", "1 to 6"),
        ("procedural,limit=0", "limit"),
        ("procedural,limit", "limit"),
        ("procedural,tolerance=-1", "tolerance"),
        ("procedural,wordings=odd", "odd.*seen"),
        ("gsm8k:nowhere", "nowhere"),
        ("gsm8k:x,seed=3", "seed"),
        ("problems", "problems:PATH"),
        ("problems:nowhere.jsonl", "nowhere.jsonl"),
    ],
)
def test_mistakes_are_named(text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        load_set(text)


def test_sets_need_names_of_their_own() -> None:
    with pytest.raises(DataError, match="NAME="):
        load_sets(["a=procedural", "a=procedural,seed=2"])


def test_ids_that_mean_two_problems_are_refused(tmp_path: Path) -> None:
    """Their solutions would count as two samples of one problem."""
    path = write(
        tmp_path / "mine.jsonl",
        {"id": "1", "question": "What is 1 + 1?", "answer": "2"},
        {"id": "1", "question": "What is 1 + 2?", "answer": "3"},
    )
    with pytest.raises(DataError, match="same id"):
        load_set(f"own:{path}")


def test_an_empty_file_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no problem"):
        load_set(f"own:{write(tmp_path / 'mine.jsonl')}")
