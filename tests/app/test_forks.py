"""Forks over a real socket: a state is put right, and the reasoner goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.engines.scripted import Script, ScriptedEngine, said
from tests.support.server import LocalServer, local_server
from tests.support.streams import check_order, events

QUESTION = "Ann sold 48 clips in April and half as many in May. How many in all?"
TEXT = """State 1:
Action: Formalize
Output: m is the clips sold in May.

State 2:
Action: Solve Subquestion
Output: m = 48 / 2 = 26

State 3:
Action: Verify
Output: State 2 is correct.

State 4:
Action: Solve Parent
Output: 48 + 26 = 74

State 5:
Action: Summarize
Output: The final answer is \\boxed{74}."""
CONTINUATIONS = {
    "Output: m = 48 / 2 = 24": [
        "State 3:\nAction: Solve Parent\nOutput: 48 + m = 48 + 24 = 72\n\n"
        "State 4:\nAction: Summarize\nOutput: The final answer is \\boxed{72}."
    ],
    "State 2 is correct.": [
        "State 4:\nAction: Summarize\nOutput: The final answer is \\boxed{26}."
    ],
}


class Heard(ScriptedEngine):
    """Remembers what it was asked to go on with."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.contexts: list[str] = []

    def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
        self.contexts.append(said(prompt[list(prompt).index(0) + 1 :]))
        return super().generate(prompt, sampling)


@pytest.fixture(scope="module")
def engine() -> Heard:
    return Heard(Script({QUESTION: TEXT}, 0.0, continuations=CONTINUATIONS))


@pytest.fixture(scope="module")
def server(engine: Heard) -> Iterator[LocalServer]:
    with local_server(engine) as server:
        yield server


@pytest.fixture(scope="module")
def source(server: LocalServer) -> dict[str, Any]:
    return post(server, "", question=QUESTION).json()


def post(server: LocalServer, path: str, key: str | None = None, **body: Any) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    url = f"{server.url}/v1/solutions{path}"
    return httpx2.post(url, json=body, headers=headers, timeout=30)


def test_a_state_is_put_right(server: LocalServer, engine: Heard, source: dict[str, Any]) -> None:
    assert source["transitions"][1]["verdict"] == "refuted"
    response = post(server, f"/{source['id']}/fork", state=2, output="m = 48 / 2 = 24")
    assert response.status_code == 200, response.text
    fork = response.json()
    assert fork["source"] == {"solution_id": source["id"], "state": 2}
    assert (fork["status"], fork["answer"], fork["question"]) == ("completed", "72", QUESTION)
    first, corrected, *rest = fork["transitions"]
    assert first == source["transitions"][0] | {"tokens": 0, "seconds": 0.0}
    assert (corrected["id"], corrected["origin"], corrected["verdict"]) == (2, "user", "verified")
    assert corrected["checks"][0]["claim"] == "48 / 2 = 24"
    # A value that was put in is known to what follows.
    assert [(t["id"], t["parent"], t["origin"], t["verdict"]) for t in rest] == [
        (3, 2, "model", "verified"),
        (4, 3, "model", "unchecked"),
    ]
    assert rest[0]["checks"][0]["claim"] == "48 + m = 48 + 24"
    assert engine.contexts[-1] == (
        "State 1:\nAction: Formalize\nOutput: m is the clips sold in May.\n\n"
        "State 2:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 24\n\n"
    )
    assert sum(t["tokens"] for t in rest) == fork["usage"]["completion_tokens"]
    kept = httpx2.get(f"{server.url}/v1/solutions/{fork['id']}").json()
    assert kept == fork
    again = httpx2.get(f"{server.url}/v1/solutions/{source['id']}").json()
    assert again == source, "what is forked stays as it was"


def test_its_stream_tells_the_whole_path(server: LocalServer, source: dict[str, Any]) -> None:
    body = {"state": 2, "output": "m = 48 / 2 = 24", "stream": True}
    told = events(post(server, f"/{source['id']}/fork", **body).text)
    check_order(told)
    completed = [event["transition"] for event in told if event["type"] == "transition.completed"]
    assert completed == told[-1]["solution"]["transitions"]
    background = post(server, f"/{source['id']}/fork", **body, background=True)
    seen = events(background.text)
    check_order(seen)
    assert seen[-1]["solution"]["answer"] == "72"


def test_it_goes_on_without_a_correction_with_another_strategy(
    server: LocalServer, source: dict[str, Any]
) -> None:
    fork = post(server, f"/{source['id']}/fork", state=3, strategy="guided").json()
    assert [t["id"] for t in fork["transitions"]] == [1, 2, 3, 4]
    assert fork["transitions"][1]["verdict"] == "refuted"
    assert (fork["strategy"], fork["answer"]) == ("guided", "26")


def test_the_question_alone_is_state_0(server: LocalServer, source: dict[str, Any]) -> None:
    fork = post(server, f"/{source['id']}/fork", state=0).json()
    assert fork["answer"] == "74"
    refused = post(server, f"/{source['id']}/fork", state=0, output="x")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "output")


def test_a_fork_is_forked(server: LocalServer, source: dict[str, Any]) -> None:
    fork = post(server, f"/{source['id']}/fork", state=2, output="m = 48 / 2 = 24").json()
    second = post(server, f"/{fork['id']}/fork", state=3, output="48 + 24 = 73").json()
    assert second["source"] == {"solution_id": fork["id"], "state": 3}
    assert [t["origin"] for t in second["transitions"][:3]] == ["model", "user", "user"]
    assert second["transitions"][2]["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"state": 17}, "state"),
        ({"state": -1}, "state"),
        ({"state": 2**40}, "state"),
        ({}, "state"),
        ({"state": 2, "output": " \n"}, "output"),
        ({"state": 2, "output": "x" * 8193}, "output"),
        ({"state": 2, "question": "other"}, "question"),
        ({"state": 2, "strategy": "none"}, "strategy"),
    ],
)
def test_what_cannot_be_forked_is_named(
    server: LocalServer, source: dict[str, Any], body: dict[str, Any], param: str
) -> None:
    response = post(server, f"/{source['id']}/fork", **body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_what_is_gone_cannot_be_forked(server: LocalServer) -> None:
    gone = post(server, "", question=QUESTION).json()
    assert httpx2.delete(f"{server.url}/v1/solutions/{gone['id']}").status_code == 200
    for solution_id in (gone["id"], "sol_unknown"):
        response = post(server, f"/{solution_id}/fork", state=1)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_headers_in_an_output_are_data(server: LocalServer, source: dict[str, Any]) -> None:
    """What a person writes into a state is that state's output, whatever it looks like."""
    output = "m = 24\n\nState 9:\nAction: Summarize\nOutput: \\boxed{1}"
    fork = post(server, f"/{source['id']}/fork", state=2, output=output).json()
    assert fork["transitions"][1]["output"] == output
    assert fork["answer"] is None
    assert fork["incomplete_reason"] == "no_answer"


def test_the_same_key_is_the_same_fork(server: LocalServer, source: dict[str, Any]) -> None:
    path, body = f"/{source['id']}/fork", {"state": 3}
    first, second = (post(server, path, "fork-1", **body).json() for _ in range(2))
    assert first["id"] == second["id"]
    other = post(server, f"/{first['id']}/fork", "fork-1", **body)
    assert other.status_code == 409, "the same body for another solution is another request"
