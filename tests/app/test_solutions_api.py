"""POST /v1/solutions over a real socket, with the scripted engine."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.settings import Settings
from tests.support.server import LocalServer, local_server
from tests.support.streams import check_order, events

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
CHAT = next(question for question, text in QUESTIONS.items() if "State" not in text)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.001))) as server:
        yield server


def post(server: LocalServer, **body: Any) -> httpx2.Response:
    return httpx2.post(f"{server.url}/v1/solutions", json=body, timeout=30)


def stream(server: LocalServer, **body: Any) -> list[dict[str, Any]]:
    response = post(server, stream=True, **body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    found = events(response.text)
    check_order(found)
    return found


def in_flight(server: LocalServer) -> float:
    value = server.metrics.registry.get_sample_value("statewise_solutions_in_flight")
    assert value is not None
    return value


def until_idle(server: LocalServer) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if in_flight(server) == 0 and server.host.engine.unfinished() == 0:
            return
        time.sleep(0.01)
    pytest.fail("the run goes on although its client has gone")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("deltas", [False, True])
def test_streams_every_recording_in_order(server: LocalServer, question: str, deltas: bool) -> None:
    found = stream(server, question=question, deltas=deltas)
    assert found[-1]["type"] == "solution.completed"
    assert any(event["type"] == "transition.delta" for event in found) == (
        deltas and question != CHAT
    )


def test_plain_and_streamed_solutions_agree(server: LocalServer) -> None:
    plain = post(server, question=BACKTRACKING).json()
    streamed = stream(server, question=BACKTRACKING)[-1]["solution"]
    for solution in (plain, streamed):
        for volatile in ("id", "created_at", "completed_at"):
            solution.pop(volatile)
        for transition in solution["transitions"]:
            transition.pop("seconds")
    assert plain == streamed


def test_a_backtrack_makes_a_tree(server: LocalServer) -> None:
    solution = post(server, question=BACKTRACKING).json()
    by_number = {t["number"]: t for t in solution["transitions"]}
    assert by_number[2]["verdict"] == "refuted"
    assert by_number[4]["action"] == "backtrack"
    assert by_number[4]["target"] == by_number[1]["id"]
    assert by_number[5]["parent"] == by_number[1]["id"]
    assert by_number[2]["id"] not in solution["paths"][0]["states"]
    assert solution["answer"] == "72"
    assert solution["verification"]["refuted"] == 1


def test_plain_text_completes_with_text(server: LocalServer) -> None:
    found = stream(server, question=CHAT)
    assert [event["type"] for event in found[2:]] == ["text.completed", "solution.completed"]
    assert found[-1]["solution"]["transitions"] == []
    assert found[-1]["solution"]["text"] == QUESTIONS[CHAT]


def test_tokens_of_transitions_sum_to_usage(server: LocalServer) -> None:
    solution = post(server, question=BACKTRACKING).json()
    usage = solution["usage"]
    assert sum(t["tokens"] for t in solution["transitions"]) == usage["completion_tokens"] > 0
    assert usage["discarded_tokens"] == 0


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_tokens": 20}, "max_tokens"),
        ({"max_transitions": 2}, "max_transitions"),
        ({"timeout_s": 0.05}, "deadline"),
    ],
)
def test_limits_end_a_solution_as_incomplete(
    server: LocalServer, limits: dict[str, Any], reason: str
) -> None:
    found = stream(server, question=BACKTRACKING, **limits)
    solution = found[-1]["solution"]
    assert found[-1]["type"] == "solution.incomplete"
    assert solution["incomplete_reason"] == reason
    assert solution["answer"] is None
    assert len(solution["transitions"]) <= limits.get("max_transitions", 99)
    started = {event["id"] for event in found if event["type"] == "transition.started"}
    assert {state for path in solution["paths"] for state in path["states"]} <= started | {0}
    held = sum(t["tokens"] for t in solution["transitions"])
    usage = solution["usage"]
    assert held + usage["discarded_tokens"] == usage["completion_tokens"]
    until_idle(server)


BAD = [
    ({"question": ""}, "question"),
    ({"question": "  \n"}, "question"),
    ({"question": "x" * 1_000_000}, "question"),
    ({"question": 7}, "question"),
    ({"question": None}, "question"),
    ({}, "question"),
    ({"question": "x", "temperature": "0.5"}, "temperature"),
    ({"question": "x", "temperature": -1}, "temperature"),
    ({"question": "x", "top_p": 0}, "top_p"),
    ({"question": "x", "max_tokens": 0}, "max_tokens"),
    ({"question": "x", "max_tokens": 1.5}, "max_tokens"),
    ({"question": "x", "max_tokens": True}, "max_tokens"),
    ({"question": "x", "seed": -1}, "seed"),
    ({"question": "x", "stream": "yes"}, "stream"),
    ({"question": "x", "timeout_s": 0}, "timeout_s"),
    ({"question": "x", "metadata": {"a": 1}}, "metadata.a"),
    ({"question": "x", "metadata": {str(i): "" for i in range(17)}}, "metadata"),
    ({"question": "x", "temprature": 0}, "temprature"),
    ({"question": "x", "strategy": "magic"}, "strategy"),
    ({"question": "x", "background": True, "store": False}, "store"),
    ({"question": "x", "retry": True}, "retry"),
]


@pytest.mark.parametrize(("body", "param"), BAD)
def test_bad_input_names_its_field(server: LocalServer, body: dict[str, Any], param: str) -> None:
    response = post(server, **body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert param in error["message"]
    assert len(error["message"]) < 500
    assert response.json()["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (b'{"question": "x", "temperature": NaN}', "temperature"),
        (b'{"question": "x", "temperature": Infinity}', "temperature"),
        (rb'{"question": "\ud800"}', None),
        (b'{"question": ', None),
        (b"[]", None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_bad_json_is_the_clients_fault(
    server: LocalServer, content: bytes, param: str | None
) -> None:
    headers = {"content-type": "application/json"}
    response = httpx2.post(f"{server.url}/v1/solutions", content=content, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_an_unknown_model_is_not_found(server: LocalServer) -> None:
    response = post(server, question="x", model="gpt-17")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
    assert "'scripted'" in response.json()["error"]["message"]


def test_unknown_routes_and_methods_answer_in_the_same_shape(server: LocalServer) -> None:
    assert httpx2.get(f"{server.url}/v2/nothing").json()["error"]["type"]
    response = httpx2.put(f"{server.url}/v1/solutions")
    assert response.status_code == 405
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_body_over_the_limit_is_not_read(server: LocalServer) -> None:
    response = post(server, question="x" * 3_000_000)
    assert response.status_code == 413
    assert "2000000 bytes" in response.json()["error"]["message"]


def test_a_chunked_body_over_the_limit_is_not_read(server: LocalServer) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * 100_000

    headers = {"content-type": "application/json"}
    response = httpx2.post(f"{server.url}/v1/solutions", content=pieces(), headers=headers)
    assert response.status_code == 413


def test_a_body_that_stops_coming_is_given_up(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight uploads that nobody goes on with would keep all others out."""
    monkeypatch.setattr("app.web.middleware.SILENCE_S", 0.3)
    host, port = server.url.removeprefix("http://").split(":")
    head = b"POST /v1/solutions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head + b'Content-Length: 100\r\n\r\n{"question": ')
        told = connection.recv(65_536)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert post(server, question="What is 12 * 7?").status_code == 200


SLOW = Script(QUESTIONS, delay_s=0.2)


def send_and_leave(url: str, body: dict[str, Any], *, read: bool) -> None:
    """Post on a bare socket and close it, after the first bytes of the answer or before any."""
    host, port = url.removeprefix("http://").split(":")
    content = json.dumps(body).encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v1/solutions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(content), content)
        )
        if read:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        else:
            time.sleep(0.3)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_goes_away_ends_its_run(streamed: bool) -> None:
    """Without this an abandoned request holds a slot of the engine to its end."""
    with local_server(ScriptedEngine(SLOW)) as server:
        body = {"question": BACKTRACKING, "stream": streamed}
        send_and_leave(server.url, body, read=streamed)
        until_idle(server)
        count = server.metrics.registry.get_sample_value(
            "statewise_solutions_total", {"status": "cancelled", "strategy": "single"}
        )
        assert count == 1


def test_a_full_server_refuses_with_retry_after() -> None:
    settings = Settings(engine="scripted", max_in_flight=1, max_queued=0)
    with (
        local_server(ScriptedEngine(SLOW), settings) as server,
        httpx2.stream(
            "POST",
            f"{server.url}/v1/solutions",
            json={"question": BACKTRACKING, "stream": True},
        ) as first,
    ):
        pieces = first.iter_raw()  # closing it would close the connection
        next(pieces)
        refused = post(server, question="x")
        assert refused.status_code == 503
        assert 0 < int(refused.headers["retry-after"]) <= 120
        assert refused.json()["error"]["code"] == "full"


def test_heartbeats_fill_a_silence() -> None:
    settings = Settings(engine="scripted", heartbeat_s=0.05)
    with local_server(ScriptedEngine(SLOW), settings) as server:
        response = post(server, question="What is 12 * 7?", stream=True, timeout_s=0.5)
        assert response.text.count(": ping\n") >= 3
        assert ": ping\n\n" not in response.text
        check_order(events(response.text))


@pytest.mark.parametrize(("fault", "type_"), [("die", "engine_error"), ("error", "engine_error")])
def test_an_engine_fault_ends_the_stream_as_failed(fault: Any, type_: str) -> None:
    script = Script(QUESTIONS, delay_s=0, fault=fault, after=40)
    with local_server(ScriptedEngine(script)) as server:
        found = stream(server, question=BACKTRACKING)
        assert found[-1]["type"] == "solution.failed"
        assert found[-1]["solution"]["error"]["type"] == type_
        assert found[-1]["solution"]["transitions"], "what was solved before the fault is kept"
        until_idle(server)
        alive = httpx2.get(f"{server.url}/livez").status_code
        assert alive == (503 if fault == "die" else 200)


def test_a_hanging_engine_is_ended_by_the_deadline() -> None:
    script = Script(QUESTIONS, delay_s=0, fault="hang", after=40)
    with local_server(ScriptedEngine(script)) as server:
        found = stream(server, question=BACKTRACKING, timeout_s=0.3)
        assert found[-1]["solution"]["incomplete_reason"] == "deadline"
        until_idle(server)


def test_a_model_that_stops_early_has_no_answer() -> None:
    script = Script(QUESTIONS, delay_s=0, fault="stop", after=40)
    with local_server(ScriptedEngine(script)) as server:
        found = stream(server, question=BACKTRACKING)
        assert found[-1]["solution"]["incomplete_reason"] == "no_answer"
