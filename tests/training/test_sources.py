"""Sources of problems in their published formats: files, and local copies of hub repositories.

GSM8K and GSM-Hard are read as they are, where they are present; all other rows are made up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest

from statespace import answers
from training.errors import DataError
from training.problems.problem import Problem, problem_id
from training.problems.sources import SOURCES, source
from training.problems.sources.competition import boxed
from training.problems.sources.files import read
from training.problems.sources.gold import plain
from training.problems.sources.school import FRACTIONAL, LANGUAGES, NOISE
from training.problems.sources.trainable import EVALUATION_SETS, check_trainable, trainable

GSM8K_ROW = {
    "question": "Ana packs 3 boxes of 400 figs. How many figs?",
    "answer": "3*400 = <<3*400=1200>>1,200\n#### 1,200",
}
HARD_ROW = {"input": "Ana has 2.5 times 7.3 figs.", "code": "def solution(): ...", "target": 18.25}
SVAMP_ROW = {
    "ID": "chal-0",
    "Body": "Ana had 12 figs and ate 5 of them .",
    "Question": "How many figs are left ?",
    "Equation": "( 12.0 - 5.0 )",
    "Answer": 7.0,
    "Type": "Subtraction",
}
MATH_ROW = {
    "problem": "What is half of $\\frac{2}{3}$?",
    "level": "Level 1",
    "type": "Prealgebra",
    "solution": "First \\boxed{x}. Then it is $\\boxed{\\frac{1}{3}}$.",
}


def save(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def lines(path: Path, *rows: object) -> Path:
    return save(path, "".join(json.dumps(row) + "\n" for row in rows))


def parquet(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_list(list(rows)).to_parquet(path)
    return path


def load(name: str, split: str, path: Path, **options: Any) -> list[Problem]:
    return list(source(name, **options).load(split, path=path))


def card(folder: Path, *configurations: str) -> None:
    """The README of a hub repository whose files lie in a folder for each configuration."""
    text = "---\nconfigs:\n"
    for one in configurations:
        text += f"- config_name: {one}\n  data_files:\n"
        for split in sorted({f.name.partition("-")[0] for f in (folder / one).iterdir()}):
            text += f"  - split: {split}\n    path: {one}/{split}-*\n"
    save(folder / "README.md", text + "---\n")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path_factory.mktemp("hub")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache))
    datasets.disable_progress_bars()


# The real files.


def test_gsm8k_as_published(data_dir: Path) -> None:
    train, test = (load("gsm8k", split, data_dir / "gsm8k") for split in ("train", "test"))
    assert (len(train), len(test)) == (7473, 1319)
    assert len({problem.id for problem in train + test}) == 7473 + 1319
    assert all(re.fullmatch(r"-?\d+", problem.answer) for problem in train + test)
    assert [p.answer for p in test if p.answer.startswith("-")] == ["-10", "-3"]
    commas = [p for p in train + test if "," in p.solution.rpartition("####")[2]]
    assert len(commas) == 79 + 14
    assert {(p.source, p.split, p.licence) for p in test} == {("gsm8k", "test", "MIT")}
    assert (test[0].answer, test[0].tolerance) == ("18", 0)


def test_gsm_hard_as_published(data_dir: Path) -> None:
    problems = load("gsm-hard", "test", data_dir / "gsm_hard")
    assert len({problem.id for problem in problems}) == len(problems) == 1319
    golds = [answers.number(problem.answer) for problem in problems]
    published = [
        json.loads(line)["target"]
        for line in (data_dir / "gsm_hard" / "test.jsonl").read_text().splitlines()
    ]
    assert [float(problem.answer) for problem in problems] == published
    assert sum(gold is not None and gold < 0 for gold in golds) == 146
    assert sum(gold is not None and gold.denominator > 1 for gold in golds) == 303
    assert Counter(p.tolerance for p in problems) == {0.0: 1016, FRACTIONAL: 299, NOISE: 4}
    assert problems[0].answer == "-9867630"
    assert not any("e" in problem.answer for problem in problems)


# Published formats, made-up rows: the same problem from a file and from a hub repository.


def gsm8k_places(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    yield {}, {"path": lines(folder / "train.jsonl", GSM8K_ROW)}
    yield {}, {"path": folder}
    yield {}, {"path": parquet(folder / "p" / "train.parquet", GSM8K_ROW)}
    parquet(folder / "hub" / "main" / "train-00000-of-00001.parquet", GSM8K_ROW)
    parquet(folder / "hub" / "socratic" / "train-00000-of-00001.parquet", {"question": "", "x": 1})
    card(folder / "hub", "main", "socratic")
    yield {}, {"hub": str(folder / "hub")}


def gsm_hard_places(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    yield {}, {"path": lines(folder / "hub" / "gsmhardv2.jsonl", HARD_ROW)}
    yield {}, {"path": folder / "hub"}
    yield {}, {"hub": str(folder / "hub")}  # as on the hub: one file, so one split, named train


def svamp_places(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    yield {}, {"path": save(folder / "SVAMP.json", json.dumps([SVAMP_ROW], indent=4))}
    yield {}, {"path": folder}
    row = {**SVAMP_ROW, "Answer": "7.0", "question_concat": "…"}
    save(folder / "hub" / "train.json", json.dumps([row, row]))
    save(folder / "hub" / "test.json", json.dumps([row]))
    yield {}, {"hub": str(folder / "hub")}


def mgsm_places(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    question = 'Ana hat "3" Körbe mit 400 Feigen. Wie viele sind es?'
    save(folder / "mgsm_en.tsv", "Other?\t1\n")
    options = {"language": "de"}
    yield options, {"path": save(folder / "mgsm_de.tsv", f"{question}\t1,200\n")}
    yield options, {"path": folder}
    row = {
        "question": question,
        "answer": None,
        "answer_number": 1200,
        "equation_solution": None,
    }
    for language in ("de", "en"):
        parquet(folder / "hub" / language / "test-00000-of-00001.parquet", row)
    card(folder / "hub", "de", "en")
    yield options, {"hub": str(folder / "hub")}


def math_places(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    yield {}, {"path": lines(folder / "train.jsonl", MATH_ROW)}
    save(folder / "MATH" / "train" / "algebra" / "1.json", json.dumps(MATH_ROW))
    yield {}, {"path": folder / "MATH"}
    yield {}, {"path": folder / "MATH" / "train"}


def own_places(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    yield {}, {"path": lines(folder / "mine.jsonl", {"question": "1 + 1?", "answer": 2})}
    yield {}, {"path": save(folder / "mine.json", '[{"question": "1 + 1?", "answer": "2"}]')}
    yield {}, {"path": save(folder / "mine.tsv", "1 + 1?\t2\n")}
    yield (
        {},
        {
            "hub": str(
                parquet(folder / "hub" / "a.parquet", {"question": "1 + 1?", "answer": 2}).parent
            )
        },
    )


@pytest.mark.parametrize(
    ("name", "split", "places", "expected"),
    [
        ("gsm8k", "train", gsm8k_places, (GSM8K_ROW["question"], "1200", 1, 0.0, "MIT")),
        ("gsm-hard", "test", gsm_hard_places, (HARD_ROW["input"], "18.25", 0, 1e-4, "Apache-2.0")),
        (
            "svamp",
            "test",
            svamp_places,
            ("Ana had 12 figs and ate 5 of them . How many figs are left ?", "7", 1, 0.0, "MIT"),
        ),
        (
            "mgsm",
            "test",
            mgsm_places,
            (
                'Ana hat "3" Körbe mit 400 Feigen. Wie viele sind es?',
                "1200",
                0,
                0.0,
                "CC-BY-SA-4.0",
            ),
        ),
        (
            "math",
            "train",
            math_places,
            (MATH_ROW["problem"], "\\frac{1}{3}", 0, 0.0, SOURCES["math"].licence),
        ),
        ("own", "train", own_places, ("1 + 1?", "2", 0, 0.0, "unknown")),
    ],
)
def test_one_problem_from_every_place(
    name: str, split: str, places: Any, expected: tuple[Any, ...], tmp_path: Path
) -> None:
    """Ids depend on the content alone, so that a file and the hub give the same."""
    for options, place in places(tmp_path):
        (problem,) = source(name, **options).load(split, **place)
        found = (problem.question, problem.answer, problem.operations, problem.tolerance)
        assert (*found, problem.licence) == expected, place
        assert (problem.source, problem.split) == (name, split)
        assert problem.id == problem_id(problem.question, problem.answer)


def test_where_the_hub_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no network in tests: what counts is that these arguments are the published ones."""
    asked: list[tuple[Any, ...]] = []

    def load_dataset(path: str, name: str | None, *, split: str, revision: str | None) -> list[Any]:
        asked.append((path, name, split, revision))
        return []

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    for kind, split in (("gsm8k", "test"), ("gsm-hard", "test"), ("svamp", "train")):
        assert list(source(kind).load(split)) == []
    assert list(source("mgsm", language="zh").load("test")) == []
    assert list(source("gsm8k").load("train", hub="me/copy@abc")) == []
    assert asked == [
        ("openai/gsm8k", "main", "test", None),
        ("reasoning-machines/gsm-hard", None, "train", None),
        ("ChilleD/SVAMP", None, "train", None),
        ("juletxara/mgsm", "zh", "test", None),
        ("me/copy", "main", "train", "abc"),
    ]


def test_without_the_network_the_hub_says_what_to_do(repository: Path) -> None:
    code = "from training.problems.sources import source; list(source('gsm8k').load('train'))"
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": "nowhere"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=repository, env=offline, capture_output=True, text=True, check=False
    )
    assert "DataError: cannot load openai/gsm8k (train) from the Hugging Face hub" in done.stderr
    assert "name it in --path" in done.stderr


# What goes wrong.


@pytest.mark.parametrize(
    ("name", "split", "file", "text", "message"),
    [
        (
            "gsm8k",
            "train",
            "train.jsonl",
            '{"question": "q"}\n',
            "line 1: there is no field answer",
        ),
        ("gsm8k", "train", "train.jsonl", '{"question": "q", "answer": "5"}\n', "no final answer"),
        ("gsm8k", "train", "train.jsonl", '{"question": ""', "line 1: not JSON"),
        ("gsm8k", "train", "train.jsonl", "[[1]]", "row 1: not a JSON object"),
        ("gsm8k", "train", "train.parquet", "PAR?", "is not a parquet file"),
        ("gsm8k", "train", "test.jsonl", "", "is the test split by its name; say --split test"),
        ("gsm8k", "test", "my_train.jsonl", "", "is the train split by its name"),
        ("gsm8k", "dev", "train.jsonl", "", "no split dev: gsm8k has train, test"),
        ("gsm8k", "train", "rows.csv", "", "cannot read .csv; use .jsonl, .json, .tsv, .parquet"),
        ("gsm-hard", "train", "test.jsonl", "", "no split train: gsm-hard has test"),
        ("gsm-hard", "test", "a.jsonl", '{"input": "q", "target": NaN}', "nan is not a number"),
        ("svamp", "test", "a.json", '[{"Body": "b", "Question": 3}]', "Question: 3 is no text"),
        ("mgsm", "test", "mgsm_en.tsv", "question?\n", "line 1: 1 columns, not 2"),
        ("mgsm", "test", "mgsm_en.tsv", "question?\tsix\n", "'six' is not a number"),
        ("math", "train", "a.jsonl", '{"problem": "p", "solution": "s"}', "no answer: neither"),
        (
            "own",
            "train",
            "a.jsonl",
            '{"question": "q", "answer": true}',
            "answer: True is not a number",
        ),
        ("own", "x", "a.jsonl", '{"question": "q", "answer": 1, "split": "y"}', "--split y"),
    ],
)
def test_bad_input_is_explained(  # noqa: PLR0917
    name: str, split: str, file: str, text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load(name, split, save(tmp_path / file, text))
    assert message in str(caught.value)
    assert file in str(caught.value) or "split" in message


def test_missing_places_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none of mgsm_th"):
        load("mgsm", "test", tmp_path, language="th")
    with pytest.raises(DataError, match="there is no file or folder"):
        load("gsm8k", "train", tmp_path / "nowhere")
    with pytest.raises(DataError, match="give one"):
        source("gsm8k").load("train", path=tmp_path, hub="me/copy")
    with pytest.raises(DataError, match="own has no usual place"):
        source("own").load("train")


def test_math_comes_from_a_copy_of_ones_own_only(tmp_path: Path) -> None:
    for hub in (None, "someone/math"):
        with pytest.raises(DataError, match="Art of Problem Solving; name your own copy"):
            source("math").load("train", hub=hub)
    save(tmp_path / "MATH" / "test" / "algebra" / "1.json", json.dumps(MATH_ROW))
    with pytest.raises(DataError, match="has no folder train"):
        load("math", "train", tmp_path / "MATH")
    with pytest.raises(DataError, match="is the test split by its name"):
        load("math", "train", tmp_path / "MATH" / "test")


def test_the_order_of_a_folder_of_problems_is_that_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 100):
        row = {"problem": str(number), "solution": "\\boxed{1}"}
        save(tmp_path / "train" / "algebra" / f"{number}.json", json.dumps(row))
    assert [p.question for p in load("math", "train", tmp_path)] == ["9", "10", "100"]


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("\\boxed{1} or \\boxed{2}", "2"),
        ("$\\boxed{\\frac{a}{\\sqrt{b}}}$ is it", "\\frac{a}{\\sqrt{b}}"),
        ("\\fbox{C}", "C"),
        ("so $\\boxed 7$.", "7"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{never closed", None),
        ("none", None),
    ],
)
def test_boxed_answers(solution: str, answer: str | None) -> None:
    assert boxed(solution) == answer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8, "8"),
        (8.0, "8"),
        ("8.00", "8"),
        ("-1,234.50", "-1234.5"),
        (1e16, "10000000000000000"),
        (5.158e-07, "0.0000005158"),
        (5186630.5999999996, "5186630.6"),
        (-0.0, "0"),
        (".5", "0.5"),
        (100, "100"),
        ("+3", "3"),
    ],
)
def test_gold_numbers_are_plain(value: object, text: str) -> None:
    assert plain(value) == text
    assert answers.number(text) is not None


@pytest.mark.parametrize("value", [True, None, "", "1e5", "12,34", float("inf"), "3 figs"])
def test_what_is_no_number_is_no_gold_answer(value: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        plain(value)


def test_own_rows_keep_their_ids_splits_and_licences(tmp_path: Path) -> None:
    rows = [
        {"question": "a", "answer": "$5", "id": 7, "split": "train", "license": "CC0"},
        {"question": "b", "answer": "\\frac{1}{2}", "split": "test", "licence": "MIT"},
        {"question": "c", "answer": 3, "solution": "1 + 2", "topic": "sums"},
    ]
    path = lines(tmp_path / "mine.jsonl", *rows)
    first, third = load("own", "train", path)
    assert (first.id, first.answer, first.licence) == ("7", "$5", "CC0")
    assert (third.answer, third.solution) == ("3", "1 + 2")
    assert [(p.question, p.split, p.licence) for p in load("own", "test", path)][:1] == [
        ("b", "test", "MIT")
    ]


# What may be trained on.


def test_evaluation_sets_and_test_splits_are_never_trained_on() -> None:
    for name, kind in SOURCES.items():
        assert (kind.purpose == "evaluation") == (name in EVALUATION_SETS)
    allowed: Sequence[tuple[str, str]] = [
        ("procedural", "seen"),
        ("gsm8k", "train"),
        ("math", "train"),
        ("own", "latest"),
    ]
    for pair in allowed:
        check_trainable(*pair)
    refused = [(name, "train") for name in (*EVALUATION_SETS, "GSM_Hard", "ASDiv", "MAWPS")]
    refused += [("gsm8k", "test"), ("procedural", "heldout"), ("own", "Test-2"), ("own", "eval")]
    for pair in refused:
        with pytest.raises(DataError, match="never trained on"):
            check_trainable(*pair)


def test_rows_are_checked_as_they_pass() -> None:
    good = source("procedural").load("seen")
    bad = next(iter(source("procedural").load("heldout")))
    rows = trainable([next(good), next(good), bad])
    assert [next(rows).split, next(rows).split] == ["seen", "seen"]
    with pytest.raises(DataError, match="the split heldout of procedural"):
        next(rows)


def test_names_and_options_that_no_source_has() -> None:
    with pytest.raises(DataError, match="did you mean gsm8k"):
        source("gsm8")
    with pytest.raises(DataError, match="gsm8k has no --seed"):
        source("gsm8k", seed=1)
    with pytest.raises(DataError, match="has no --licence"):
        source("procedural", licence="MIT")
    with pytest.raises(DataError, match="--language xx: MGSM has en, bn"):
        source("mgsm", language="xx")
    assert len(LANGUAGES) == len(set(LANGUAGES)) == 11


def test_a_windows_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jsonl", '\ufeff\n{"question": "q", "answer": 1}\n\n')
    assert [row for _, row in read(path)] == [{"question": "q", "answer": 1}]
