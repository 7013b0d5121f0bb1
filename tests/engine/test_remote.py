"""The remote engine over a real vLLM server: the same as in process, and the server's end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest

from app.engines import completions
from app.engines.base import Sampling
from app.engines.remote import RemoteEngine
from app.settings import Settings
from tests.conftest import REPOSITORY
from tests.support.server import LocalServer, local_server
from tests.support.server_process import ServerProcess
from tests.support.streams import check_order, events
from tests.support.vllm_server import VllmServer, vllm_process

pytestmark = pytest.mark.engine

STARTER = REPOSITORY / "checkpoints" / "starter"
QUESTIONS = (
    "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?",
    "What is 9 * 6?",
    "There are 38 boxes. Each box holds 47 pencils. 129 pencils are sold. How many are left?",
)


@dataclass
class Setup:
    upstream: VllmServer
    service: LocalServer

    def solve(self, **body: Any) -> httpx2.Response:
        return httpx2.post(f"{self.service.url}/v1/solutions", json=body, timeout=120)

    def probes(self) -> list[int]:
        url = self.service.url
        return [httpx2.get(f"{url}/{one}").status_code for one in ("readyz", "livez")]


def asked(upstream: VllmServer) -> Settings:
    return Settings(engine="remote", upstream=(upstream.url,), model=str(STARTER))


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    with vllm_process(STARTER, "starter", log, "--enable-prompt-tokens-details") as upstream:
        settings = asked(upstream)
        with local_server(RemoteEngine(settings), settings) as service:
            assert service.host.error is None
            yield Setup(upstream, service)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def metric(upstream: VllmServer, *families: str) -> float:
    """The sum of series of vLLM's, by the starts of their lines."""
    lines = httpx2.get(f"{upstream.url}/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(families))


def running(upstream: VllmServer) -> float:
    """Requests that vLLM holds."""
    return metric(upstream, "vllm:num_requests_running{", "vllm:num_requests_waiting{")


@pytest.mark.parametrize("strategy", ["single", "guided"])
def test_a_strategy_finds_the_same_as_in_process(
    setup: Setup, server: ServerProcess, strategy: str
) -> None:
    for question in QUESTIONS:
        body = {"question": question, "strategy": strategy, "seed": 1}
        here = httpx2.post(f"{server.url}/v1/solutions", json=body, timeout=120).json()
        there = setup.solve(**body).json()
        for solution in (here, there):
            for transition in solution["transitions"]:
                # How tokens are gathered, and so told apart, is a matter of speed.
                del transition["seconds"], transition["tokens"]
        assert there["transitions"] == here["transitions"]
        assert there["answer"] == here["answer"]
        if strategy == "single":  # how much is thrown away after a halt is a matter of speed, too
            assert there["usage"]["completion_tokens"] == here["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "vote-4"},
        {"strategy": "vote-3", "vote": {"stop": "never", "waves": [1, 2]}},
        {"strategy": "beam-2", "beam": {"candidates": 3, "confidence": False}},
        {"strategy": "beam-2", "beam": {"candidates": 3, "confidence": True}},
        {"strategy": "single", "max_tokens": 20},
    ],
)
def test_strategies_stream_in_order_and_leave_vllm_idle(
    setup: Setup, options: dict[str, Any]
) -> None:
    body = {"question": QUESTIONS[0], "stream": True, "deltas": True, "seed": 7, **options}
    found = events(setup.solve(**body).text)
    check_order(found)
    solution = found[-1]["solution"]
    limited = "max_tokens" in options
    assert solution["status"] == ("incomplete" if limited else "completed")
    assert solution["incomplete_reason"] == ("max_tokens" if limited else None)
    if options["strategy"].startswith("beam"):
        answer = next(p for p in solution["paths"] if p["path"] == solution["answer_path"])
        assert (answer["weight"] < 0) == options["beam"]["confidence"]
    until(lambda: running(setup.upstream) == 0)


def test_a_question_beyond_the_context_is_refused(setup: Setup) -> None:
    refused = setup.solve(question="apple " * 2000)
    assert refused.status_code == 400
    assert "holds 1024" in refused.json()["error"]["message"]


def test_a_server_that_stands_still_goes_on(setup: Setup) -> None:
    """Its process is stopped for a while under a stream, as where memory is short."""
    body = {"question": QUESTIONS[2], "stream": True}
    url = f"{setup.service.url}/v1/solutions"
    with httpx2.stream("POST", url, json=body, timeout=120) as response:
        pieces = response.iter_text()
        first = next(pieces)
        with setup.upstream.standing_still():
            time.sleep(2)
        found = events(first + "".join(pieces))
    check_order(found)
    assert found[-1]["type"] in ("solution.completed", "solution.incomplete")


def test_what_the_cache_held_is_told(setup: Setup) -> None:
    question = "Tom has 5 apples. " * 12 + "How many apples does Tom have now?"
    setup.solve(question=question, max_tokens=16)
    again = setup.solve(question=question, max_tokens=16).json()
    assert again["usage"]["cached_tokens"] >= 32


def test_vllm_knows_every_field_that_it_is_sent(setup: Setup) -> None:
    """An unknown one it would ignore without a word."""
    sampling = Sampling(8, seed=1, logprobs=True, grammar='root ::= "a"', banned=("b",))
    sent = completions.request("starter", [1], sampling, 4, literal=False)
    schemas = httpx2.get(f"{setup.upstream.url}/openapi.json").json()["components"]["schemas"]
    assert set(orjson.loads(sent)) <= set(schemas["CompletionRequest"]["properties"])


async def test_closing_aborts_inside_vllm(setup: Setup) -> None:
    """What is closed must not be written to its end: it would take others' places."""
    finished = metric(setup.upstream, "vllm:request_success_total{")
    engine = RemoteEngine(asked(setup.upstream))
    await engine.start(lambda _: None)
    try:
        prompt, finished = engine.prompt(QUESTIONS[2]), finished + 1  # the first one of a start
        for seed in range(5):
            chunks = engine.generate(prompt, Sampling(900, temperature=2.0, seed=seed))
            assert (await anext(chunks)).finish_reason is None
            await chunks.aclose()
            await asyncio.to_thread(until, lambda: running(setup.upstream) == 0)
    finally:
        await engine.stop()
    assert metric(setup.upstream, "vllm:request_success_total{") == finished


def test_a_killed_server_fails_its_solutions_and_comes_back(
    setup: Setup, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def babble(seed: int) -> dict[str, Any]:
        body = {"question": QUESTIONS[2], "temperature": 2.0, "max_tokens": 900, "seed": seed}
        found: dict[str, Any] = setup.solve(**body).json()
        return found

    with ThreadPoolExecutor(16) as pool:
        begun = [pool.submit(babble, seed) for seed in range(16)]
        until(lambda: running(setup.upstream) >= 4)
        setup.upstream.kill()
        errors = [one.result()["error"] for one in begun]
    codes = {error["code"] for error in errors if error is not None}
    assert codes == {"engine_away"}
    until(lambda: setup.probes() == [503, 200])
    refused = setup.solve(question=QUESTIONS[0])
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    log = tmp_path_factory.mktemp("vllm") / "again.log"
    port = urlsplit(setup.upstream.url).port or 0
    with vllm_process(STARTER, "starter", log, port=port):
        until(lambda: setup.probes() == [200, 200])
        assert setup.solve(question=QUESTIONS[0]).json()["answer"] == "8"
