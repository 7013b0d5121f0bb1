"""A chat stream, fed by hand, read by OpenAI's client: it says what the plain answer says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, strategies as st

from app.openai.chat_answer import chat_completion
from app.openai.chat_request import ChatRequest
from app.openai.chat_stream import DONE, ChatSink, ChatStream, Head
from statespace.actions import LABELS, Action
from statespace.reader import Grown
from statespace.solutions import (
    Failure,
    IncompleteReason,
    Path,
    Solution,
    Status,
    Usage,
    Verification,
)
from statespace.trace import Check, Transition, Verdict

texts = st.text(st.characters(codec="utf-8"), max_size=40)
checks = st.builds(
    Check,
    start=st.integers(0, 9),
    end=st.integers(0, 9),
    claim=texts,
    computed=st.none() | texts,
    verdict=st.sampled_from(Verdict),
    reason=st.none() | texts,
)


class Frames:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = 0

    def send(self, frame: bytes) -> None:
        assert not self.closed
        self.sent.append(frame)

    def close(self) -> None:
        self.closed += 1


@st.composite
def transitions(draw: st.DrawFn) -> list[Transition]:
    count = draw(st.integers(0, 5))
    return [
        draw(
            st.builds(
                Transition,
                id=st.just(index + 1),
                parent=st.integers(0, index),
                number=st.none() | st.integers(0, 9),
                path=st.integers(0, 2),
                action=st.sampled_from(Action),
                label=st.sampled_from([*LABELS.values(), "Ponder"]),
                output=texts,
                target=st.none() | st.integers(0, index),
                legal=st.booleans(),
                verdict=st.sampled_from(Verdict),
                checks=st.lists(checks, max_size=3).map(tuple),
                tokens=st.integers(0, 9),
            )
        )
        for index in range(count)
    ]


@st.composite
def solutions(draw: st.DrawFn) -> Solution:
    """One that is over and has not failed."""
    steps = draw(transitions())
    states = (0, *(step.id for step in steps))
    answer = draw(st.none() | st.sampled_from(["7", "x"]))
    reason = draw(st.none() | st.sampled_from(IncompleteReason))
    return Solution(
        id="sol_1",
        status=Status.INCOMPLETE if reason else Status.COMPLETED,
        question="?",
        model="m",
        strategy="single",
        answer=answer,
        text=None if steps else draw(st.none() | texts),
        transitions=tuple(steps),
        paths=draw(
            st.lists(
                st.builds(
                    Path, path=st.integers(0, 2), states=st.just(states), answer=st.just(answer)
                ),
                max_size=2,
            ).map(tuple)
        ),
        usage=Usage(
            prompt_tokens=draw(st.integers(0, 99)),
            cached_tokens=draw(st.integers(0, 9)),
            completion_tokens=draw(st.integers(0, 99)) + sum(step.tokens for step in steps),
        ),
        verification=Verification(),
        incomplete_reason=reason,
        created_at=1.0,
        completed_at=2.0,
    )


def calls(solution: Solution) -> list[tuple[str, tuple[Any, ...]]]:
    """What a run tells a sink of `solution`."""
    began = solution.model_copy(update={"status": Status.QUEUED, "transitions": ()})
    found: list[tuple[str, tuple[Any, ...]]] = [("created", (began,)), ("in_progress", (began,))]
    for transition in solution.transitions:
        found.append(("grown", (Grown(transition.id, 0, transition.output),)))
        found.append(("completed", (transition,)))
    if solution.text is not None:
        found.append(("text", (solution.text, solution.answer)))
    found += [("path", (path,)) for path in solution.paths]
    return [*found, ("ended", (solution,)), ("close", ())]


def tell(sink: ChatSink, told: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
    for name, arguments in told:
        getattr(sink, name)(*arguments)


class Canned:
    """OpenAI's client, for which every stream is `body`."""

    def __init__(self) -> None:
        self.body = b""
        self.api = openai.OpenAI(
            base_url="http://test/v1",
            api_key="x",
            http_client=httpx2.Client(transport=httpx2.MockTransport(self.answer)),
        )

    def answer(self, _: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, content=self.body, headers={"content-type": "text/event-stream"}
        )


CANNED = Canned()  # making one takes long
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}]}


def request(choices: int = 1, *, usage: bool = True) -> ChatRequest:
    return ChatRequest.model_validate_json(
        json.dumps(
            {
                "messages": [{"role": "user", "content": "1 + 1"}],
                "n": choices,
                "stream_options": {"include_usage": usage},
            }
        )
    )


def chunks(body: bytes) -> list[Any]:
    CANNED.body = body
    return list(CANNED.api.chat.completions.create(**ASKED, stream=True))


@given(st.data())
def test_whatever_happens_the_stream_says_what_the_plain_answer_says(data: st.DataObject) -> None:
    made = data.draw(st.lists(solutions(), min_size=1, max_size=3))
    plain, stops = data.draw(st.booleans()), data.draw(st.lists(texts, max_size=2))
    head = Head("m", plain=plain, stops=stops)
    frames = Frames()
    stream = ChatStream(head, request(len(made)), frames)
    told = {index: calls(solution) for index, solution in enumerate(made)}
    sinks = [stream.sink(index) for index in told]
    while left := [index for index in told if told[index]]:
        index = data.draw(st.sampled_from(left))
        tell(sinks[index], [told[index].pop(0)])
    assert frames.closed == 1
    assert frames.sent[-1] == DONE

    expected = chat_completion(head, made).model_dump()
    found = chunks(b"".join(frames.sent))
    assert {chunk.id for chunk in found} == {expected["id"]}
    assert {(chunk.model, chunk.created) for chunk in found} == {("m", head.created)}
    for index, choice in enumerate(expected["choices"]):
        mine = [c.choices[0] for c in found if c.choices and c.choices[0].index == index]
        message = choice["message"]
        assert mine[0].delta.role == "assistant"
        for name in ("content", "reasoning_content", "reasoning"):
            joined = "".join(part.delta.to_dict().get(name) or "" for part in mine)
            assert joined == (message[name] or "")
        steps = [part.delta.model_extra or {} for part in mine]
        assert message["state_transitions"] == [
            step["state_transition"] for step in steps if "state_transition" in step
        ]
        assert [part.finish_reason for part in mine][-1:] == [choice["finish_reason"]]
        assert {part.finish_reason for part in mine[:-1]} == {None}
        assert (mine[-1].model_extra or {})["solution"] == choice["solution"]
    assert found[-1].choices == []
    assert found[-1].usage.to_dict() == expected["usage"]


@given(solutions())
def test_the_clients_own_helper_puts_a_message_together(solution: Solution) -> None:
    """It merges the fields of all deltas, and fails on lists whose entries have no index."""
    frames = Frames()
    stream = ChatStream(Head("m", plain=False), request(), frames)
    tell(stream.sink(0), calls(solution))
    CANNED.body = b"".join(frames.sent)
    with CANNED.api.chat.completions.stream(**ASKED) as helper:
        helper.until_done()
        message = helper.current_completion_snapshot.choices[0].message
    expected = chat_completion(Head("m", plain=False), [solution]).choices[0].message
    assert message.content == expected.content
    assert (message.model_extra or {}).get("reasoning_content") == expected.reasoning_content


def solution(**fields: Any) -> Solution:
    known: dict[str, Any] = {
        "id": "sol_1",
        "status": Status.COMPLETED,
        "question": "?",
        "model": "m",
        "strategy": "single",
        "created_at": 1.0,
        "completed_at": 2.0,
    }
    return Solution(**(known | fields))


SUMMARY = Transition(
    id=1, parent=0, action=Action.SUMMARIZE, label="Summarize", output="So it is 7.", tokens=5
)
SOLVED = solution(
    answer="7", transitions=(SUMMARY,), paths=(Path(path=0, states=(0, 1), answer="7"),)
)


def answer(solution: Solution, *stops: str, plain: bool = False) -> Any:
    return chat_completion(Head("m", plain=plain, stops=stops), [solution]).choices[0]


@pytest.mark.parametrize(
    ("stops", "content"),
    [
        (("it", "is"), "So "),
        (("is", "it"), "So "),
        (("7",), "So it is "),
        (("",), "So it is 7."),
        (("Q:",), "So it is 7."),
    ],
)
def test_a_stop_ends_the_answer_before_it(stops: tuple[str, ...], content: str) -> None:
    choice = answer(SOLVED, *stops)
    assert choice.message.content == content
    assert choice.finish_reason == "stop"


def test_a_stop_does_not_end_the_reasoning() -> None:
    """lm-eval stops at `Question:`, which a step may well write."""
    step = SUMMARY.model_copy(update={"action": Action.DECOMPOSE, "output": "Question: what is 7?"})
    choice = answer(solution(transitions=(step,)), "Question:")
    assert "Question: what is 7?" in choice.message.reasoning_content


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        (IncompleteReason.MAX_TOKENS, "length"),
        (IncompleteReason.MAX_TRANSITIONS, "length"),
        (IncompleteReason.DEADLINE, "length"),
        (IncompleteReason.REPETITION, "length"),
        (IncompleteReason.SHUTDOWN, "length"),
        (IncompleteReason.NO_ANSWER, "stop"),
    ],
)
def test_without_an_answer_there_is_no_content_and_the_reason_is_said(
    reason: IncompleteReason, finish: str
) -> None:
    step = SUMMARY.model_copy(update={"action": Action.DECOMPOSE})
    choice = answer(
        solution(status=Status.INCOMPLETE, incomplete_reason=reason, transitions=(step,))
    )
    assert choice.message.content == ""
    assert choice.finish_reason == finish
    assert "Not solved: " in choice.message.reasoning_content
    assert choice.solution["incomplete_reason"] == reason


def test_a_refuted_step_is_said_where_it_is_and_where_the_answer_rests_on_it() -> None:
    check = Check(
        start=0, end=9, claim="1 + 1 =\n3", stated="3", computed="2", verdict=Verdict.REFUTED
    )
    wrong = SUMMARY.model_copy(update={"verdict": Verdict.REFUTED, "checks": (check,), "number": 4})
    reasoning = answer(SOLVED.model_copy(update={"transitions": (wrong,)})).message.reasoning
    assert "State 4 · Summarize · ✗ refuted: 1 + 1 = 3, but it is 2\n" in reasoning
    assert "The answer rests on what was refuted: State 4." in reasoning


def test_text_that_was_no_problem_is_answered_in_text() -> None:
    """A title that the model writes as steps is of no use to who asked for it as reasoning."""
    message = answer(SOLVED, plain=True).message
    assert (message.content, message.reasoning, message.state_transitions) == (
        "So it is 7.",
        None,
        [],
    )


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (
            solution(status=Status.FAILED, error=Failure(message="it died", type="engine_error")),
            "it died",
        ),
        (solution(status=Status.CANCELLED), "cancelled"),
        (None, "not ended"),
    ],
)
def test_a_failure_is_an_error_in_the_stream(end: Solution | None, told: str) -> None:
    """Also when other choices go on: the client reads no further."""
    frames = Frames()
    stream = ChatStream(Head("m", plain=False), request(2), frames)
    first, second = stream.sink(0), stream.sink(1)
    first.created(SOLVED)
    if end is not None:
        first.ended(end)
    first.close()
    tell(second, calls(SOLVED))
    assert frames.closed == 1
    with pytest.raises(openai.APIError, match=told):
        chunks(b"".join(frames.sent))


def test_usage_is_sent_only_if_asked() -> None:
    frames = Frames()
    tell(ChatStream(Head("m", plain=False), request(usage=False), frames).sink(0), calls(SOLVED))
    assert b"usage" not in b"".join(frames.sent)
