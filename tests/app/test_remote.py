"""The remote engine over servers that speak vLLM's completion stream, with faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from app.engines import pool, upstream as upstreams
from app.engines.base import Chunk, Sampling
from app.engines.launch import build
from app.engines.remote import RemoteEngine
from app.errors import (
    AppError,
    EngineAwayError,
    EngineError,
    EngineStartError,
    RequestError,
    UnavailableError,
    UnknownModelError,
)
from app.settings import Settings
from app.strategies.base import Problem, Step
from app.strategies.guided import guided
from statespace.reader import Closed
from tests.support.otlp import CLIENT_SPAN, collector
from tests.support.ports import free_port
from tests.support.server import local_server
from tests.support.upstream import END, MODEL, STARTER, FakeUpstream

QUESTION = "Ann sold 48 clips in April and half as many in May. How many in all?"
TEXT = (
    "State 1:\nAction: Formalize\nOutput: m is the clips sold in May. 😀\n\n"
    "State 2:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 24\n\n"
    "State 3:\nAction: Summarize\nOutput: The final answer is \\boxed{72}."
)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes follow each other fast."""
    monkeypatch.setattr(pool, "EVERY_S", 0.05)
    monkeypatch.setattr(pool, "BACKOFF_S", (0.02, 0.1))


@pytest.fixture
def server() -> Iterator[FakeUpstream]:
    with FakeUpstream(lambda _: TEXT) as server:
        yield server


def settings(*servers: FakeUpstream, **changes: Any) -> Settings:
    urls = tuple(server.url for server in servers)
    return Settings(engine="remote", upstream=urls, **({"model": str(STARTER)} | changes))


@asynccontextmanager
async def started(*servers: FakeUpstream, **changes: Any) -> AsyncGenerator[RemoteEngine, None]:
    engine = RemoteEngine(settings(*servers, **changes))
    try:
        await engine.start(lambda _: None)
        for server in servers:
            server.asked.clear()
        yield engine
    finally:
        await engine.stop()


async def answer(
    engine: RemoteEngine, sampling: Sampling | None = None, question: str = QUESTION
) -> list[Chunk]:
    chunks = engine.generate(engine.prompt(question), sampling or Sampling(500))
    async with aclosing(chunks):
        return [chunk async for chunk in chunks]


async def until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_ids_come_back_with_their_text_and_what_the_cache_held(server: FakeUpstream) -> None:
    async with started(server) as engine:
        assert engine.max_context == 1024
        chunks = await answer(engine, Sampling(500, logprobs=True))
        assert "".join(chunk.text for chunk in chunks) == TEXT
        assert [chunk.finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
        ids = [token for chunk in chunks for token in chunk.token_ids]
        assert ids == [*engine.encode(TEXT), END]
        prompt = engine.prompt(QUESTION)
        assert chunks[-1].cached_tokens == len(prompt) // 16 * 16 > 0
        assert [len(chunk.logprobs) for chunk in chunks] == [len(c.token_ids) for c in chunks]
        assert chunks[0].logprobs[0] == -0.5
        assert engine.cut(prompt, ids, 9)[len(prompt) :] == engine.encode("State 1:\n")
        assert engine.unfinished() == 0


async def test_a_server_is_told_all_that_the_engine_in_process_is_told(
    server: FakeUpstream,
) -> None:
    """A default of the server's, from the checkpoint's generation config, must not be used."""
    wanted = Sampling(7, 0.5, 0.9, 11, grammar='root ::= "a"', adapter="mine")
    async with started(server) as engine:
        await answer(engine, Sampling(500))
        (*_, last) = await answer(engine, wanted)
        assert last.finish_reason == "length"
    plain, asked = server.asked
    assert (plain["model"], asked["model"]) == (MODEL, "mine")
    assert asked["structured_outputs"] == {"grammar": 'root ::= "a"'}
    assert [asked[name] for name in ("max_tokens", "temperature", "top_p", "seed")] == [
        7, 0.5, 0.9, 11,
    ]  # fmt: skip
    for name, neutral in {"top_k": 0, "min_p": 0, "repetition_penalty": 1}.items():
        assert plain[name] == neutral
    assert not {"seed", "logprobs", "structured_outputs"} & set(plain)
    assert plain["return_token_ids"] is True
    assert plain["repetition_detection"]["min_count"] == 12


async def test_closing_closes_the_connection(server: FakeUpstream) -> None:
    server.delay_s = 0.05
    async with started(server) as engine:
        chunks = engine.generate(engine.prompt(QUESTION), Sampling(500))
        await anext(chunks)
        assert (server.running, engine.unfinished()) == (1, 1)
        await chunks.aclose()
        await until(lambda: server.running == 0)
        task = asyncio.create_task(answer(engine))
        await until(lambda: server.running == 1)
        task.cancel()
        await until(lambda: server.running == 0)
        assert engine.unfinished() == 0
        server.delay_s = 0
        assert await answer(engine)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("die", EngineAwayError, "lost at work"),
        ("abort", EngineAwayError, "lost at work"),
        ("hang", EngineAwayError, "lost at work"),
        ("hang at once", EngineAwayError, "lost at work"),
        ("status 500", EngineAwayError, "lost at work"),
        ("error", EngineError, "told to fail"),
        ("garbage", EngineError, "what is no completion"),
        ("long line", EngineError, "longer than"),
        ("flood", EngineError, "more than was asked for"),
        ("no ids", EngineError, "return_token_ids"),
        ("full", UnavailableError, "full"),
        ("bad request", RequestError, "no, xx"),
    ],
)
async def test_a_fault_ends_one_request_and_no_more(
    server: FakeUpstream, fault: Any, kind: type[AppError], message: str
) -> None:
    silence_s = 0.3 if "hang" in fault else 60
    async with started(server, upstream_silence_s=silence_s) as engine:
        server.fault = fault
        with pytest.raises(kind, match=message) as failed:
            await answer(engine)
        assert len(failed.value.message) < 500
        if failed.value.status == 503:
            assert 0 < (failed.value.retry_after or 0) <= 60
        await until(lambda: server.running == 0)
        server.fault = None
        await until(lambda: engine._pool.up)
        assert "".join(chunk.text for chunk in await answer(engine)) == TEXT


async def test_an_adapter_that_is_not_there_is_the_requests_mistake(server: FakeUpstream) -> None:
    async with started(server) as engine:
        server.fault = "refused"
        with pytest.raises(UnknownModelError):
            await answer(engine, Sampling(500, adapter="mine"))
        assert engine._pool.up == 1
        with pytest.raises(EngineAwayError):  # what it had at the start it must have
            await answer(engine)


async def test_adapters_are_the_servers_own(server: FakeUpstream) -> None:
    adapter = {"id": "mine", "root": "/a", "parent": MODEL, "max_model_len": 1024}
    server.models.insert(0, adapter)
    async with started(server) as engine:
        assert set(engine.adapters) == {"mine"}
        await answer(engine)
        await answer(engine, Sampling(500, adapter="mine"))
        assert [body["model"] for body in server.asked] == [MODEL, "mine"]
        manner = replace(engine._text.manner, opens="State 1:")
        engine._text = replace(engine._text, manner=manner)
        assert engine.opening(Sampling(1)) == "State 1:"
        assert not engine.opening(Sampling(1, plain=True))
        assert not engine.opening(Sampling(1, adapter="mine"))  # nobody has read its card


async def test_a_server_that_comes_back_is_asked_again(server: FakeUpstream) -> None:
    async with started(server) as engine:
        await engine.check()
        server.stop()
        await until(lambda: not engine._pool.up)  # without a request
        with pytest.raises(EngineAwayError):
            await engine.check()
        with pytest.raises(EngineAwayError):
            await answer(engine)
        server.start()
        await until(lambda: engine._pool.up)
        await engine.check()
        assert await answer(engine)


async def test_one_that_comes_back_with_another_model_is_left_out(server: FakeUpstream) -> None:
    with FakeUpstream(lambda _: TEXT) as other:
        async with started(server, other) as engine:
            other.stop()
            await until(lambda: engine._pool.up == 1)
            other.tokens = [1, 2, 3]
            other.start()
            await until(lambda: "other tokens" in engine._pool.upstreams[1].trouble)
            assert engine._pool.up == 1


async def test_what_has_not_begun_goes_to_another_server(server: FakeUpstream) -> None:
    with FakeUpstream(lambda _: TEXT) as other:
        async with started(server, other) as engine:
            other.stop()
            texts = ["".join(chunk.text for chunk in await answer(engine)) for _ in range(4)]
        assert texts == [TEXT] * 4
        assert len(server.asked) == 4


async def test_the_least_busy_is_asked_unless_another_has_read_the_prompt(
    server: FakeUpstream,
) -> None:
    server.delay_s = 0.03
    with FakeUpstream(lambda _: TEXT, delay_s=0.03) as other:
        async with started(server, other) as engine:
            questions = [f"{index} {QUESTION}" for index in range(8)]
            await asyncio.gather(*(answer(engine, question=question) for question in questions))
            assert (len(server.asked), len(other.asked)) == (4, 4)
            for at in (server, other):
                at.asked.clear()
            prompt = engine.prompt(questions[0])
            for _ in range(3):
                chunks = engine.generate([*prompt, *engine.encode(TEXT)], Sampling(500))
                async with aclosing(chunks):
                    await anext(chunks)
            assert sorted((len(server.asked), len(other.asked))) == [0, 3]


async def test_guided_goes_on_over_http() -> None:
    wrong = TEXT.replace("2 = 24", "2 = 26")
    right = "State 5:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 24\n\n" + (
        "State 6:\nAction: Summarize\nOutput: The final answer is \\boxed{72}."
    )

    def says(prompt: str) -> str:
        return right if prompt.rstrip().endswith("Backtrack to State 1.") else wrong

    with FakeUpstream(says) as server:
        async with started(server) as engine:
            problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(500), 64)
            async with aclosing(guided(engine, problem)) as steps:
                seen: list[Step] = [step async for step in steps]
            first, second = (body["prompt"] for body in server.asked)
    closed = [step.transition for step in seen if isinstance(step, Closed)]
    assert [(t.parent, t.action.value) for t in closed] == [
        (0, "formalize"),
        (1, "solve_subquestion"),
        (2, "verify"),
        (3, "backtrack"),
        (1, "solve_subquestion"),
        (5, "summarize"),
    ]
    assert second[: len(first)] == first
    assert problem.spent.cached > 0


def test_the_service_says_when_it_can_serve(server: FakeUpstream) -> None:
    """With no server left it is not ready but alive, refuses with 503, and comes back."""
    asked = settings(server)
    with local_server(RemoteEngine(asked), asked) as local:
        body = {"question": QUESTION}

        def probes() -> list[int]:
            return [httpx2.get(f"{local.url}/{one}").status_code for one in ("readyz", "livez")]

        def wait(expected: list[int]) -> None:
            deadline = time.monotonic() + 10
            while probes() != expected and time.monotonic() < deadline:
                time.sleep(0.02)
            assert probes() == expected

        assert httpx2.post(f"{local.url}/v1/solutions", json=body).json()["answer"] == "72"
        assert probes() == [200, 200]
        server.fault, server.after = "die", 1
        failed = httpx2.post(f"{local.url}/v1/solutions", json=body)
        assert failed.json()["error"]["code"] == "engine_away"
        chat = {"messages": [{"role": "user", "content": QUESTION}]}
        wait([200, 200])
        refused = httpx2.post(f"{local.url}/v1/chat/completions", json=chat)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        server.fault = "full"
        wait([200, 200])
        refused = httpx2.post(f"{local.url}/v1/chat/completions", json=chat)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        server.fault = None
        server.stop()
        wait([503, 200])
        refused = httpx2.post(f"{local.url}/v1/solutions", json=body)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        server.start()
        wait([200, 200])
        assert httpx2.post(f"{local.url}/v1/solutions", json=body).json()["answer"] == "72"


async def test_starting_waits_for_a_first_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engines.remote.LOOK_S", 0.02)
    late = FakeUpstream(lambda _: TEXT, port=free_port())
    phases: list[str] = []
    engine = RemoteEngine(settings(late))
    starting = asyncio.create_task(engine.start(phases.append))
    await until(lambda: len(phases) > 2)
    assert set(phases) == {"connecting"}
    await engine.check()  # not dead: it may come up
    await asyncio.to_thread(late.start)
    try:
        await starting
        assert await answer(engine)
    finally:
        await engine.stop()
        await asyncio.to_thread(late.stop)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "secret"}, "STATEWISE_UPSTREAM_KEY"),
        ({"models": []}, "serves no model"),
        ({"models": [{"id": "a", "max_model_len": None}]}, "does not list models"),
        ({"tokens": [1, 2]}, "name a copy of what it serves with --model"),
    ],
)
async def test_a_wrong_server_is_told_at_the_start(
    server: FakeUpstream, change: dict[str, Any], message: str
) -> None:
    for name, value in change.items():
        setattr(server, name, value)
    with pytest.raises(EngineStartError, match=message):
        async with started(server):
            pass


async def test_the_key_is_sent(server: FakeUpstream) -> None:
    server.key = "secret"
    async with started(server, upstream_key="secret") as engine:
        assert await answer(engine)


async def test_without_a_model_the_tokenizer_is_the_servers(server: FakeUpstream) -> None:
    asked = Settings(engine="remote", upstream=(server.url,))
    assert asked.served_name == "remote"
    engine = RemoteEngine(asked)
    await engine.start(lambda _: None)
    assert await answer(engine)
    await engine.stop()
    server.models[0]["root"] = "/no/such/folder"
    engine = RemoteEngine(asked)
    with pytest.raises(EngineStartError, match="--model"):
        await engine.start(lambda _: None)
    await engine.stop()


def test_settings_name_servers() -> None:
    asked = Settings(engine="remote", upstream="http://a:1/, http://b:2/v1,http://a:1")  # type: ignore[arg-type]
    assert asked.upstream == ("http://a:1", "http://b:2")
    for wrong in ("a:1", "ftp://a", "http://user:word@a"):
        with pytest.raises(ValueError, match="is no server"):
            Settings(engine="remote", upstream=(wrong,))
    with pytest.raises(EngineStartError, match="--upstream"):
        build(Settings(engine="remote"))
    with pytest.raises(EngineStartError, match="--lora-modules"):
        build(asked.model_copy(update={"adapters": {"mine": STARTER}}))
    with pytest.raises(EngineStartError, match="takes no options"):
        build(asked, ["--dtype", "float32"])
    assert "word" not in repr(Settings(upstream_key="word"))  # type: ignore[arg-type]


def test_backoff_is_bounded() -> None:
    assert pool.backoff(0) < pool.backoff(2) <= pool.backoff(10_000) == pool.BACKOFF_S[1]
    assert upstreams._seconds("9999999") == upstreams.MAX_RETRY_S


def test_servers_are_told_of_the_trace(
    server: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with collector() as sent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sent.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        chosen = settings(server)
        with local_server(RemoteEngine(chosen), chosen) as local:
            httpx2.post(
                f"{local.url}/v1/solutions",
                json={"question": QUESTION},
                headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
            )
            (call,) = sent.until("text_completion")
    assert call.kind == CLIENT_SPAN
    assert server.traceparents[-1] == f"00-{trace}-{call.span_id}-01"
