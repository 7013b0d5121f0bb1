"""Requests are strict; solutions keep everything through JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from statespace.actions import Action
from statespace.solutions import (
    MAX_METADATA,
    MAX_QUESTION,
    MAX_TOKENS,
    Failure,
    IncompleteReason,
    Path,
    Solution,
    SolutionRequest,
    Source,
    Status,
    Usage,
    Verification,
)
from statespace.trace import Check, Origin, Transition, Verdict

FIELDS = {
    "question",
    "model",
    "strategy",
    "max_tokens",
    "max_transitions",
    "temperature",
    "top_p",
    "seed",
    "timeout_s",
    "stream",
    "deltas",
    "background",
    "store",
    "metadata",
    "retry",  # docs/adr/0006-kept-solutions.md
    "guided",  # docs/adr/0007-strategies.md
    "vote",
    "beam",
    "plain",
}


def request(**fields: Any) -> SolutionRequest:
    """A request as it arrives: JSON."""
    return SolutionRequest.model_validate_json(json.dumps({"question": "1 + 1?", **fields}))


def test_the_requests_fields_are_the_designs() -> None:
    assert set(SolutionRequest.model_fields) == FIELDS


def test_a_question_is_enough() -> None:
    made = request()
    assert (made.strategy, made.temperature, made.top_p) == ("single", 0.0, 1.0)
    assert (made.stream, made.deltas, made.background) == (False, False, False)


@pytest.mark.parametrize(
    "fields",
    [
        {"question": "x" * MAX_QUESTION},
        {"question": "  ?  "},
        {"question": "é∞\x00\u200b"},
        {"max_tokens": 1},
        {"max_tokens": MAX_TOKENS},
        {"max_tokens": None},
        {"max_transitions": 1000},
        {"temperature": 2},
        {"temperature": 0.7},
        {"top_p": 1},
        {"seed": 2**63 - 1},
        {"seed": 0},
        {"timeout_s": 0.001},
        {"timeout_s": 60},
        {"metadata": {"k" * 64: "v" * 512}},
        {"metadata": {str(i): "" for i in range(MAX_METADATA)}},
    ],
    ids=repr,
)
def test_accepted(fields: dict[str, Any]) -> None:
    made = request(**fields)
    for name, value in fields.items():
        assert getattr(made, name) == value


@pytest.mark.parametrize(
    "fields",
    [
        {"question": ""},
        {"question": " \n\t"},
        {"question": "\u3000\u00a0\u2028"},
        {"question": "x" * (MAX_QUESTION + 1)},
        {"question": None},
        {"question": 72},
        {"question": ["1 + 1?"]},
        {"temprature": 1},
        {"max_tokens": 0},
        {"max_tokens": MAX_TOKENS + 1},
        {"max_tokens": "64"},
        {"max_tokens": 64.5},
        {"max_tokens": True},
        {"max_tokens": 10**400},
        {"max_transitions": 0},
        {"max_transitions": 1001},
        {"max_transitions": None},
        {"temperature": -0.1},
        {"temperature": 2.1},
        {"temperature": "0.7"},
        {"temperature": True},
        {"temperature": None},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0},
        {"top_p": 1.1},
        {"top_p": float("nan")},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": 1.5},
        {"timeout_s": 0},
        {"timeout_s": -1},
        {"timeout_s": float("nan")},
        {"timeout_s": float("inf")},
        {"timeout_s": 86_401},
        {"stream": "true"},
        {"stream": 1},
        {"background": None},
        {"model": "m" * 257},
        {"strategy": "s" * 65},
        {"strategy": None},
        {"metadata": {"": "v"}},
        {"metadata": {"k" * 65: "v"}},
        {"metadata": {"k": "v" * 513}},
        {"metadata": {"k": 1}},
        {"metadata": {"k": None}},
        {"metadata": {"k": {"nested": "v"}}},
        {"metadata": {str(i): "" for i in range(MAX_METADATA + 1)}},
        {"metadata": []},
    ],
    ids=lambda fields: repr(fields)[:40],
)
def test_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**fields)


@pytest.mark.parametrize(
    "body",
    [rb'{"question": "\ud800"}', rb'{"question": "a\udc00b"}', b'{"question": "\xff"}',
     b'{"question": "1?", "metadata": {"k": "\\ud800"}}', b"[]", b"null", b'"1 + 1?"', b"", b"{",
     b'{"question": "1?"} x', b'{"question": ' + b"[" * 100_000],
)  # fmt: skip
def test_malformed_json_is_a_validation_error(body: bytes) -> None:
    with pytest.raises(ValidationError):
        SolutionRequest.model_validate_json(body)


def test_half_a_surrogate_pair_is_refused_in_python_too() -> None:
    with pytest.raises(ValidationError):
        SolutionRequest(question="a\ud800")


def test_requests_cannot_be_changed_and_share_no_default() -> None:
    one = request()
    with pytest.raises(ValidationError):
        one.question = "2 + 2?"  # type: ignore[misc]
    one.metadata["k"] = "v"
    assert request().metadata == {}
    solution = Solution(
        id="sol_1", status=Status.QUEUED, question="", model="", strategy="", created_at=0
    )
    solution.metadata["k"] = "v"
    again = Solution(
        id="sol_2", status=Status.QUEUED, question="", model="", strategy="", created_at=0
    )
    assert again.metadata == {}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNT = st.integers(0, 10**6)
SECONDS = st.floats(0, 1e10)
CHECKS = st.builds(
    Check, start=COUNT, end=COUNT, claim=TEXT, stated=st.none() | TEXT, computed=st.none() | TEXT,
    verdict=st.sampled_from(Verdict), reason=st.none() | TEXT,
)  # fmt: skip
TRANSITIONS = st.builds(
    Transition, id=st.integers(1, 99), parent=COUNT, number=st.none() | COUNT, path=COUNT,
    action=st.sampled_from(Action), label=TEXT, output=TEXT, target=st.none() | COUNT,
    legal=st.booleans(), origin=st.sampled_from(Origin), verdict=st.sampled_from(Verdict),
    checks=st.lists(CHECKS, max_size=2).map(tuple), tokens=COUNT, seconds=SECONDS,
)  # fmt: skip
SOLUTIONS = st.builds(
    Solution,
    id=TEXT,
    status=st.sampled_from(Status),
    question=TEXT,
    model=TEXT,
    strategy=TEXT,
    answer=st.none() | TEXT,
    text=st.none() | TEXT,
    transitions=st.lists(TRANSITIONS, max_size=2).map(tuple),
    paths=st.lists(st.builds(Path, path=COUNT, states=st.lists(COUNT).map(tuple)), max_size=2).map(
        tuple
    ),
    usage=st.builds(Usage, prompt_tokens=COUNT, completion_tokens=COUNT),
    verification=st.builds(Verification, verified=COUNT),
    incomplete_reason=st.none() | st.sampled_from(IncompleteReason),
    error=st.none() | st.builds(Failure, message=TEXT, type=TEXT, code=st.none() | TEXT),
    created_at=SECONDS,
    completed_at=st.none() | SECONDS,
    metadata=st.dictionaries(TEXT.filter(bool), TEXT, max_size=2),
    source=st.none() | st.builds(Source, solution_id=TEXT, state=COUNT),
)


@given(SOLUTIONS)
def test_a_solution_survives_json(solution: Solution) -> None:
    """Solutions are stored and sent as JSON; what is lost there is lost."""
    assert Solution.model_validate_json(solution.model_dump_json()) == solution


@given(st.builds(SolutionRequest, question=TEXT.filter(str.strip), seed=st.none() | COUNT))
def test_a_request_survives_json(made: SolutionRequest) -> None:
    assert SolutionRequest.model_validate_json(made.model_dump_json()) == made


def test_wire_values_are_the_designs() -> None:
    assert {status.value for status in Status} == {
        "queued", "in_progress", "completed", "incomplete", "failed", "cancelled",
    }  # fmt: skip
    assert {reason.value for reason in IncompleteReason} == {
        "no_answer", "max_tokens", "max_transitions", "deadline", "repetition", "shutdown",
    }  # fmt: skip
    assert {
        "id",
        "object",
        "status",
        "question",
        "model",
        "strategy",
        "answer",
        "transitions",
        "paths",
        "usage",
        "verification",
        "incomplete_reason",
        "error",
        "metadata",
        "source",
    } <= set(Solution.model_fields)
    assert set(Transition.model_fields) == {
        "id", "parent", "number", "path", "action", "label", "output", "target", "legal", "origin",
        "verdict", "checks", "tokens", "seconds",
    }  # fmt: skip
