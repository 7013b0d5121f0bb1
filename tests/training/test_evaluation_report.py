"""The figures: held against other libraries, brute force, and hand counts."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from rich.console import Console
from scipy.stats import binomtest

from training.evaluation import Judgement, summarize
from training.evaluation.interval import Share, Spread
from training.evaluation.judgement import failure
from training.evaluation.plot import plot
from training.evaluation.report import Report
from training.evaluation.reviews import Reviews
from training.evaluation.table import table
from training.problems.problem import Problem


def judged(problem: str, sample: int = 0, answer: str | None = "1", **known: object) -> Judgement:
    """A solution of a problem whose answer is 1."""
    return Judgement.model_validate(
        {
            "problem": problem,
            "sample": sample,
            "gold": "1",
            "answer": answer,
            "right": answer == "1",
            "ended": "completed" if answer else "no_answer",
            "transitions": 4,
            **known,
        }
    )


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilson_s(counts: tuple[int, int]) -> None:
    share = Share.of(*counts)
    other = binomtest(*counts).proportion_ci(method="wilson")
    assert (share.low, share.high) == pytest.approx((other.low, other.high), abs=1e-9)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_spreads_are_numpy_s(values: list[float]) -> None:
    found = Spread.of(values)
    expected = (np.mean(values), np.median(values), np.percentile(values, 95))
    assert (found.mean, found.median, found.p95) == pytest.approx(expected)


@given(st.lists(st.booleans(), min_size=2, max_size=7))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(right: list[bool]) -> None:
    samples = [judged("p", i, "1" if one else "2") for i, one in enumerate(right)]
    found = summarize(samples).pass_at
    assert {1, 2, len(right)} <= set(found)
    for k, share in found.items():
        subsets = list(combinations(right, k))
        assert share == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_the_majority_is_by_value_and_blind_to_gold() -> None:
    values = ["1", "2", "2.0", "4/2", "1", None]
    report = summarize([judged("p", i, value) for i, value in enumerate(values)])
    assert report.majority is not None
    assert report.majority.value == 0
    tie = summarize([judged("p", i, value) for i, value in enumerate(["1", "2"])])
    assert tie.majority is not None
    assert tie.majority.value == 1
    tie = summarize([judged("p", i, value) for i, value in enumerate(["2", "1"])])
    assert tie.majority is not None
    assert tie.majority.value == 0


def test_an_answer_that_was_cut_off_does_not_vote() -> None:
    cut = [judged("p", i, "7", ended="max_tokens") for i in range(2)]
    found = summarize([*cut, judged("p", 2)]).majority
    assert found is not None
    assert found.value == 1


def test_every_problem_weighs_the_same() -> None:
    many = [judged("a", i) for i in range(3)]
    assert summarize([*many, judged("b", 0, "2")]).accuracy.value == 0.5


def test_failures_are_apart_unless_they_are_to_count() -> None:
    problem = Problem("c", "?", "1", "own", "test", 2)
    found = [judged("a", operations=2), judged("b", answer="2"), failure(problem, 0, "dead")]
    apart = summarize(found)
    assert (apart.failed, apart.accuracy.total, apart.accuracy.value) == (1, 2, 0.5)
    assert apart.by_operations[2].total == 1
    counted = summarize(found, failed_count_as_wrong=True)
    assert (counted.failed, counted.accuracy.total) == (1, 3)
    assert counted.accuracy.value == pytest.approx(1 / 3)
    assert counted.by_operations[2].value == 0.5
    assert counted.solutions == apart.solutions == 2


def test_corrections_and_reviews_are_added_up() -> None:
    caught = Reviews(verifies=2, flagged_refuted=1, refuted=1, caught=1)
    alarm = Reviews(verifies=1, flagged_verified=1)
    missed = Reviews(refuted=3)
    report = summarize(
        [
            judged("a", before="wrong", reviews=caught),
            judged("b", before="right", answer="2", reviews=alarm),
            judged("c", reviews=missed, refuted=3, refuted_on_path=1),
            judged("d", before="unknown"),
        ]
    )
    assert report.corrections.model_dump(exclude_defaults=True) == {
        "wrong_to_right": 1,
        "right_to_wrong": 1,
        "unknown_to_right": 1,
    }
    assert (report.verify.verifies, report.verify_used) == (3, 0.5)
    assert (report.verify_precision, report.verify_recall) == (0.5, 0.25)
    assert (report.refuted, report.refuted_share, report.refuted_on_path) == (3, 3 / 16, 0.25)


def test_nothing_gives_an_empty_report() -> None:
    report = summarize([])
    assert (report.problems, report.accuracy.low, report.accuracy.high) == (0, 0.0, 1.0)
    assert Report.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize("width", [60, 200])
def test_the_table_has_every_set_whole_at_any_width(width: int) -> None:
    reports = [
        ("easy [bold]", summarize([judged("a")])),
        ("hard", summarize([judged("b", 0, "2")])),
    ]
    console = Console(width=width, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    with console.file:
        console.print(table(reports, width))
    text = console.export_text()
    assert "easy [bold]" in text
    assert "100.0" in text
    assert "…" not in text


def test_the_plot_is_a_picture_of_any_results(tmp_path: Path) -> None:
    many = [judged(str(i), operations=1 + i % 3, completion_tokens=i) for i in range(9)]
    failed = [failure(Problem("c", "?", "1", "own", "test", 2), 0, "dead")]
    found = [("a", summarize(many), many), ("empty", summarize([]), []),
             ("failed", summarize(failed), failed)]  # fmt: skip
    plot(tmp_path / "plot.png", "title", found)
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]
