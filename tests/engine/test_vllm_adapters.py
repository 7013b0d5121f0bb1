"""Prompted mode and LoRA adapters on one real engine, with a random instruct model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from app.engines.adapters import WEIGHTS
from app.openai.model_names import names
from statespace.actions import LABELS
from statespace.card import Card, RecipeReference
from statespace.prompts import Prompt
from tests.support.server_process import ServerProcess, start
from tests.support.tiny_models import adapter, make, talkative

pytestmark = pytest.mark.engine

QUESTION = "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"
INSTRUCTED = 500
"""Tokens of a prompt that has instructions; one without is much shorter."""
HABITS = {
    "": {"Ċ": 6.5, "<|eot_id|>": 9.0},
    "Ċ": {"Ċ": 8.0, "State": 7.0, "<|eot_id|>": 9.0},
    "State": {"Ġ1": 8.0},
    "Ġ1": {":": 7.0},
    ":": {"ĠV": 1.0, "ĠB": 5.0, "ĠP": 2.0},
}
"""What follows what: a random model would hardly come to the end of a state."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("adapters")
    model = talkative(make("llama", folder / "model"), HABITS)
    loadable = folder / "loadable"
    carded = adapter(model, loadable / "carded", seed=1)
    prompt = Prompt.from_tokenizer(AutoTokenizer.from_pretrained(model)).fingerprint()
    recipe = RecipeReference(name="test", hash=prompt)
    Card(stage="advanced", prompt=prompt, base_model="model", recipe=recipe).save(carded)
    adapter(model, loadable / "bare", seed=2)
    _bad(carded, loadable / "bad")
    server = start(
        folder,
        *("--model", str(model), "--adapter", f"carded={carded}"),
        options=["--max-num-seqs", "16"],
        adapters_dir=loadable,
    )
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


def _bad(good: Path, folder: Path) -> None:
    """An adapter for a model that is twice as wide."""
    shutil.copytree(good, folder)
    weights = load_file(folder / WEIGHTS)
    for name in weights:
        if "lora_A" in name:
            weights[name] = weights[name].repeat(1, 2)
    save_file(weights, folder / WEIGHTS)


def solve(server: ServerProcess, **body: Any) -> dict[str, Any]:
    body = {"question": QUESTION, "temperature": 1.0, "max_tokens": 160, **body}
    response = httpx2.post(f"{server.url}/v1/solutions", json=body, timeout=120)
    assert response.status_code == 200, response.text
    solution: dict[str, Any] = response.json()
    return solution


def said(solution: dict[str, Any]) -> list[str]:
    return [transition["output"] for transition in solution["transitions"]]


def test_a_prompted_model_writes_legal_transitions_only(server: ServerProcess) -> None:
    with ThreadPoolExecutor(16) as pool:
        solutions = list(pool.map(lambda seed: solve(server, seed=seed), range(48)))
    transitions = []
    for solution in solutions:
        assert solution["usage"]["prompt_tokens"] > INSTRUCTED
        states = solution["transitions"]
        # What was cut off may be a Backtrack that does not yet say where to.
        transitions += states[:-1] if solution["incomplete_reason"] == "max_tokens" else states
    assert all(transition["legal"] for transition in transitions)
    assert {transition["label"] for transition in transitions} == set(LABELS.values())
    assert all(t["target"] is not None for t in transitions if t["action"] == "backtrack")
    completed = [solution for solution in solutions if solution["status"] == "completed"]
    assert all(s["transitions"][-1]["action"] == "summarize" for s in completed)
    assert any(solution["transitions"][-1]["action"] == "summarize" for solution in solutions)


@pytest.mark.parametrize("strategy", ["guided", "vote-3", "beam-2"])
def test_every_strategy_keeps_to_the_grammar(server: ServerProcess, strategy: str) -> None:
    """Each goes on from the middle of a path; what tokens ran out in was not gone on from."""
    transitions = solve(server, strategy=strategy, seed=1, max_tokens=400)["transitions"]
    parents = {transition["parent"] for transition in transitions}
    whole = [transition for transition in transitions if transition["id"] in parents]
    assert whole
    assert all(transition["legal"] for transition in whole)
    assert {transition["label"] for transition in whole} <= set(LABELS.values())


def test_what_is_no_problem_is_not_instructed(server: ServerProcess) -> None:
    def used(text: str) -> int:
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": 8}
        completion = httpx2.post(f"{server.url}/v1/chat/completions", json=body, timeout=60).json()
        tokens: int = completion["usage"]["prompt_tokens"]
        return tokens

    assert used("Hello there, my friend!") < INSTRUCTED / 4
    assert used(QUESTION) > INSTRUCTED


def test_an_adapter_speaks_as_it_was_trained(server: ServerProcess) -> None:
    """Its card says that it needs no instructions; it is another model than its base."""
    listed = httpx2.get(f"{server.url}/v1/models").json()["data"]
    assert [model["id"] for model in listed] == [*names("model"), *names("carded")]
    asked = {"plain": True, "seed": 5, "max_tokens": 40}
    base, again = solve(server, **asked), solve(server, **asked)
    other = solve(server, model="carded", **asked)
    assert base["text"] == again["text"] != other["text"]
    assert solve(server, model="carded")["usage"]["prompt_tokens"] < INSTRUCTED / 4
    assert solve(server, model="carded", strategy="vote-2")["model"] == "carded"


def test_inference_pools_see_the_adapters(server: ServerProcess) -> None:
    """They send requests for an adapter to where it is loaded."""
    solve(server, plain=True, model="carded", max_tokens=8)
    lines = httpx2.get(f"{server.url}/metrics").text.splitlines()
    told = [line for line in lines if line.startswith("vllm:lora_requests_info{")]
    assert told
    assert all('max_lora="' in line and 'running_lora_adapters="' in line for line in told)


def test_an_adapter_is_loaded_and_removed_while_others_are_served(server: ServerProcess) -> None:
    body = {"name": "bare", "path": "bare"}
    assert httpx2.post(f"{server.url}/v1/adapters", json=body, timeout=60).status_code == 200
    prompted = solve(server, model="bare", max_tokens=8)
    assert prompted["usage"]["prompt_tokens"] > INSTRUCTED, "nobody knows what it was trained to do"
    with ThreadPoolExecutor(3) as pool:
        models = (None, "carded", "bare")
        mixed = list(pool.map(lambda m: solve(server, model=m, plain=True, seed=5), models))
    assert len({solution["text"] for solution in mixed}) == 3
    assert httpx2.delete(f"{server.url}/v1/adapters/bare", timeout=60).status_code == 200
    gone = httpx2.post(f"{server.url}/v1/solutions", json={"question": "1?", "model": "bare"})
    assert gone.status_code == 404


@pytest.mark.parametrize("path", ["bad", "missing"])
def test_a_bad_adapter_is_refused_and_the_engine_lives(server: ServerProcess, path: str) -> None:
    refused = httpx2.post(f"{server.url}/v1/adapters", json={"name": "x", "path": path}, timeout=60)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "path"
    assert httpx2.get(f"{server.url}/readyz").status_code == 200
    assert solve(server, max_tokens=8)["usage"]["completion_tokens"] > 0
