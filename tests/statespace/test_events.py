"""The events of a stream: each is told apart by its type and survives JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from statespace.actions import Action
from statespace.events import Event, Numbered, TransitionDelta, event_adapter
from statespace.solutions import Solution, Status
from statespace.trace import Check, Transition, Verdict

SOLUTION = Solution(
    id="sol_1",
    status=Status.COMPLETED,
    question="1 + 1?",
    model="m",
    strategy="single",
    created_at=1.5,
)
CHECK = Check(start=0, end=9, claim="1 + 1 = 2", stated="2", computed="2", verdict=Verdict.VERIFIED)
TRANSITION = Transition(
    id=1, parent=0, number=1, action=Action.SOLVE_PARENT, label="Solve Parent", output="1 + 1 = 2",
    verdict=Verdict.VERIFIED, checks=(CHECK,), tokens=9, seconds=0.25,
)  # fmt: skip
PAYLOADS: dict[str, dict[str, Any]] = {
    "solution.created": {"solution": SOLUTION},
    "solution.in_progress": {"solution": SOLUTION},
    "transition.started": {
        "id": 1, "parent": 0, "path": 0, "number": None, "action": Action.OTHER,
    },
    "transition.delta": {"id": 1, "offset": 0, "delta": "1 +"},
    "transition.completed": {"transition": TRANSITION},
    "text.completed": {"text": "It is 2.", "answer": "2"},
    "path.completed": {"path": 0, "answer": None, "resolved": False},
    "solution.completed": {"solution": SOLUTION},
    "solution.incomplete": {"solution": SOLUTION},
    "solution.failed": {"solution": SOLUTION},
    "solution.cancelled": {"solution": SOLUTION},
}  # fmt: skip
TYPES = sorted(PAYLOADS)
NUMBERED = sorted(set(TYPES) - {"transition.delta"})


def fields(kind: str) -> dict[str, Any]:
    """What an event of this type holds, as Python values."""
    number = {"sequence_number": 7} if kind in NUMBERED else {}
    return {"type": kind, "solution_id": "sol_1", **number, **PAYLOADS[kind]}


def event(kind: str) -> Event:
    return event_adapter.validate_python(fields(kind))


def test_the_types_are_the_designs() -> None:
    schema = event_adapter.json_schema()
    assert sorted(schema["discriminator"]["mapping"]) == TYPES


@pytest.mark.parametrize("kind", TYPES)
def test_every_event_survives_json(kind: str) -> None:
    made = event(kind)
    assert made.type == kind
    again = event_adapter.validate_json(event_adapter.dump_json(made))
    assert again == made
    assert type(again) is type(made)
    assert event_adapter.validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("kind", TYPES)
def test_type_is_written_without_being_given(kind: str) -> None:
    made = type(event(kind))
    values = {name: value for name, value in fields(kind).items() if name != "type"}
    assert json.loads(made(**values).model_dump_json())["type"] == kind


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_holds_its_payload_and_nothing_else(kind: str) -> None:
    assert set(json.loads(event(kind).model_dump_json())) == set(fields(kind))
    with pytest.raises(ValidationError):
        event_adapter.validate_python({**fields(kind), "extra": 1})


@pytest.mark.parametrize("kind", TYPES)
def test_nothing_of_an_event_may_be_missing(kind: str) -> None:
    for name in fields(kind):
        left = {key: value for key, value in fields(kind).items() if key != name}
        with pytest.raises(ValidationError):
            event_adapter.validate_python(left)


@pytest.mark.parametrize("kind", ["", "solution", "solution.done", "transition.Delta", None, 1])
def test_unknown_types_are_refused(kind: object) -> None:
    with pytest.raises(ValidationError):
        event_adapter.validate_python({**fields("solution.created"), "type": kind})


@pytest.mark.parametrize("kind", NUMBERED)
def test_numbers_start_at_0(kind: str) -> None:
    first = event_adapter.validate_python({**fields(kind), "sequence_number": 0})
    assert isinstance(first, Numbered)
    assert first.sequence_number == 0
    for number in (-1, None, 0.5, "x"):
        with pytest.raises(ValidationError):
            event_adapter.validate_python({**fields(kind), "sequence_number": number})


def test_a_delta_has_no_number() -> None:
    """A numbered delta would leave a gap for readers that did not ask for deltas."""
    assert not issubclass(TransitionDelta, Numbered)
    with pytest.raises(ValidationError):
        event_adapter.validate_python({**fields("transition.delta"), "sequence_number": 1})
    with pytest.raises(ValidationError):
        event_adapter.validate_python({**fields("transition.delta"), "offset": -1})


@pytest.mark.parametrize("kind", TYPES)
def test_events_cannot_be_changed(kind: str) -> None:
    with pytest.raises(ValidationError):
        event(kind).solution_id = "sol_2"  # type: ignore[misc]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 10**9))
def test_any_text_survives_json(text: str, offset: int) -> None:
    delta = TransitionDelta(solution_id="sol_1", id=1, offset=offset, delta=text)
    assert event_adapter.validate_json(delta.model_dump_json()) == delta
