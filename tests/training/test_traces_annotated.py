"""GSM8K: the loader, and the traces that its annotated solutions give."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from statespace.actions import SUCCESSORS, Action
from training.problems import gsm8k
from training.traces.annotated import trace

QUESTION = "Ana has 3 bags of 12 figs and eats 6. How many figs are left?"
SOLUTION = (
    "Ana has 3*12 = <<3*12=36>>36 figs in the bags.\n"
    "So there are 36-6=<<36-6=30>>30 figs left.\n"
    "#### 30"
)


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return path


def test_rows_become_problems(tmp_path: Path) -> None:
    file = write(
        tmp_path / "rows.jsonl",
        {"question": QUESTION, "answer": SOLUTION},
        {"question": "How much?", "answer": "It is <<500+734=1234>>1,234.\n#### 1,234"},
    )
    first, second = gsm8k.load(file)
    assert (first.question, first.answer, first.operations) == (QUESTION, "30", 2)
    assert (first.source, first.licence, first.solution) == ("gsm8k", "MIT", SOLUTION)
    assert second.answer == "1234"
    assert first.id != second.id


@pytest.mark.parametrize(
    "row", [{"question": "q"}, {"question": "q", "answer": "no mark"}, ["q"], {"answer": "#### 1"}]
)
def test_malformed_rows_are_named(tmp_path: Path, row: object) -> None:
    """A bad row is an error with its line number, never a silently smaller data set."""
    file = write(tmp_path / "rows.jsonl", {"question": QUESTION, "answer": SOLUTION}, row)
    with pytest.raises(ValueError, match="line 2"):
        list(gsm8k.load(file))


def test_the_trace_of_a_solution() -> None:
    assert trace(QUESTION, SOLUTION) == (
        (
            Action.FORMALIZE,
            "Figs in the bags: a = 3 * 12. Find the figs left: b = a - 6.",
        ),
        (Action.DECOMPOSE, "1. What is a, the figs in the bags? 2. What is b, the figs left?"),
        (Action.SOLVE_SUBQUESTION, "a = 3 * 12 = 36"),
        (Action.SOLVE_SUBQUESTION, "b = a - 6 = 36 - 6 = 30"),
        (Action.SOLVE_PARENT, "The answer is b = 30."),
        (Action.SUMMARIZE, "The final answer is \\boxed{30}."),
    )


@pytest.mark.parametrize(
    "solution",
    [
        "Nothing is marked.\n#### 30",
        "It is 3*12 = <<3*12=36>>36.\n#### 30",
        "It is 3*10 = <<3*10=31>>31.\n#### 31",
        "It is x = <<x*3=30>>30.\n#### 30",
        "It is 30 = <<30=30>>30.\n#### 30",
        "It is <<3*10=30>>30.\n#### thirty",
        "",
    ],
)
def test_unsupported_solutions_give_none(solution: str) -> None:
    assert trace(QUESTION, solution) is None


def test_steps_after_the_answer_are_dropped() -> None:
    solution = "It is 3*12=<<3*12=36>>36 figs.\nAlso 36+1=<<36+1=37>>37 is odd.\n#### 36"
    found = trace(QUESTION, solution)
    assert found is not None
    assert [o for a, o in found if a is Action.SOLVE_SUBQUESTION] == ["a = 3 * 12 = 36"]


def test_most_training_rows_give_a_legal_trace(data_dir: Path) -> None:
    """Measured: 92 % of the 7,473 rows. Fewer would say that the rules broke."""
    rows = list(gsm8k.load(data_dir / "gsm8k" / "train.jsonl"))
    traces = [trace(row.question, row.solution) for row in rows]
    found = [pairs for pairs in traces if pairs is not None]
    assert len(rows) == 7473
    assert len(found) >= 0.9 * len(rows)
    for pairs in found:
        actions = [action for action, _ in pairs]
        assert actions[0] is Action.FORMALIZE  # as the cards of checkpoints say
        assert all(b in SUCCESSORS[a] for a, b in pairwise(actions))
