"""Checking without a model."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from statespace.checking import MAX_STATES, CheckRequest, check
from statespace.trace import Verdict

BACKTRACKED = """\
State 1:
Action: Solve Subquestion
Output: 48 / 2 = 26

State 2:
Action: Backtrack
Output: Backtrack to State 0.

State 3:
Action: Solve Subquestion
Output: 48 / 2 = 24

State 4:
Action: Summarize
Output: The final answer is \\boxed{24}."""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [("48 / 2 = 24", "verified"), ("48 / 2 = 26", "refuted"), ("no claim", "unchecked")],
)
def test_a_line_is_checked(line: str, verdict: str) -> None:
    assert check(CheckRequest(line=line)).verdict == verdict


def test_a_refuted_dead_end_does_not_refute_the_trace() -> None:
    found = check(CheckRequest(trace=BACKTRACKED))
    assert found.transitions[0].verdict is Verdict.REFUTED
    assert (found.verdict, found.answer, found.resolved) == (Verdict.VERIFIED, "24", True)


def test_a_refuted_state_on_the_path_does() -> None:
    wrong = BACKTRACKED.replace("48 / 2 = 24", "48 / 2 = 25")
    assert check(CheckRequest(trace=wrong)).verdict is Verdict.REFUTED


@pytest.mark.parametrize("values", [{}, {"line": "1 = 1", "trace": "x"}, {"line": ""}])
def test_one_of_both_is_needed(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CheckRequest(**values)


def test_a_trace_has_as_many_states_as_one_that_is_generated() -> None:
    """Placing a state walks over those before it: of many, that would be quadratic."""
    state = "State 1:\nAction: Backtrack\nState 7\n"
    assert len(check(CheckRequest(trace=state * MAX_STATES)).transitions) == MAX_STATES
    with pytest.raises(ValidationError, match=r"trace\n.*1,000 states, .* 1,001"):
        CheckRequest(trace=state * (MAX_STATES + 1))


@given(st.text(min_size=1, max_size=400))
def test_any_text_can_be_checked(text: str) -> None:
    assert check(CheckRequest(trace=text)).object == "verification"
    assert check(CheckRequest(line=text)).transitions == ()
