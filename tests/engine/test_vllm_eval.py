"""An evaluation of the shipped checkpoint on the real engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.support.server_process import ServerProcess
from training.evaluation.evaluation import Evaluation
from training.evaluation.options import Options
from training.evaluation.sets import ProblemSet
from training.problems.problem import Problem, problem_id

pytestmark = pytest.mark.engine

QUESTIONS = {
    "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?": "8",
    "There are 6 boxes. Each box holds 4 pencils. How many pencils are there in all?": "24",
    "What is 7 + 8?": "15",
    "A pen costs 3 dollars. How much do 7 pens cost?": "21",
    "Leo had 30 marbles. He lost 12 of them. How many marbles does Leo have left?": "18",
}
PROBLEMS = tuple(
    Problem(problem_id(question, gold), question, gold, "own", "test", 1)
    for question, gold in QUESTIONS.items()
)


def test_the_starter_is_evaluated_with_votes(server: ServerProcess, tmp_path: Path) -> None:
    evaluation = Evaluation(
        url=server.url,
        sets=[ProblemSet("school", PROBLEMS)],
        options=Options(samples=3, temperature=0.5),
        output=tmp_path,
        checkpoint=REPOSITORY / "checkpoints" / "starter",
    )
    seen: list[tuple[int, int]] = []
    report = asyncio.run(evaluation.run(lambda *counts: seen.append(counts)))[0].report
    assert seen[-1] == (15, 15)
    assert (report.solutions, report.failed) == (15, 0)
    assert report.majority is not None
    assert report.majority.count >= 3, report
    assert report.pass_at[3] >= report.accuracy.value
    assert report.resolved > 0.5
    assert report.tokens.prompt.mean > 10
    assert report.tokens.completion.mean > 20
    assert report.seconds.p95 > 0
    assert report.transitions.median >= 3
