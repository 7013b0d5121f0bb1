"""Traces of generated problems: legal, terse, and true to the last equation."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

import pytest

from statespace.actions import SUCCESSORS, Action
from statespace.reader import read
from statespace.trace import Verdict
from statespace.verifier import Scope, verify_output
from training.problems.generator import generate
from training.problems.problem import Split
from training.traces.arithmetic import worked
from training.traces.graph import Pairs, text, trace


def verdicts(pairs: Pairs) -> list[tuple[Action, Verdict]]:
    scope = Scope.EMPTY
    found = []
    for action, output in pairs:
        verification = verify_output(output, scope)
        scope = verification.scope
        found.append((action, verification.verdict))
    return found


@pytest.mark.parametrize("split", ["seen", "heldout"])
def test_nothing_is_refuted_and_every_step_is_verified(split: Split) -> None:
    """A wrong equation in a trace is a lesson in wrong arithmetic."""
    for index in range(500):
        problem = generate(9, index, split=split)
        for action, verdict in verdicts(trace(problem)):
            assert verdict is not Verdict.REFUTED, problem
            if action is Action.SOLVE_SUBQUESTION:
                assert verdict is Verdict.VERIFIED, problem


def test_actions_are_legal_successors() -> None:
    for index in range(300):
        actions = [action for action, _ in trace(generate(2, index))]
        assert actions[0] is Action.FORMALIZE  # as the cards of checkpoints say
        assert all(after in SUCCESSORS[before] for before, after in pairwise(actions))
        assert actions[-1] is Action.SUMMARIZE


def test_the_parser_reads_the_answer_back() -> None:
    """What is trained must be what serving understands."""
    for index in range(300):
        problem = generate(6, index)
        found = read(text(problem), problem.question)
        assert found.resolved
        assert Fraction(found.answer or "") == Fraction(problem.answer)
        assert all(transition.legal for transition in found.transitions)
        assert found.preamble == found.trailing == ""


def test_each_derived_quantity_is_asked_for_and_solved_once() -> None:
    for index in range(300):
        problem = generate(4, index)
        derived = [q for q in problem.quantities if q.expression is not None]
        pairs = trace(problem)
        (asked,) = (output for action, output in pairs if action is Action.DECOMPOSE)
        solved = [output for action, output in pairs if action is Action.SOLVE_SUBQUESTION]
        assert re.findall(r"\d+\. What is (\w),", asked) == [q.symbol for q in derived]
        assert [output.split(" = ")[0] for output in solved] == [q.symbol for q in derived]
        assert [output.split(" = ")[-1] for output in solved] == [q.value for q in derived]


def test_distractors_are_not_formalized() -> None:
    """Only quantities of the graph are; a model that copies every number is misled."""
    for index in range(300):
        problem = generate(8, index)
        formalized = trace(problem)[0][1]
        assert re.findall(r": (\w) = ", formalized) == [q.symbol for q in problem.quantities]


@pytest.mark.parametrize(
    ("expression", "value", "chain"),
    [
        ("5 + 3", "8", ["8"]),
        ("6 * 7", "42", ["42"]),
        ("24 * 7", "168", ["20 * 7 + 4 * 7", "140 + 28", "168"]),
        ("24 * 15", "360", ["20 * 15 + 4 * 15", "300 + 60", "360"]),
        (
            "2.75 * 6",
            "16.50",
            [
                "2 * 6 + 0.7 * 6 + 0.05 * 6",
                "12 + 4.2 + 0.3",
                "16.2 + 0.3",
                "16.50",
            ],
        ),
        ("8 * 10.25", "82", ["8 * 10 + 8 * 0.2 + 8 * 0.05", "80 + 1.6 + 0.4", "81.6 + 0.4", "82"]),
        ("85 + 67", "152", ["152"]),
        ("602 + 275", "877", ["602 + 200 + 70 + 5", "802 + 70 + 5", "872 + 5", "877"]),
        ("1250 - 602", "648", ["1250 - 600 - 2", "650 - 2", "648"]),
        ("50 - 23.75", "26.25", ["50 - 23 - 0.75", "27 - 0.75", "26.25"]),
        ("96 / 4", "24", ["80 / 4 + 16 / 4", "20 + 4", "24"]),
        ("56 / 7", "8", ["8"]),
        ("20 / 100 * 50", "10", ["20 * 50 / 100", "1000 / 100", "10"]),
        ("4 + 5 + 6", "15", ["9 + 6", "15"]),
    ],
)
def test_how_a_step_is_worked(expression: str, value: str, chain: list[str]) -> None:
    assert worked(expression.split(), value) == chain


def test_traces_are_short() -> None:
    """Tokens are the cost of training: about 25 a step, at some three characters each."""
    problems = [generate(1, index) for index in range(1000)]
    states = sum(len(trace(problem)) for problem in problems)
    assert sum(len(text(problem)) for problem in problems) / states < 110
