"""Chat completions over a real socket, through OpenAI's own Python client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import openai._base_client
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.errors import AppError, RateLimitError, UnavailableError
from app.openai.model_names import names
from app.settings import Settings
from app.solving.service import Service
from app.strategies import STRATEGIES
from tests.support.server import LocalServer, local_server, scripted_tokens

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
HELLO = next(question for question, text in QUESTIONS.items() if "State" not in text)
SHORT = "What is 12 * 7?"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.001))) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: LocalServer) -> Iterator[openai.OpenAI]:
    with connected(server) as client:
        yield client


def connected(server: LocalServer, **options: Any) -> openai.OpenAI:
    options.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", **options)


def asking(question: Any = BACKTRACKING, **fields: Any) -> dict[str, Any]:
    return {"model": "scripted", "messages": [{"role": "user", "content": question}], **fields}


def joined(chunks: list[Any], field: str, index: int = 0) -> str:
    return "".join(
        choice.delta.to_dict().get(field) or ""
        for chunk in chunks
        for choice in chunk.choices
        if choice.index == index
    )


def until_idle(server: LocalServer) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        value = server.metrics.registry.get_sample_value("statewise_solutions_in_flight")
        if value == 0 and server.host.engine.unfinished() == 0:
            return
        time.sleep(0.01)
    pytest.fail("the run goes on although its client has gone")


def test_a_plain_completion(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(**asking())
    assert completion.object == "chat.completion"
    assert completion.model == "scripted"
    choice = completion.choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.content == r"The final answer is \boxed{72}."
    extra = choice.message.model_extra or {}
    assert "✗ refuted: 48 / 2 = 26, but it is 24" in extra["reasoning_content"]
    assert extra["reasoning"] == extra["reasoning_content"]
    assert [step["action"] for step in extra["state_transitions"]][-1] == "summarize"
    assert (choice.model_extra or {})["solution"]["answer"] == "72"
    usage = completion.usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert usage.prompt_tokens_details is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    told = usage.completion_tokens - (usage.completion_tokens_details.reasoning_tokens or 0)
    assert told == extra["state_transitions"][-1]["tokens"] > 0
    assert usage.prompt_tokens_details.cached_tokens == 0


def test_a_stream_says_the_same(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(**asking()).choices[0]
    chunks = list(
        client.chat.completions.create(
            **asking(), stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert joined(chunks, "content") == plain.message.content
    for name in ("reasoning", "reasoning_content"):
        assert joined(chunks, name) == (plain.message.model_extra or {})[name]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    structures = [
        (choice.delta.model_extra or {})["state_transition"]
        for chunk in chunks
        for choice in chunk.choices
        if "state_transition" in (choice.delta.model_extra or {})
    ]
    assert [one["verdict"] for one in structures].count("refuted") == 1


async def test_the_asynchronous_client(server: LocalServer) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
        plain = await client.chat.completions.create(**asking())
        stream = await client.chat.completions.create(**asking(), stream=True)
        chunks = [chunk async for chunk in stream]
    assert joined(chunks, "content") == plain.choices[0].message.content


def test_the_stream_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(**asking()) as stream:
        said = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion().choices[0]
    assert said == final.message.content == r"The final answer is \boxed{72}."
    assert "✗ refuted" in (final.message.model_extra or {})["reasoning_content"]


def test_choices_arrive_side_by_side(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(**asking(n=2), stream=True))
    order = [chunk.choices[0].index for chunk in chunks if chunk.choices]
    assert order != sorted(order)
    assert joined(chunks, "reasoning", 0) == joined(chunks, "reasoning", 1)
    completion = client.chat.completions.create(**asking(n=2))
    assert [choice.index for choice in completion.choices] == [0, 1]
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == scripted_tokens(BACKTRACKING)


def test_stop_cuts_the_answer_only(client: openai.OpenAI) -> None:
    choice = client.chat.completions.create(**asking(stop=["State 2", "\\boxed"])).choices[0]
    assert choice.message.content == "The final answer is "
    assert choice.finish_reason == "stop"
    assert "State 2 says" in (choice.message.model_extra or {})["reasoning"]


def test_too_few_tokens(client: openai.OpenAI) -> None:
    choice = client.chat.completions.create(**asking(max_tokens=60)).choices[0]
    assert choice.message.content == ""
    assert choice.finish_reason == "length"
    assert "✗ refuted" in (choice.message.model_extra or {})["reasoning"]
    assert (choice.model_extra or {})["solution"]["status"] == "incomplete"


def test_what_is_no_problem_is_answered_in_few_tokens() -> None:
    settings = Settings(engine="scripted", chat_text_tokens=5)
    with (
        local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0)), settings) as server,
        connected(server) as client,
    ):
        completion = client.chat.completions.create(**asking(HELLO))
    assert completion.choices[0].message.content == QUESTIONS[HELLO][:20].strip()
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 5


def test_a_conversation_with_parts(client: openai.OpenAI) -> None:
    said: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": [{"type": "text", "text": SHORT}]},
    ]
    completion = client.chat.completions.create(model="scripted", messages=said)
    assert completion.usage is not None
    context = f"Be brief.\n\nUser: 1 + 1?\n\nAssistant: 2\n\n{SHORT}"
    assert completion.usage.prompt_tokens == scripted_tokens(context)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0"),
        ({"n": 100}, "n"),
        ({"temperature": 7}, "temperature"),
        ({"model": "scripted:magic"}, "model"),
        ({"messages": [{"role": "user", "content": "7 " * 20_000}]}, "messages"),
    ],
)
def test_wrong_requests_are_named(
    client: openai.OpenAI, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(**(asking() | fields))
    assert (error.value.param or "").startswith(param)
    assert "question" not in str(error.value)


def test_what_the_context_has_no_room_for_is_named(
    client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptedEngine, "max_context", 8)
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(**asking())
    assert (error.value.param, error.value.code) == ("messages", "context_length_exceeded")
    assert "question" not in str(error.value)


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == names("scripted")
    assert client.models.retrieve("scripted").id == "scripted"
    assert client.models.retrieve("scripted:single").id == "scripted:single"
    for unknown in ("gpt-9", "org/model"):
        with pytest.raises(openai.NotFoundError) as error:
            client.models.retrieve(unknown)
        assert error.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(**(asking() | {"model": "gpt-9"}))


def test_a_strategy_is_chosen_by_name(client: openai.OpenAI) -> None:
    name = f"scripted:{next(iter(STRATEGIES))}"
    completion = client.chat.completions.create(**(asking() | {"model": name}))
    assert completion.model == name
    assert (completion.choices[0].model_extra or {})["solution"]["strategy"] in STRATEGIES


@pytest.mark.parametrize("streamed", [False, True])
def test_an_engine_that_fails(streamed: bool) -> None:
    """Before the first byte it is a status, after it an error in the stream."""
    script = Script(QUESTIONS, delay_s=0, fault="error", after=9)
    with local_server(ScriptedEngine(script)) as server, connected(server) as client:
        with pytest.raises(openai.APIError, match="told to fail") as error:
            list(client.chat.completions.create(**asking(), stream=streamed))
        assert isinstance(error.value, openai.InternalServerError) != streamed
        assert error.value.type == "engine_error"


@pytest.mark.parametrize(
    "refusal",
    [
        RateLimitError("too many", retry_after=1.25, limit="requests"),
        UnavailableError("full", retry_after=1.25, code="full"),
    ],
)
def test_the_client_tries_again_when_it_is_told_to(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, refusal: AppError
) -> None:
    begin, refused, slept = Service.begin, [refusal], []

    async def refuse_once(self: Service, order: Any) -> Any:
        if refused:
            raise refused.pop()
        return await begin(self, order)

    monkeypatch.setattr(Service, "begin", refuse_once)
    with connected(server, max_retries=1) as client:
        # The client's own waits, not those of the server beside it.
        monkeypatch.setattr(
            client, "_sleep_for_retry", lambda **told: slept.append(wait(client, told))
        )
        completion = client.chat.completions.create(**asking())
    assert completion.choices[0].message.content
    assert slept == [1.25]


def wait(client: openai.OpenAI, told: dict[str, Any]) -> float:
    left = told["max_retries"] - told["retries_taken"]
    return client._calculate_retry_timeout(left, told["options"], told["response"].headers)


def test_all_choices_begin_or_none() -> None:
    """Otherwise a client that was refused would go on costing what it was refused for."""
    settings = Settings(engine="scripted", max_in_flight=2, max_queued=0)
    engine = ScriptedEngine(Script(QUESTIONS, fault="hang", after=1))
    with local_server(engine, settings) as server, connected(server) as client:
        for streamed in (False, True):
            with pytest.raises(openai.InternalServerError) as error:
                client.chat.completions.create(**asking(n=3), stream=streamed)
            assert error.value.response.status_code == 503
            assert error.value.response.headers["retry-after"]
            until_idle(server)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_goes_away_ends_its_solutions(streamed: bool) -> None:
    engine = ScriptedEngine(Script(QUESTIONS, fault="hang", after=1))
    with local_server(engine) as server:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(
                f"{server.url}/v1/chat/completions",
                json=asking(n=3, stream=streamed),
                timeout=0.5,
            )
        until_idle(server)


def test_long_silences_are_broken_by_comments_that_no_client_takes_for_an_event() -> None:
    settings = Settings(engine="scripted", heartbeat_s=0.02)
    engine = ScriptedEngine(Script(QUESTIONS, delay_s=0.05))
    with local_server(engine, settings) as server:
        body = asking(SHORT, stream=True)
        sent = httpx2.post(f"{server.url}/v1/chat/completions", json=body, timeout=30).text
        assert ": keep-alive\n\n" in sent
        assert "\nid:" not in sent
        frames = [frame for frame in sent.split("\n\n") if frame and frame != ": keep-alive"]
        assert frames.pop() == "data: [DONE]"
        assert all(json.loads(frame.removeprefix("data: "))["choices"] for frame in frames)
        with connected(server) as client:
            assert list(client.chat.completions.create(**body))[-1].choices[0].finish_reason


def test_a_kept_completion_is_a_solution(server: LocalServer, client: openai.OpenAI) -> None:
    for kept, status in ((True, 200), (False, 404)):
        choice = client.chat.completions.create(**asking(store=kept)).choices[0]
        name = (choice.model_extra or {})["solution"]["id"]
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:  # kept behind
            found = httpx2.get(f"{server.url}/v1/solutions/{name}")
            if found.status_code == status:
                break
        assert found.status_code == status
