"""Kept solutions over a real socket: background, resume, cancel, restart, owners."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.settings import Settings
from tests.support.server import LocalServer, local_server
from tests.support.streams import check_order, events

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)

PLAIN = "What is 12 * 7?"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.001))) as server:
        yield server


@pytest.fixture(scope="module")
def slow() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.03))) as server:
        yield server


def call(server: LocalServer, method: str, path: str, **options: Any) -> httpx2.Response:
    return httpx2.request(method, f"{server.url}/v1/solutions{path}", timeout=30, **options)


def begin(server: LocalServer, **body: Any) -> dict[str, Any]:
    body = {"question": BACKTRACKING, "background": True, **body}
    response = call(server, "POST", "", json=body)
    assert response.status_code == 200, response.text
    solution: dict[str, Any] = response.json()
    assert solution["status"] in ("queued", "in_progress")
    return solution


def replay(server: LocalServer, solution_id: str, after: int = -1) -> list[dict[str, Any]]:
    response = call(server, "GET", f"/{solution_id}/events", params={"starting_after": after})
    assert response.status_code == 200, response.text
    return events(response.text)


def test_a_background_solution_goes_on_and_is_read_again(server: LocalServer) -> None:
    solution = begin(server)
    first = replay(server, solution["id"])
    check_order(first)
    assert first[-1]["type"] == "solution.completed"
    kept = call(server, "GET", f"/{solution['id']}").json()
    assert kept == first[-1]["solution"]
    assert replay(server, solution["id"]) == first, "after the end the stream is the same"
    assert replay(server, solution["id"], 4) == first[5:]
    header = {"Last-Event-ID": str(first[-1]["sequence_number"])}
    ended = call(server, "GET", f"/{solution['id']}/events", headers=header)
    assert ended.status_code == 204


def test_readers_that_come_at_any_time_see_one_stream(slow: LocalServer) -> None:
    solution = begin(slow)
    found: dict[int, list[dict[str, Any]]] = {}

    def read(reader: int) -> None:
        time.sleep(reader * 0.1)
        found[reader] = replay(slow, solution["id"])

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_order(found[0])
    assert all(found[reader] == found[0] for reader in range(6))


def test_a_late_reader_gets_the_open_transitions_text_so_far(slow: LocalServer) -> None:
    solution = begin(slow, deltas=True)
    with httpx2.stream("GET", f"{slow.url}/v1/solutions/{solution['id']}/events") as response:
        lines = response.iter_lines()
        next(line for line in lines if line.startswith("event: transition.delta"))
    time.sleep(0.2)
    found = replay(slow, solution["id"])
    check_order(found)
    for event in found:
        if event["type"] == "transition.delta":
            break
    assert event["offset"] == 0, "the first delta that a late reader gets begins at the beginning"


def test_a_cancel_ends_every_readers_stream_once(slow: LocalServer) -> None:
    solution = begin(slow)
    found: list[list[dict[str, Any]]] = []
    threads = [
        threading.Thread(target=lambda: found.append(replay(slow, solution["id"])))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    ended = call(slow, "POST", f"/{solution['id']}/cancel").json()
    for thread in threads:
        thread.join()
    assert ended["status"] == "cancelled"
    assert len(found) == 3
    for one in found:
        check_order(one)
        assert one[-1]["type"] == "solution.cancelled"
    again = call(slow, "POST", f"/{solution['id']}/cancel").json()
    assert again == ended, "cancelling what has ended changes nothing"
    assert slow.host.engine.unfinished() == 0


def test_a_plain_stream_is_kept_too(server: LocalServer) -> None:
    response = call(server, "POST", "", json={"question": BACKTRACKING, "stream": True})
    found = events(response.text)
    solution_id = found[0]["solution_id"]
    assert eventually(lambda: call(server, "GET", f"/{solution_id}").status_code == 200)
    assert replay(server, solution_id) == found


def test_what_is_not_to_be_stored_is_not(server: LocalServer) -> None:
    body = {"question": BACKTRACKING, "store": False}
    solution = call(server, "POST", "", json=body).json()
    assert call(server, "GET", f"/{solution['id']}").status_code == 404


def test_deleted_is_gone_and_its_events_with_it(server: LocalServer) -> None:
    solution = begin(server)
    replay(server, solution["id"])
    deleted = call(server, "DELETE", f"/{solution['id']}")
    assert deleted.json() == {"id": solution["id"], "object": "solution", "deleted": True}
    for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", ""), ("POST", "/cancel")):
        response = call(server, method, f"/{solution['id']}{path}")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"


def test_a_running_one_can_be_deleted(slow: LocalServer) -> None:
    solution = begin(slow)
    assert call(slow, "DELETE", f"/{solution['id']}").status_code == 200
    assert call(slow, "GET", f"/{solution['id']}").status_code == 404
    assert slow.host.engine.unfinished() == 0


def test_pages_hold_everything_once_in_order() -> None:
    with local_server(ScriptedEngine(Script(QUESTIONS))) as server:
        made = [begin(server, metadata={"n": str(n)})["id"] for n in range(7)]
        for one in made:
            replay(server, one)
        for order, expected in (("desc", made[::-1]), ("asc", made)):
            seen: list[str] = []
            after: str | None = None
            more = True
            while more:
                params = {"limit": 3, "order": order} | ({"after": after} if after else {})
                page = call(server, "GET", "", params=params).json()
                seen += [solution["id"] for solution in page["data"]]
                after, more = page["last_id"], page["has_more"]
            assert seen == expected
        assert not call(server, "GET", "", params={"status": "failed"}).json()["data"]
        assert len(call(server, "GET", "", params={"status": "completed"}).json()["data"]) == 7
        assert call(server, "GET", "", params={"after": "sol_unknown"}).status_code == 404
        assert call(server, "GET", "", params={"limit": 0}).status_code == 400


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
def test_the_same_idempotency_key_gives_the_same_solution(
    server: LocalServer, background: bool, streamed: bool
) -> None:
    body = {"question": BACKTRACKING, "background": background, "stream": streamed}
    headers = {"Idempotency-Key": f"key-{background}-{streamed}"}
    answers = [call(server, "POST", "", json=body, headers=headers) for _ in range(2)]
    ids = [
        events(answer.text)[0]["solution_id"] if streamed else answer.json()["id"]
        for answer in answers
    ]
    assert ids[0] == ids[1]
    other = call(server, "POST", "", json={**body, "seed": 1}, headers=headers)
    assert other.status_code == 409
    assert other.json()["error"]["param"] == "Idempotency-Key"
    blank = call(server, "POST", "", json=body, headers={"Idempotency-Key": "x" * 300})
    assert blank.status_code == 400


@pytest.mark.parametrize("seen", ["x", "-1", "1e3", "٣", "9" * 12])
def test_a_last_event_id_that_is_none_is_refused(server: LocalServer, seen: str) -> None:
    solution = begin(server)
    header = {"Last-Event-ID": seen.encode()}
    response = call(server, "GET", f"/{solution['id']}/events", headers=header)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "Last-Event-ID"


def test_after_a_restart_everything_is_there(tmp_path: Path) -> None:
    settings = Settings(engine="scripted", state_dir=tmp_path)
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server:
        solution = begin(server)
        before = replay(server, solution["id"])
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server:
        assert replay(server, solution["id"]) == before
        assert call(server, "GET", f"/{solution['id']}").json() == before[-1]["solution"]


def test_what_outlives_its_retention_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.keeping.replica.SWEEP_S", 0.05)
    settings = Settings(engine="scripted", state_dir=tmp_path, retention_s=0.5)
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server:
        solution = begin(server)
        assert eventually(lambda: call(server, "GET", f"/{solution['id']}").status_code == 404)


def leave(server: LocalServer, body: dict[str, Any], headers: dict[str, str]) -> None:
    """Post and go away before the end."""
    with (
        suppress(httpx2.TimeoutException),
        httpx2.Client(timeout=0.5) as client,
        client.stream("POST", f"{server.url}/v1/solutions", json=body, headers=headers) as response,
    ):
        next(response.iter_raw())


def eventually(condition: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_background_solution_waits_for_a_place_and_its_queue_is_bounded() -> None:
    settings = Settings(engine="scripted", max_in_flight=1, max_queued=1)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.02)), settings) as server:
        running, waiting = begin(server), begin(server)
        refused = call(server, "POST", "", json={"question": BACKTRACKING, "background": True})
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "full"
        stream = replay(server, waiting["id"])
        check_order(stream)
        assert stream[-1]["type"] == "solution.completed"
        assert replay(server, running["id"])[-1]["type"] == "solution.completed"


def test_a_waiting_one_can_be_cancelled() -> None:
    settings = Settings(engine="scripted", max_in_flight=1)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.02)), settings) as server:
        running, waiting = begin(server), begin(server)
        assert call(server, "POST", f"/{waiting['id']}/cancel").json()["status"] == "cancelled"
        found = call(server, "GET", f"/{waiting['id']}/events").text
        assert [event["type"] for event in events(found)] == [
            "solution.created",
            "solution.cancelled",
        ]
        assert replay(server, running["id"])[-1]["type"] == "solution.completed"


def test_the_time_in_the_queue_counts() -> None:
    settings = Settings(engine="scripted", max_in_flight=1)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.03)), settings) as server:
        begin(server)
        waiting = begin(server, timeout_s=0.2)
        last = replay(server, waiting["id"])[-1]
        assert last["type"] == "solution.incomplete"
        assert last["solution"]["incomplete_reason"] == "deadline"


def test_what_was_just_made_can_be_asked_for_at_once(server: LocalServer) -> None:
    for _ in range(20):
        solution = call(server, "POST", "", json={"question": BACKTRACKING}).json()
        assert call(server, "GET", f"/{solution['id']}").json() == solution
        assert replay(server, solution["id"])[-1]["solution"] == solution
        assert call(server, "DELETE", f"/{solution['id']}").status_code == 200


def test_a_detached_run_gets_the_grace(tmp_path: Path) -> None:
    settings = Settings(engine="scripted", state_dir=tmp_path, shutdown_grace_s=20)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.01)), settings) as server:
        solution = begin(server)
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server:
        assert call(server, "GET", f"/{solution['id']}").json()["status"] == "completed"


@pytest.mark.parametrize("strategy", ["single", "guided"])
def test_what_the_grace_is_too_short_for_goes_on_after_a_restart(
    tmp_path: Path, strategy: str
) -> None:
    """A single path goes on from its last state; what steers, or has several, begins anew."""
    settings = Settings(engine="scripted", state_dir=tmp_path, shutdown_grace_s=0)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.1)), settings) as server:
        solution = begin(server, strategy=strategy, question=PLAIN)
        kept: list[Any] = []
        while not kept:
            kept = call(server, "GET", f"/{solution['id']}").json()["transitions"]
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server:
        stream = replay(server, solution["id"])
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server:
        whole = replay(server, begin(server, strategy=strategy, question=PLAIN)["id"])[-1][
            "solution"
        ]
    numbers = [event["sequence_number"] for event in stream]
    assert numbers == list(range(len(numbers)))
    (_, first), (at, second) = [
        (at, event["solution"])
        for at, event in enumerate(stream)
        if event["type"] == "solution.in_progress"
    ]
    assert not first["transitions"]
    standing = second["transitions"]
    if strategy == "single":
        assert standing[:1] == kept[:1], "nothing that was told is lost"
    told = [e["transition"] for e in stream[at:] if e["type"] == "transition.completed"]
    ended = stream[-1]["solution"]
    assert ended["transitions"] == [*standing, *told], "nor told twice"
    assert (ended["status"], ended["answer"]) == ("completed", whole["answer"])
    for one, other in zip(ended["transitions"], whole["transitions"], strict=True):
        assert (one["id"], one["output"]) == (other["id"], other["output"])
    assert ended["usage"]["completion_tokens"] == sum(t["tokens"] for t in ended["transitions"])


@pytest.mark.parametrize("streamed", [True, False])
def test_a_named_request_outlives_its_client(slow: LocalServer, streamed: bool) -> None:
    body = {"question": BACKTRACKING, "stream": streamed}
    headers = {"Idempotency-Key": f"outlives-{streamed}"}
    leave(slow, body, headers)
    again = call(slow, "POST", "", json=body, headers=headers)
    solution = events(again.text)[-1]["solution"] if streamed else again.json()
    assert solution["status"] == "completed"


def test_a_key_for_what_is_not_kept_is_refused(server: LocalServer) -> None:
    body = {"question": BACKTRACKING, "store": False}
    refused = call(server, "POST", "", json=body, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "Idempotency-Key")


def test_a_browser_that_comes_back_sends_both_and_gets_the_rest(server: LocalServer) -> None:
    solution = begin(server)
    whole = replay(server, solution["id"])
    path = f"/{solution['id']}/events?starting_after=1"
    found = call(server, "GET", path, headers={"Last-Event-ID": "4"})
    assert events(found.text) == whole[5:]


@pytest.mark.parametrize("path", ["/a%00b", "/a%00b/events", "?model=a%00", "?after=%00"])
def test_a_nul_in_an_address_is_the_clients_fault(server: LocalServer, path: str) -> None:
    assert call(server, "GET", path).status_code == 400
