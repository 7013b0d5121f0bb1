"""Several server processes on one store: any of them answers for all, and for the dead."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.server_process import ServerProcess, start
from tests.support.streams import check_order, events

QUESTION = "What is 12 * 7?"
SLOW = ("--delay-s", "0.1")
LEASE_S = 1.5


class Replicas:
    """Servers on one database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._database_url = database_url
        self._started: list[ServerProcess] = []

    def start(self, *options: str, **settings: object) -> ServerProcess:
        """One more; it is not ready yet."""
        state = self._folder / f"replica-{len(self._started)}"
        state.mkdir()
        server = start(
            state,
            "--engine",
            "scripted",
            options=options,
            database_url=self._database_url,
            lease_s=LEASE_S,
            **settings,
        )
        self._started.append(server)
        return server

    def pair(self, *options: str) -> tuple[ServerProcess, ServerProcess]:
        """Two, ready."""
        servers = self.start(*options), self.start(*options)
        for server in servers:
            server.wait_ready()
        return servers

    def stop(self) -> None:
        """End them all."""
        for server in self._started:
            if server.process.poll() is None:
                server.process.terminate()
        for server in self._started:
            server.process.wait(30)


@pytest.fixture
def replicas(tmp_path: Path, database_url: str) -> Iterator[Replicas]:
    found = Replicas(tmp_path, database_url)
    try:
        yield found
    finally:
        found.stop()


def call(server: ServerProcess, method: str, path: str, **options: Any) -> httpx2.Response:
    return httpx2.request(method, f"{server.url}/v1/solutions{path}", timeout=60, **options)


def begin(server: ServerProcess, **body: Any) -> str:
    body = {"question": QUESTION, "background": True, **body}
    response = call(server, "POST", "", json=body)
    assert response.status_code == 200, response.text
    solution_id: str = response.json()["id"]
    return solution_id


def follow(server: ServerProcess, solution_id: str) -> list[dict[str, Any]]:
    return events(call(server, "GET", f"/{solution_id}/events").text)


def begun(server: ServerProcess, solution_id: str) -> None:
    """Until a transition has been kept."""
    deadline = time.monotonic() + 20
    while not call(server, "GET", f"/{solution_id}").json()["transitions"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_any_replica_follows_lists_cancels_and_deletes(replicas: Replicas) -> None:
    one, other = replicas.pair(*SLOW)
    followed = begin(one)
    stream = follow(other, followed)
    check_order(stream)
    assert stream[-1]["type"] == "solution.completed"
    assert stream == follow(one, followed)
    cancelled = begin(one)
    begun(other, cancelled)
    ended = call(other, "POST", f"/{cancelled}/cancel").json()
    assert ended["status"] == "cancelled"
    stream = follow(one, cancelled)
    check_order(stream)
    assert stream[-1]["type"] == "solution.cancelled"
    listed = call(other, "GET", "").json()["data"]
    assert [solution["id"] for solution in listed] == [cancelled, followed]
    deleted = begin(one)
    assert call(other, "DELETE", f"/{deleted}").status_code == 200
    assert call(one, "GET", f"/{deleted}").status_code == 404


def test_what_a_killed_replica_was_making_is_ended_as_interrupted(replicas: Replicas) -> None:
    one, other = replicas.pair(*SLOW)
    solution_id = begin(one)
    begun(other, solution_id)
    one.process.kill()
    stream = follow(other, solution_id)
    check_order(stream)
    last = stream[-1]
    assert last["type"] == "solution.failed"
    assert last["solution"]["error"]["code"] == "interrupted"
    assert last["solution"]["transitions"], "what was solved is kept"
    assert call(other, "GET", f"/{solution_id}").json() == last["solution"]


def test_with_retry_it_is_made_again_and_numbers_go_on(replicas: Replicas) -> None:
    one, other = replicas.start(*SLOW), replicas.start("--delay-s", "0.005")
    one.wait_ready()
    other.wait_ready()
    solution_id = begin(one, retry=True)
    begun(other, solution_id)
    one.process.kill()
    stream = follow(other, solution_id)
    numbers = [event["sequence_number"] for event in stream if "sequence_number" in event]
    assert numbers == list(range(len(numbers)))
    types = [event["type"] for event in stream]
    assert types.count("solution.in_progress") == 2, "what came before the second is void"
    assert types[-1] == "solution.completed"
    assert stream[-1]["solution"]["answer"] == "84"


def test_a_fork_that_is_made_again_keeps_what_it_was_given(replicas: Replicas) -> None:
    one, other = replicas.start(*SLOW), replicas.start("--delay-s", "0.005")
    one.wait_ready()
    other.wait_ready()
    whole = follow(other, begin(other))[-1]["solution"]
    given = whole["transitions"][0]
    body = {"state": given["id"], "background": True, "retry": True}
    made = call(one, "POST", f"/{whole['id']}/fork", json=body).json()
    one.process.kill()
    ended = follow(other, made["id"])[-1]["solution"]
    assert (ended["status"], ended["answer"]) == ("completed", "84")
    assert ended["source"] == {"solution_id": whole["id"], "state": given["id"]}
    assert ended["transitions"][0]["output"] == given["output"]
    assert len(ended["transitions"]) == len(whole["transitions"])


def test_a_server_ends_its_own_past_after_kill_9(replicas: Replicas) -> None:
    one = replicas.start(*SLOW)
    one.wait_ready()
    solution_id = begin(one)
    begun(one, solution_id)
    one.process.kill()
    again = replicas.start()
    again.wait_ready()
    stream = follow(again, solution_id)
    check_order(stream)
    assert stream[-1]["type"] == "solution.failed"


def test_the_living_are_left_alone(replicas: Replicas) -> None:
    one = replicas.start("--delay-s", "0.4")
    other = replicas.start()
    one.wait_ready()
    other.wait_ready()
    solution_id = begin(one)
    stream = follow(other, solution_id)
    check_order(stream)
    assert stream[-1]["type"] == "solution.completed", "longer than a lease, but renewed"
    assert [event["type"] for event in stream].count("solution.in_progress") == 1
