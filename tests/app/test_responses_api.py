"""/v1/responses over a real socket with OpenAI's own client and the scripted engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response

from app.access.keys import Key, digest, write
from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.settings import Settings
from tests.support.server import LocalServer, local_server, scripted_tokens

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
CHAT = next(question for question, text in QUESTIONS.items() if "State" not in text)
TIMES = "What is 12 * 7?"
ENDS = ("response.completed", "response.incomplete", "response.failed")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.001))) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: LocalServer) -> Iterator[OpenAI]:
    with openai_client(server) as client:
        yield client


@pytest.fixture
def slow() -> Iterator[LocalServer]:
    """A server on which a solution lasts until it is cancelled."""
    script = Script(QUESTIONS, delay_s=0, fault="hang", after=40)
    with local_server(ScriptedEngine(script)) as server:
        yield server


def openai_client(server: LocalServer) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0, timeout=30)


def checked(events: Iterable[Any], first: int = 0) -> list[Any]:
    """All events of a stream; checks that they are numbered and end once."""
    found = list(events)
    numbers = [event.sequence_number for event in found]
    assert numbers == list(range(first, first + len(found)))
    assert [event.type for event in found if event.type in ENDS] == [found[-1].type]
    return found


def told(response: Response) -> list[dict[str, Any]]:
    """What two responses to the same request have in common."""
    items = [item.model_dump() for item in response.output]
    for item in items:
        item.pop("id")
        item.get("transition", {}).pop("seconds", None)
        for part in item["content"]:
            part.pop("parsed", None)  # the stream helper's own
    return items


def background(client: OpenAI, question: str = BACKTRACKING) -> str:
    return client.responses.create(model="scripted", input=question, background=True).id


def until_over(client: OpenAI, response_id: str) -> Response:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = client.responses.retrieve(response_id)
        if found.status not in ("queued", "in_progress"):
            return found
        time.sleep(0.02)
    pytest.fail("the response does not end")


def test_create_answers_with_a_reasoning_item_for_each_transition(client: OpenAI) -> None:
    found = client.responses.create(model="scripted", input=BACKTRACKING, metadata={"a": "b"})
    assert [item.type for item in found.output] == ["reasoning"] * 7 + ["message"]
    assert found.output_text == "The final answer is \\boxed{72}."
    assert found.status == "completed"
    assert found.metadata == {"a": "b"}
    items: list[Any] = [item.to_dict() for item in found.output]
    verdicts = [item["transition"]["verdict"] for item in items[:2]]
    assert verdicts == ["unchecked", "refuted"]
    assert found.usage is not None
    assert found.usage.output_tokens_details.reasoning_tokens < found.usage.output_tokens
    assert client.responses.retrieve(found.id) == found


def test_a_stream_adds_up_to_the_response(client: OpenAI) -> None:
    plain = client.responses.create(model="scripted", input=BACKTRACKING)
    found = checked(client.responses.create(model="scripted", input=BACKTRACKING, stream=True))
    assert found[-1].type == "response.completed"
    assert told(found[-1].response) == told(plain)
    assert client.responses.retrieve(found[0].response.id) == found[-1].response


def test_what_is_not_kept_is_streamed_and_gone(client: OpenAI) -> None:
    kept = checked(client.responses.create(model="scripted", input=TIMES, stream=True))
    found = checked(
        client.responses.create(model="scripted", input=TIMES, stream=True, store=False)
    )
    assert [event.type for event in found] == [event.type for event in kept]
    assert told(found[-1].response) == told(kept[-1].response)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(found[-1].response.id)


def test_the_stream_helper_ends_with_the_response(client: OpenAI) -> None:
    with client.responses.stream(model="scripted", input=TIMES) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                assert event.snapshot == "The final answer is \\boxed{84}."
        assert stream.get_final_response().output_text == "The final answer is \\boxed{84}."


def test_the_async_client(server: LocalServer) -> None:
    async def ask() -> None:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
            plain = await client.responses.create(model="scripted", input=TIMES)
            stream = await client.responses.create(model="scripted", input=TIMES, stream=True)
            found = checked([event async for event in stream])
            assert told(found[-1].response) == told(plain)
            async with client.responses.stream(model="scripted", input=TIMES) as helper:
                assert told(await helper.get_final_response()) == told(plain)

    asyncio.run(ask())


def test_what_is_no_problem_is_answered_in_plain_text(client: OpenAI) -> None:
    found = client.responses.create(model="scripted", input=CHAT)
    assert [item.type for item in found.output] == ["message"]
    assert found.output_text == QUESTIONS[CHAT]
    assert found.usage is not None
    assert found.usage.output_tokens_details.reasoning_tokens == 0


def test_summaries_are_sent_to_who_wants_them(client: OpenAI) -> None:
    found = checked(
        client.responses.create(
            model="scripted", input=TIMES, stream=True, reasoning={"summary": "auto"}
        )
    )
    items = found[-1].response.output[:-1]
    assert [item.summary[0].text for item in items] == [item.content[0].text for item in items]
    deltas = [e.delta for e in found if e.type == "response.reasoning_summary_text.delta"]
    assert deltas == [item.summary[0].text for item in items]
    assert client.responses.retrieve(found[-1].response.id) == found[-1].response


def test_a_limit_makes_it_incomplete(client: OpenAI) -> None:
    found = checked(
        client.responses.create(
            model="scripted", input=BACKTRACKING, stream=True, max_output_tokens=20
        )
    )
    response = found[-1].response
    assert found[-1].type == "response.incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text == ""
    assert client.responses.retrieve(response.id) == response


def test_background_is_followed_while_it_runs_and_after(client: OpenAI) -> None:
    response_id = background(client)
    running = checked(client.responses.retrieve(response_id, stream=True))
    assert until_over(client, response_id) == running[-1].response
    for after in (0, 4, len(running) - 2):
        rest = checked(
            client.responses.retrieve(response_id, stream=True, starting_after=after), after + 1
        )
        assert rest == running[after + 1 :]
    with client.responses.stream(response_id=response_id, starting_after=3) as helper:
        numbers = [event.sequence_number for event in helper]
        assert numbers == list(range(4, len(running)))
    end = running[-1].sequence_number
    assert not list(client.responses.retrieve(response_id, stream=True, starting_after=end))


def test_a_background_stream_is_resumed_where_it_broke_off(client: OpenAI) -> None:
    stream: Any = client.responses.create(
        model="scripted", input=BACKTRACKING, background=True, stream=True
    )
    seen = [next(iter(stream)) for _ in range(3)]
    stream.close()
    response_id = seen[0].response.id
    rest = checked(client.responses.retrieve(response_id, stream=True, starting_after=2), 3)
    assert rest[-1].type == "response.completed"
    assert rest == checked(client.responses.retrieve(response_id, stream=True))[3:]


def test_a_restarted_server_sends_the_same_events(tmp_path: Path) -> None:
    settings = Settings(engine="scripted", state_dir=tmp_path)
    script = Script(QUESTIONS, delay_s=0)
    with local_server(ScriptedEngine(script), settings) as first, openai_client(first) as client:
        response_id = background(client)
        whole = checked(client.responses.retrieve(response_id, stream=True))
    with local_server(ScriptedEngine(script), settings) as second, openai_client(second) as client:
        assert checked(client.responses.retrieve(response_id, stream=True)) == whole
        rest = checked(client.responses.retrieve(response_id, stream=True, starting_after=5), 6)
        assert rest == whole[6:]
        assert client.responses.retrieve(response_id) == whole[-1].response


def test_a_cancel_ends_every_readers_stream(slow: LocalServer) -> None:
    """vLLM's own server leaves such streams open for ever."""

    async def follow() -> None:
        async with AsyncOpenAI(base_url=f"{slow.url}/v1", api_key="x", timeout=10) as client:
            first = await client.responses.create(
                model="scripted", input=BACKTRACKING, background=True, stream=True
            )
            seen: list[Any] = [await anext(aiter(first)) for _ in range(6)]
            response_id = seen[0].response.id
            later = await client.responses.retrieve(response_id, stream=True, starting_after=2)
            readers = [
                asyncio.create_task(_rest(first)),
                asyncio.create_task(_rest(later)),
            ]
            await asyncio.sleep(0.1)
            cancelled = await client.responses.cancel(response_id)
            assert cancelled.status == "cancelled"
            for events in await asyncio.gather(*readers):
                assert [event.type for event in events if event.type in ENDS] == ["response.failed"]
                assert events[-1].response.status == "cancelled"
                assert events[-1].response.output == cancelled.output
            late = await _rest(await client.responses.retrieve(response_id, stream=True))
            assert checked(late)[-1].response.status == "cancelled"
            assert (await client.responses.cancel(response_id)).status == "cancelled"

    asyncio.run(follow())


def test_a_silence_is_filled_with_comments_that_are_no_events() -> None:
    script = Script(QUESTIONS, delay_s=0, fault="hang", after=40)
    settings = Settings(engine="scripted", heartbeat_s=0.05)
    with local_server(ScriptedEngine(script), settings) as server, openai_client(server) as client:
        response_id = background(client)
        address = f"{server.url}/v1/responses/{response_id}?stream=true"
        with httpx2.stream("GET", address, timeout=30) as response:
            followed = iter(client.responses.retrieve(response_id, stream=True))
            first = next(followed)
            lines = response.iter_lines()
            for _ in range(3):
                assert next(line for line in lines if line.startswith(":")) == ": ping"
            client.responses.cancel(response_id)
            assert not any(line.startswith("id:") for line in lines)
        assert checked([first, *followed])[-1].response.status == "cancelled"


async def _rest(stream: Any) -> list[Any]:
    return [event async for event in stream]


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("fault", ["die", "error"])
def test_a_failure_ends_the_stream(fault: Literal["die", "error"], store: bool) -> None:
    script = Script(QUESTIONS, delay_s=0, fault=fault, after=40)
    with local_server(ScriptedEngine(script)) as server, openai_client(server) as client:
        found = checked(
            client.responses.create(model="scripted", input=BACKTRACKING, stream=True, store=store)
        )
        assert found[-1].type == "response.failed"
        assert found[-1].response.error.code == "server_error"
        assert "scripted engine" in found[-1].response.error.message
        assert found[-1].response.output, "what was solved before is kept"


@pytest.mark.parametrize("store", [True, False])
def test_a_client_that_goes_away_ends_its_response(slow: LocalServer, store: bool) -> None:
    with openai_client(slow) as client:
        stream = client.responses.create(
            model="scripted", input=BACKTRACKING, stream=True, store=store
        )
        next(iter(stream))
        stream.close()
    deadline = time.monotonic() + 5
    while slow.host.engine.unfinished():
        assert time.monotonic() < deadline, "it goes on although its client has gone"
        time.sleep(0.01)


def test_a_response_goes_on_from_another(client: OpenAI) -> None:
    first = client.responses.create(
        model="scripted", input=TIMES, instructions="Be short.", stream=False
    )
    second = client.responses.create(
        model="scripted", input="And half of it?", previous_response_id=first.id
    )
    third = client.responses.create(
        model="scripted", input="And 2 more?", previous_response_id=second.id
    )
    assert second.previous_response_id == first.id
    assert second.usage is not None
    assert third.usage is not None
    said = f"User: {TIMES}\n\nAssistant: {first.output_text}\n\nAnd half of it?"
    assert second.usage.input_tokens == scripted_tokens(said)
    said = said.replace("And half", "User: And half")
    said = f"{said}\n\nAssistant: {second.output_text}\n\nAnd 2 more?"
    assert third.usage.input_tokens == scripted_tokens(said)


def test_a_response_goes_on_only_from_one_that_is_there_and_over(slow: LocalServer) -> None:
    with openai_client(slow) as client:
        with pytest.raises(openai.NotFoundError) as missing:
            client.responses.create(
                model="scripted", input="2?", previous_response_id="resp_nothing"
            )
        assert missing.value.param == "previous_response_id"
        running = background(client)
        with pytest.raises(openai.BadRequestError) as early:
            client.responses.create(model="scripted", input="2?", previous_response_id=running)
        assert early.value.param == "previous_response_id"
        client.responses.cancel(running)


def test_a_deleted_response_is_gone(client: OpenAI) -> None:
    found = client.responses.create(model="scripted", input=TIMES)
    client.responses.delete(found.id)
    for ask in (client.responses.retrieve, client.responses.cancel, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            ask(found.id)


def test_responses_and_solutions_do_not_mix(server: LocalServer, client: OpenAI) -> None:
    response = client.responses.create(model="scripted", input=TIMES)
    solution_id = response.id.replace("resp_", "sol_")
    assert httpx2.get(f"{server.url}/v1/solutions/{solution_id}").status_code == 404
    solution = httpx2.post(
        f"{server.url}/v1/solutions", json={"question": TIMES, "background": True}
    ).json()
    for name in (solution["id"], solution["id"].replace("sol_", "resp_"), "resp_%00"):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(name)


def test_another_keys_response_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    write(file, [Key(name=name, sha256=digest(f"sw-{name}")) for name in ("ann", "ben")])
    settings = Settings(engine="scripted", keys_file=file)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0)), settings) as server:
        address = f"{server.url}/v1"
        with (
            OpenAI(base_url=address, api_key="sw-ann") as ann,
            OpenAI(base_url=address, api_key="sw-ben") as ben,
        ):
            found = ann.responses.create(model="scripted", input=TIMES)
            for ask in (ben.responses.retrieve, ben.responses.cancel, ben.responses.delete):
                with pytest.raises(openai.NotFoundError):
                    ask(found.id)
            with pytest.raises(openai.NotFoundError):
                ben.responses.create(model="scripted", input="2?", previous_response_id=found.id)
            assert ann.responses.retrieve(found.id) == found


def test_messages_in_every_form(client: OpenAI) -> None:
    first = client.responses.create(model="scripted", input=TIMES)
    items: Any = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "input_text", "text": TIMES}], "type": "message"},
        *(item.to_dict() for item in first.output),
        {"role": "user", "content": "And 2 more?"},
    ]
    found = client.responses.create(
        model="scripted", input=items, tools=[], extra_body={"unknown": [1]}
    )
    said = f"Be short.\n\nUser: {TIMES}\n\nAssistant: {first.output_text}\n\nAnd 2 more?"
    assert found.usage is not None
    assert found.usage.input_tokens == scripted_tokens(said)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "input"),
    ({"input": 7}, "input"),
    ({"input": []}, "input"),
    ({"input": " "}, "input"),
    ({"input": ["a"]}, "input"),
    ({"input": "2" * 40_000}, "input"),
    ({"input": [{"role": "user", "content": "2?"}] * 3000}, "input"),
    ({"input": [{"role": "judge", "content": "2?"}]}, "input[0].role"),
    ({"input": [{"role": ["user"], "content": "2?"}]}, "input[0].role"),
    ({"input": [{"type": {}, "role": "user", "content": "2?"}]}, "input[0].type"),
    ({"input": [{"role": "user", "content": [{"type": []}]}]}, "input[0].content[0]"),
    ({"input": [{"role": "user", "content": 2}]}, "input[0].content"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
        "input[0].content[0]",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": 2}]}]},
        "input[0].content[0].text",
    ),
    ({"input": [{"type": "function_call_output", "output": "2"}]}, "input[0].type"),
    ({"input": TIMES, "temperature": 3}, "temperature"),
    ({"input": TIMES, "max_output_tokens": 0}, "max_output_tokens"),
    ({"input": TIMES, "stream": "yes"}, "stream"),
    ({"input": TIMES, "metadata": {"a": 1}}, "metadata.a"),
    ({"input": TIMES, "conversation": "conv_1"}, "conversation"),
    ({"input": TIMES, "background": True, "store": False}, "store"),
    ({"input": TIMES, "model": "scripted:magic"}, "model"),
]


@pytest.mark.parametrize(("body", "param"), BAD)
def test_bad_input_names_its_field(server: LocalServer, body: dict[str, Any], param: str) -> None:
    response = httpx2.post(f"{server.url}/v1/responses", json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == param
    assert param in error["message"]
    assert len(error["message"]) < 500


def test_a_strategy_is_chosen_by_the_models_name(client: OpenAI) -> None:
    found = client.responses.create(model="scripted:single", input=TIMES)
    assert found.model == "scripted:single"
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt-17", input=TIMES)
