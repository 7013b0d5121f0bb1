"""Decontamination: what is removed, that nothing depends on order, and the step's files."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from training.errors import DataError
from training.problems.decontamination import clean as step
from training.problems.decontamination.clean import clean
from training.problems.decontamination.ngrams import Detector, Question, words

EVAL = "A baker fills 12 trays with 8 rolls each and sells 35 rolls before noon. How many are left?"
OTHER_NUMBERS = (
    "A baker fills twenty-five trays with 1,200 rolls each and sells 4 rolls before noon. "
    "How many are left?"
)

letters = st.text(string.ascii_lowercase, min_size=1, max_size=6)
texts = st.lists(letters | st.integers(0, 99_999).map(str), min_size=1, max_size=30).map(" ".join)
anything = st.text(min_size=1, max_size=200)


def sets(*texts: str) -> dict[str, list[Question]]:
    return {"eval": [Question(f"q{n}", text) for n, text in enumerate(texts)]}


@given(before=anything, question=texts | anything, after=anything, n=st.integers(1, 12))
def test_a_row_that_contains_an_evaluation_question_is_always_found(
    before: str, question: str, after: str, n: int
) -> None:
    """At every threshold: all of the question's n-grams are there."""
    assume(words(question))
    detector = Detector(sets(question), n, threshold=1)
    found = detector.overlaps(f"{before} \n{question} \n{after}")
    assert any(overlap.share == 1 and not overlap.masked for overlap in found)


@given(st.lists(st.text("abcdef", min_size=1), min_size=1), st.text("ghijkl ,.?", min_size=1))
def test_disjoint_vocabularies_never_overlap(evaluation: list[str], row: str) -> None:
    assert Detector(sets(*evaluation), n=1).overlaps(row) == []


@given(
    st.lists(texts, min_size=1, max_size=8),
    texts,
    st.integers(1, 8),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_evaluation_questions_and_sets_does_not_matter(
    evaluation: list[str], row: str, n: int, threshold: float, rng: random.Random
) -> None:
    questions = sets(*evaluation)["eval"]
    shuffled = rng.sample(questions, len(questions))
    forwards = Detector({"a": questions, "b": questions[:1]}, n, threshold)
    backwards = Detector({"b": questions[:1], "a": shuffled}, n, threshold)
    assert forwards.overlaps(row) == backwards.overlaps(row)


def test_case_punctuation_and_thousands_commas_make_no_difference() -> None:
    detector = Detector(sets("Ann’s farm sold 1,250 eggs; then it sold 3.5 more!"), threshold=1)
    (written, masked) = detector.overlaps("ANN'S farm sold 1250 eggs, then it sold 3.5 more")
    assert (written.share, written.masked, masked.masked) == (1, False, True)
    assert written.ngram == "ann's farm sold 1250 eggs then it sold"


def test_the_same_wording_with_other_numbers_is_found_masked_only() -> None:
    (found,) = Detector(sets(EVAL), threshold=0.9).overlaps(OTHER_NUMBERS)
    assert (found.masked, found.share) == (True, 1)
    assert found.ngram == "a baker fills # trays with # rolls"


def test_one_shared_phrase_of_eight_words_is_enough_unless_a_threshold_is_set() -> None:
    row = "He owns a shop and sells 35 rolls before noon. How many people came?"
    assert [o.ngram for o in Detector(sets(EVAL)).overlaps(row)] == [
        "and sells 35 rolls before noon how many",
        "and sells # rolls before noon how many",
    ]
    assert Detector(sets(EVAL), n=9).overlaps(row) == []
    assert Detector(sets(EVAL), threshold=0.2).overlaps(row) == []


def test_short_questions_are_compared_whole() -> None:
    detector = Detector(sets("What is 3 + 4?"))
    assert [o.masked for o in detector.overlaps("Tell me: what is 3 + 4? Be quick.")] == [False]
    # With the number masked, "what is #" would match half of all problems.
    assert detector.overlaps("What is 9 times the number of figs that Ana has?") == []
    assert [o.masked for o in detector.overlaps("What is 17 - 5?")] == [True]


def test_languages_without_spaces_have_words() -> None:
    question = "小明有三个苹果又买了五个苹果一共有几个"
    assert len(words(question)) == len(question)
    assert Detector(sets(question), threshold=1).overlaps(f"请问{question}呢")


def test_the_nearest_question_is_named() -> None:
    near = EVAL.replace("baker", "cook")
    (written, _) = Detector(sets(near, EVAL)).overlaps(EVAL)
    assert (written.id, written.share) == ("q1", 1)


def save(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def load(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Any rows with a question: fields of other kinds are carried along."""
    rows: list[dict[str, Any]] = [
        {"question": f"Tell me: {EVAL}", "key": "contained"},
        {"question": OTHER_NUMBERS, "key": "other numbers"},
        {"key": "clean", "question": "Zoë rides to town.", "nested": {"a": [1, None, 2.5]}},
    ]
    return save(tmp_path / "train.jsonl", rows)


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    return save(tmp_path / "eval.jsonl", [{"question": EVAL, "id": "e1"}])


def test_the_step_parts_clean_rows_from_removed_ones(
    train: Path, held_out: Path, tmp_path: Path
) -> None:
    output = tmp_path / "clean.jsonl"
    record, made = clean(train, [held_out], output)
    assert made
    assert load(output) == load(train)[2:]
    contained, numbers = load(tmp_path / "clean.removed.jsonl")
    assert contained["row"]["key"] == "contained"
    (overlap,) = numbers["overlaps"]
    assert (overlap["set"], overlap["id"], overlap["masked"]) == ("eval.jsonl", "e1", True)
    assert record["against"]["eval.jsonl"] == {
        "digest": record["against"]["eval.jsonl"]["digest"],
        "questions": 1,
        "as_written": 1,
        "numbers_masked": 2,
        "either": 2,
        "questions_concerned": 1,
    }
    assert json.loads((tmp_path / "clean.manifest.json").read_text()) == record


def test_masked_overlaps_can_be_counted_without_being_removed(
    train: Path, held_out: Path, tmp_path: Path
) -> None:
    """Between training and test problems of one generator, wordings are shared by design."""
    output = tmp_path / "clean.jsonl"
    record, _ = clean(train, [held_out], output, threshold=1, masked=False)
    assert [row["key"] for row in load(output)] == ["other numbers", "clean"]
    assert (record["removed"], record["against"]["eval.jsonl"]["numbers_masked"]) == (1, 2)


def test_a_finished_step_is_not_done_again_until_something_changes(
    train: Path, held_out: Path, tmp_path: Path
) -> None:
    output = tmp_path / "clean.jsonl"
    clean(train, [held_out], output)
    assert clean(train, [held_out], output)[1] is False
    assert clean(train, [held_out], output, n=7)[1] is True
    output.write_bytes(output.read_bytes()[:-5])
    record, made = clean(train, [held_out], output, n=7)
    assert made
    assert record["outputs"]["clean.jsonl"]["rows"] == 1


def test_the_order_of_training_rows_does_not_matter(
    train: Path, held_out: Path, tmp_path: Path
) -> None:
    rows = load(train)
    first, _ = clean(train, [held_out], tmp_path / "a.jsonl")
    second, _ = clean(save(tmp_path / "b.jsonl", rows[::-1]), [held_out], tmp_path / "c.jsonl")
    assert first["against"] == second["against"]
    removed = [load(tmp_path / name) for name in ("a.removed.jsonl", "c.removed.jsonl")]
    assert removed[0] == removed[1][::-1]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "no question"}, r"train.jsonl, line 4: .*no text in the field question"),
        ({"question": 7}, r"train.jsonl, line 4: .*no text in the field question"),
    ],
)
def test_a_row_without_a_question_is_named(
    train: Path, held_out: Path, tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    save(train, [*load(train), row])
    with pytest.raises(DataError, match=message):
        clean(train, [held_out], tmp_path / "clean.jsonl")
    assert not (tmp_path / "clean.jsonl").exists()


def test_an_empty_or_missing_evaluation_file_is_an_error(train: Path, tmp_path: Path) -> None:
    """Nothing overlaps with nothing: a clean bill that means nothing."""
    with pytest.raises(DataError, match="holds no questions"):
        clean(train, [save(tmp_path / "empty.jsonl", [])], tmp_path / "clean.jsonl")
    with pytest.raises(DataError, match="cannot read"):
        clean(train, [tmp_path / "missing.jsonl"], tmp_path / "clean.jsonl")


def test_no_input_is_overwritten(train: Path, held_out: Path, tmp_path: Path) -> None:
    before = train.read_bytes()
    with pytest.raises(DataError, match="would replace what is read"):
        clean(train, [held_out], tmp_path / "x" / ".." / "train.jsonl")
    removed = train.rename(tmp_path / "clean.removed.jsonl")
    with pytest.raises(DataError, match="would replace what is read"):
        clean(removed, [held_out], tmp_path / "clean.jsonl")
    assert removed.read_bytes() == before


def test_two_evaluation_files_of_one_name_are_told_apart(train: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save(tmp_path / folder / "test.jsonl", [{"question": EVAL, "id": folder}])
    both = [tmp_path / "a" / "test.jsonl", tmp_path / "b" / "test.jsonl"]
    record, _ = clean(train, both, tmp_path / "clean.jsonl")
    assert [counts["either"] for counts in record["against"].values()] == [2, 2]


def test_nothing_compares_every_row_with_every_question() -> None:
    """Work is one look-up an n-gram: 2,000 × 2,000 questions cost as many as there are words."""
    rng = random.Random(1)
    made = [" ".join(rng.choices(string.ascii_lowercase, k=30)) for _ in range(2000)]
    detector = Detector(sets(*made))
    calls = 0

    class Counted(dict[str, list[int]]):
        def __contains__(self, key: object) -> bool:
            nonlocal calls
            calls += 1
            return super().__contains__(key)

    for index in detector._indices:
        index._grams = Counted(index._grams)
    assert all(detector.overlaps(text) for text in made)
    assert calls <= 2 * 2000 * 30


def test_gsm8k_training_and_test_questions(data_dir: Path, tmp_path: Path) -> None:
    """The figures in the documentation; no training question is a test question."""
    record, _ = clean(
        data_dir / "gsm8k" / "train.jsonl",
        [data_dir / "gsm8k" / "test.jsonl"],
        tmp_path / "clean.jsonl",
    )
    counts = record["against"]["test.jsonl"]
    assert (counts["as_written"], counts["numbers_masked"], counts["either"]) == (91, 241, 242)
    assert record["outputs"]["clean.jsonl"]["rows"] == 7231
    removed = load((tmp_path / "clean.jsonl").with_suffix(step.REMOVED))
    assert max(overlap["share"] for row in removed for overlap in row["overlaps"]) < 1
