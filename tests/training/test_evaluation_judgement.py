"""What is right, well-formed, corrected and reviewed in a single solution."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, strategies as st

from statespace.actions import Action
from statespace.solutions import Usage
from statespace.text import render
from statespace.trace import Origin
from training.curriculum import repair, wrong
from training.evaluation import judge, judge_text, summarize
from training.evaluation.equality import matches, same
from training.evaluation.judgement import read_solution
from training.problems import generator
from training.problems.problem import Problem, Quantity
from training.traces import graph

CLIPS = Problem(
    id="clips",
    question="48 clips were sold in April and half as many in May. How many in both?",
    answer="72",
    source="procedural",
    split="seen",
    operations=2,
    quantities=(
        Quantity("a", "clips in April", "48"),
        Quantity("m", "clips in May", "24", "a / 2"),
        Quantity("t", "clips in both", "72", "a + m"),
    ),
)
ANNOTATED = replace(CLIPS, quantities=(), solution="48/2 = <<48/2=24>>24\n#### 72")
UNKNOWN = replace(CLIPS, quantities=())

FORMALIZE = (Action.FORMALIZE, "Let m be the clips sold in May. m = 48 / 2")
WRONG = (Action.SOLVE_SUBQUESTION, "m = 48 / 2 = 26")
ODD = (Action.SOLVE_SUBQUESTION, "m = 48 * 2 = 96")
GOOD = (Action.SOLVE_SUBQUESTION, "m = 48 / 2 = 24")
OBJECTS = (Action.VERIFY, "State 2 says m = 48 / 2 = 26, but 48 / 2 = 24.")
AGREES = (Action.VERIFY, "State 2 is correct.")
BACK = (Action.BACKTRACK, "Backtrack to State 1.")
PARENT = (Action.SOLVE_PARENT, "48 + 24 = 72")
END = (Action.SUMMARIZE, r"The final answer is \boxed{72}.")
BAD_END = (Action.SUMMARIZE, r"The final answer is \boxed{74}.")


def trace(*transitions: tuple[Action, str]) -> str:
    return render(transitions)


@pytest.mark.parametrize(
    ("text", "right", "resolved", "legal"),
    [
        (trace(FORMALIZE, GOOD, PARENT, END), True, True, True),
        (trace(FORMALIZE, GOOD, PARENT, BAD_END), False, True, True),
        (trace(FORMALIZE, GOOD, PARENT), False, False, True),
        (trace(FORMALIZE, GOOD, GOOD, FORMALIZE, END), True, True, False),
        ("The answer is 72.", True, False, False),
        ("The answer is 74.", False, False, False),
        ("", False, False, False),
    ],
)
def test_right_resolved_and_legal_are_told_apart(
    text: str, right: bool, resolved: bool, legal: bool
) -> None:
    found = judge_text(text, CLIPS)
    assert (found.right, found.resolved, found.legal) == (right, resolved, legal)


def test_an_answer_that_a_limit_cut_off_is_wrong() -> None:
    """`72` may be the beginning of `720`; closed in a box it is whole."""
    assert not judge_text("48 + 24, so the answer is 72", CLIPS, finished=False).right
    cut = trace(FORMALIZE, GOOD, PARENT, (Action.SUMMARIZE, "The final answer is 72"))
    found = judge_text(cut, CLIPS, finished=False)
    assert (found.right, found.ended) == (False, "max_tokens")
    assert judge_text(trace(FORMALIZE, GOOD, PARENT, END), CLIPS, finished=False).right


def test_costs_are_taken_over() -> None:
    usage = Usage(prompt_tokens=30, cached_tokens=16, completion_tokens=90)
    found = judge_text(trace(FORMALIZE, GOOD, PARENT, END), CLIPS, usage=usage, seconds=1.5)
    assert (found.prompt_tokens, found.cached_tokens, found.completion_tokens) == (30, 16, 90)
    assert (found.seconds, found.transitions) == (1.5, 4)


@given(st.text(max_size=300))
def test_any_text_can_be_judged(text: str) -> None:
    found = judge_text(text, CLIPS)
    assert found.right <= (found.answer is not None)


def test_the_graph_s_own_trace_is_right_and_legal() -> None:
    for index in range(40):
        problem = generator.generate(3, index)
        found = judge_text(render(graph.trace(problem)), problem)
        assert (found.right, found.resolved, found.legal) == (True, True, True), problem
        assert not found.refuted


@pytest.mark.parametrize(
    ("problem", "before", "expected"),
    [
        # The abandoned state calculates wrongly.
        (CLIPS, (FORMALIZE, WRONG, OBJECTS, BACK), "wrong"),
        (UNKNOWN, (FORMALIZE, WRONG, OBJECTS, BACK), "wrong"),
        # Its arithmetic holds; whether it leads anywhere only a reference can tell.
        (CLIPS, (FORMALIZE, GOOD, AGREES, BACK), "right"),
        (CLIPS, (FORMALIZE, ODD, AGREES, BACK), "wrong"),
        (ANNOTATED, (FORMALIZE, GOOD, AGREES, BACK), "right"),
        (ANNOTATED, (FORMALIZE, ODD, AGREES, BACK), "unknown"),
        (UNKNOWN, (FORMALIZE, GOOD, AGREES, BACK), "unknown"),
        # An answer outweighs how it was found.
        (CLIPS, (FORMALIZE, WRONG, (Action.SOLVE_PARENT, "48 + 26 = 74"), OBJECTS, BACK), "wrong"),
        (UNKNOWN, (FORMALIZE, GOOD, PARENT, AGREES, BACK), "right"),
        (UNKNOWN, (FORMALIZE, GOOD, PARENT, BAD_END, AGREES, BACK), "wrong"),
        # Back to where it is: nothing was abandoned.
        (CLIPS, (FORMALIZE, (Action.VERIFY, "State 1 is correct."), BACK), "unknown"),
        # A target that does not exist is no way back.
        (CLIPS, (FORMALIZE, WRONG, OBJECTS, (Action.BACKTRACK, "Back to State 9.")), None),
        (CLIPS, (FORMALIZE, WRONG), None),
    ],
)
def test_what_a_solution_was_heading_to(
    problem: Problem, before: tuple[tuple[Action, str], ...], expected: str | None
) -> None:
    found = judge_text(trace(*before, GOOD, PARENT, END), problem)
    assert found.before == expected
    assert found.right


def test_repairs_that_training_makes_are_corrections_and_justified() -> None:
    """What stage 2 teaches must count for what it is, also where arithmetic sees no error."""
    judged = []
    for index in range(120):
        problem = generator.generate(77, index)
        made = wrong.corrupt(problem, Random(index))
        mended = repair.by_graph(problem, made.states) if made else None
        if mended is not None:
            text = mended.prefix(wrong=True) + mended.correction()
            judged.append(judge_text(text, problem))
    report = summarize(judged)
    assert len(judged) > 100
    assert report.corrections.wrong_to_right == report.verify.verifies == len(judged)
    assert (report.verify_precision_by_graph, report.verify_recall) == (1.0, 1.0)
    assert 10 < report.verify.flagged_refuted < len(judged)


def test_a_plan_that_explodes_is_judged_all_the_same() -> None:
    squares = " ".join(f"It: {b} = {a} * {a}." for a, b in pairwise("abcdefghijklmnopqrstuvwxyz"))
    plan = (Action.FORMALIZE, f"It: a = {'9' * 3000}. {squares}")
    assert judge_text(trace(plan, GOOD, AGREES, BACK, PARENT, END), CLIPS).before == "right"


def test_reviews_are_held_against_arithmetic() -> None:
    flagged = judge_text(trace(FORMALIZE, WRONG, OBJECTS, BACK, GOOD, PARENT, END), CLIPS).reviews
    assert (flagged.verifies, flagged.flagged_refuted, flagged.refuted, flagged.caught) == (
        1, 1, 1, 1,
    )  # fmt: skip
    assert (flagged.precision, flagged.recall) == (1.0, 1.0)


def test_a_verify_that_agrees_with_a_wrong_state_catches_nothing() -> None:
    found = judge_text(trace(FORMALIZE, WRONG, AGREES, PARENT, END), CLIPS).reviews
    assert (found.verifies, found.caught, found.precision, found.recall) == (1, 0, None, 0.0)


def test_a_missing_verify_lowers_recall() -> None:
    found = judge_text(trace(FORMALIZE, WRONG, PARENT, END), CLIPS).reviews
    assert (found.verifies, found.refuted, found.recall) == (0, 1, 0.0)


def test_a_false_alarm_lowers_precision() -> None:
    found = judge_text(trace(FORMALIZE, GOOD, AGREES, BACK, GOOD, PARENT, END), CLIPS).reviews
    assert (found.flagged_verified, found.precision, found.recall) == (1, 0.0, None)


def test_a_verify_checks_the_state_it_names() -> None:
    early = (FORMALIZE, WRONG, (Action.SOLVE_SUBQUESTION, "48 + 2 = 50"), OBJECTS, BACK, GOOD)
    found = judge_text(trace(*early, PARENT, END), CLIPS).reviews
    assert (found.flagged_refuted, found.caught) == (1, 1)
    other = (Action.VERIFY, "State 3 is wrong.")
    found = judge_text(trace(*early[:3], other, BACK, GOOD, PARENT, END), CLIPS).reviews
    assert (found.flagged_verified, found.caught) == (1, 0)


def test_what_the_server_s_verifier_wrote_is_no_merit_of_the_model() -> None:
    text = trace(FORMALIZE, WRONG, OBJECTS, BACK, GOOD, PARENT, END)
    solution = read_solution(text, CLIPS.question, finished=True, usage=Usage())
    steered = tuple(
        one.model_copy(update={"origin": Origin.VERIFIER}) if one.id in (3, 4) else one
        for one in solution.transitions
    )
    found = judge(solution.model_copy(update={"transitions": steered}), CLIPS)
    assert (found.reviews.verifies, found.reviews.recall) == (0, 0.0)
    assert found.before == "wrong"


@pytest.mark.parametrize(
    ("answer", "gold", "tolerance", "right"),
    [
        ("72", "72", 0.0, True),
        ("72.0", "72", 0.0, True),
        ("$1,234", "1234", 0.0, True),
        ("20%", "20", 0.0, True),
        ("20%", "0.2", 0.0, False),
        ("20%", "20%", 0.0, True),
        ("72.001", "72", 0.0, False),
        ("1000.1", "1000", 1e-4, True),
        ("1000.2", "1000", 1e-4, False),
        ("-1000.1", "-1000", 1e-4, True),
        ("0.00001", "0", 1e-4, False),
        ("seventy-two", "72", 0.0, False),
    ],
)
def test_numbers_are_compared_exactly_or_within_the_tolerance(
    answer: str, gold: str, tolerance: float, right: bool
) -> None:
    assert matches(answer, gold, tolerance) is right


def test_the_problem_s_own_tolerance_holds_unless_one_is_named() -> None:
    text = trace(FORMALIZE, GOOD, PARENT, (Action.SUMMARIZE, r"\boxed{72.005}"))
    loose = replace(CLIPS, tolerance=1e-4)
    assert judge_text(text, loose).right
    assert not judge_text(text, loose, tolerance=0.0).right
    assert not judge_text(text, CLIPS).right


def test_votes_are_grouped_by_value() -> None:
    assert same("1/2", "0.5")
    assert same("Tuesday", r"\text{tuesday}")
    assert not same("72", "73")
