"""Responses events are made of native ones: the same for whoever reads them, whenever and how."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any, get_args

import pytest
from hypothesis import given, strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from app.openai.responses_events import ResponsesSink, converted
from app.openai.responses_object import Wanted, response_object
from app.solving.sinks import ChannelStream, NativeSink, Sink
from statespace.actions import Action
from statespace.reader import Opened, read
from statespace.solutions import Failure, IncompleteReason, Path, Solution, Status, Usage
from statespace.trace import Transition, Verdict
from statespace.tree import Node

WANTED = Wanted(
    model="m", summary="auto", instructions="Be kind.", max_output_tokens=99, temperature=0.5
)
ENDS = ["response.completed", "response.incomplete", "response.failed"]
OFFICIAL: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model
    for model in get_args(get_args(ResponseStreamEvent)[0])
}

transitions = st.lists(
    st.builds(
        Transition,
        id=st.just(1),
        parent=st.just(0),
        path=st.integers(0, 2),
        action=st.sampled_from(Action),
        label=st.text(max_size=5),
        output=st.text(max_size=20),
        verdict=st.sampled_from(Verdict),
        tokens=st.integers(0, 9),
    ),
    max_size=6,
).map(lambda found: tuple(t.model_copy(update={"id": i + 1}) for i, t in enumerate(found)))


@st.composite
def solutions(draw: st.DrawFn) -> Solution:
    """Solutions as a run may leave them, over."""
    done = draw(transitions)
    status = draw(st.sampled_from(["completed", "incomplete", "failed", "cancelled"]))
    answer = draw(st.none() | st.text(max_size=5))
    ids = tuple(range(len(done) + 1))
    return Solution(
        id="sol_abc",
        status=Status(status),
        question="1 + 1?",
        model="m",
        strategy="single",
        answer=answer,
        text=None if done else draw(st.none() | st.text(max_size=9)),
        transitions=done,
        paths=draw(st.sampled_from([(), (Path(path=0, states=ids, answer=answer),)])),
        usage=Usage(prompt_tokens=5, cached_tokens=3, completion_tokens=99),
        incomplete_reason=draw(st.sampled_from(IncompleteReason)) if status[0] == "i" else None,
        error=Failure(message="no", type="engine_error") if status == "failed" else None,
        created_at=1.5,
        completed_at=2.5,
    )


def play(solution: Solution, sink: Sink, *, began: bool = True) -> None:
    """Tell `sink` what a run of `solution` would have told it."""
    start = solution.model_copy(
        update={"status": Status.QUEUED, "transitions": (), "completed_at": None, "text": None}
    )
    sink.created(start)
    if began:
        sink.in_progress(start.model_copy(update={"status": Status.IN_PROGRESS}))
    for transition in solution.transitions:
        node = Node(transition.id, transition.parent, None, transition.action, True)
        sink.opened(Opened(node, transition.path))
        sink.completed(transition)
    left = Node(len(solution.transitions) + 1, 0, None, Action.OTHER, True)
    sink.opened(Opened(left, 0))  # it is never completed, as when a run is cancelled
    if solution.text is not None:
        sink.text(solution.text, solution.answer)
    for path in solution.paths:
        sink.path(path)
    sink.ended(solution)
    sink.close()


def native(solution: Solution, *, began: bool = True) -> list[bytes]:
    """The frames that are kept of `solution`."""
    frames: list[bytes] = []
    stream = ChannelStream(solution.id, frames.append, lambda: None)
    play(solution, NativeSink(solution.id, [stream]), began=began)
    return frames


def convert(pieces: Sequence[bytes], after: int = -1) -> bytes:
    async def read() -> bytes:
        async def source() -> AsyncGenerator[bytes, None]:
            for piece in pieces:
                yield piece

        return b"".join([piece async for piece in converted(source(), "sol_abc", WANTED, after)])

    return asyncio.run(read())


def _with_known_reason(event: dict[str, Any]) -> dict[str, Any]:
    """The official client takes any reason, but its types list OpenAI's own."""
    response = event.get("response", {})
    return event | {"response": response | {"incomplete_details": None}}


def parsed(stream: bytes) -> list[dict[str, Any]]:
    found = []
    for frame in stream.decode().split("\n\n")[:-1]:
        kind, data = frame.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert kind == f"event: {found[-1]['type']}"
        OFFICIAL[found[-1]["type"]].model_validate(_with_known_reason(found[-1]))
    return found


def accumulated(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The output as a client puts it together."""
    output: list[dict[str, Any]] = []
    texts: dict[str, str] = {}
    summaries: list[str] = []
    for event in found:
        match event["type"]:
            case "response.output_item.added":
                assert event["output_index"] == len(output)
                output.append(event["item"])
            case "response.reasoning_summary_text.delta":
                summaries.append(event["delta"])
            case "response.reasoning_text.delta" | "response.output_text.delta":
                key = event["item_id"]
                texts[key] = texts.get(key, "") + event["delta"]
            case "response.reasoning_text.done" | "response.output_text.done":
                assert texts[event["item_id"]] == event["text"]
            case "response.output_item.done":
                item = event["item"]
                assert item["id"] == output[event["output_index"]]["id"]
                assert item["content"][0]["text"] == texts[item["id"]]
                assert [part["text"] for part in item.get("summary", [])] == summaries
                summaries = []
                output[event["output_index"]] = item
    return output


@given(solutions(), st.booleans())
def test_events_are_numbered_end_once_and_add_up(solution: Solution, began: bool) -> None:
    found = parsed(convert(native(solution, began=began)))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    types = [event["type"] for event in found]
    assert types[0] == "response.created"
    assert [kind for kind in types if kind in ENDS] == [types[-1]]
    final = found[-1]["response"]
    assert accumulated(found) == final["output"]
    assert final == json.loads(response_object(solution, WANTED).model_dump_json())
    assert final["status"] == solution.status


@given(solutions())
def test_a_plain_stream_and_a_kept_one_are_the_same(solution: Solution) -> None:
    frames: list[bytes] = []
    play(solution, ResponsesSink("sol_abc", WANTED, frames.append))
    assert b"".join(frames) == convert(native(solution))


@given(solutions(), st.data())
def test_a_resumed_stream_is_the_rest_of_the_whole_one(
    solution: Solution, data: st.DataObject
) -> None:
    """However the kept frames are cut into pieces, and whatever stands between them."""
    frames = native(solution)
    whole = convert(frames).decode().split("\n\n")[:-1]
    after = data.draw(st.integers(-1, len(whole)))
    cut = data.draw(st.integers(0, len(frames)))
    delta = b'event: transition.delta\ndata: {"type":"transition.delta"}\n\n'
    pieces = [b"".join(frames[:cut]), b": ping\n", delta, b"".join(frames[cut:])]
    rest = convert(pieces, after).decode().replace(": ping\n", "").split("\n\n")[:-1]
    assert rest == whole[after + 1 :]


def transition(number: int, action: Action, output: str) -> Transition:
    return Transition(
        id=number, parent=number - 1, action=action, label="A", output=output, tokens=4,
        verdict=Verdict.VERIFIED,
    )  # fmt: skip


SOLVED = Solution(
    id="sol_abc",
    status=Status.COMPLETED,
    question="12 * 7?",
    model="m",
    strategy="single",
    answer="84",
    transitions=(
        transition(1, Action.SOLVE_PARENT, "12 * 7 = 84"),
        transition(2, Action.SUMMARIZE, "It is 84."),
    ),
    paths=(Path(path=0, states=(0, 1, 2), answer="84", resolved=True),),
    usage=Usage(prompt_tokens=5, cached_tokens=3, completion_tokens=8),
    created_at=1.5,
    completed_at=2.5,
)


def test_the_object_is_the_official_clients() -> None:
    found = Response.model_validate_json(response_object(SOLVED, WANTED).model_dump_json())
    assert [item.type for item in found.output] == ["reasoning", "reasoning", "message"]
    assert found.output_text == "It is 84."
    assert found.id == "resp_abc"
    assert found.usage is not None
    assert found.usage.input_tokens_details.cached_tokens == 3
    assert found.usage.output_tokens_details.reasoning_tokens == 4
    assert found.usage.total_tokens == 13


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ({"incomplete_reason": "max_tokens"}, "incomplete", "max_output_tokens"),
        ({"incomplete_reason": "deadline"}, "incomplete", "deadline"),
        ({"error": {"message": "gone", "type": "engine_error"}}, "failed", None),
        ({}, "cancelled", None),
    ],
)
def test_every_stream_ends(change: dict[str, Any], kind: str, reason: str | None) -> None:
    values = SOLVED.model_dump(mode="json") | {"status": kind, "answer": None, "paths": []}
    end = parsed(convert(native(Solution.model_validate(values | change))))[-1]
    assert end["type"] == ("response.incomplete" if kind == "incomplete" else "response.failed")
    response = end["response"]
    assert response["status"] == kind
    assert response["incomplete_details"] == (reason and {"reason": reason})
    assert (response["error"] is not None) == (kind == "failed")
    assert [item["type"] for item in response["output"]] == ["reasoning", "reasoning"]


def test_items_of_what_is_void_are_not_in_the_response() -> None:
    """A run that begins anew writes its states again; what stands is not told again."""
    made = read(
        "State 1:\nAction: Formalize\nOutput: x = 2\n\nState 2:\nAction: Summarize\nOutput: 2"
    ).transitions
    solution = Solution(
        id="sol_abc", status=Status.IN_PROGRESS, question="?", model="m", strategy="single",
        created_at=0.0,
    )  # fmt: skip
    for standing in (0, 1):
        frames: list[bytes] = []
        sink = ResponsesSink("sol_abc", WANTED, frames.append)
        sink.in_progress(solution)
        for transition in made:
            sink.completed(transition)
        sink.in_progress(solution.model_copy(update={"transitions": made[:standing]}))
        for transition in made[standing:]:
            sink.completed(transition)
        over = {"transitions": made, "status": Status.COMPLETED, "completed_at": 1.0}
        sink.ended(solution.model_copy(update=over))
        last = json.loads(frames[-1].split(b"data: ", 1)[1])
        ids = [item["id"] for item in last["response"]["output"] if item["type"] == "reasoning"]
        assert len(ids) == len(set(ids)) == len(made)
