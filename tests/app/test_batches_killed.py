"""Batches whose servers are killed or share a database: every line is answered exactly once."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from openai import APIConnectionError, APIStatusError, OpenAI
from openai.types import Batch

from tests.support.batching import OVER, begin, check_once, ended, line, lines_of
from tests.support.killing import THOROUGH
from tests.support.server_process import ServerProcess, start

LINES = 400
DEATHS = 40 if THOROUGH else 6
LEASE_S = 1
QUESTION = "What is 12 * 7?"


@contextmanager
def serving(
    state: Path, delay_s: float, **settings: object
) -> Iterator[tuple[ServerProcess, OpenAI]]:
    """A server in `state`; killed at the end of the block if it still runs."""
    state.mkdir(exist_ok=True)
    options = ["--delay-s", str(delay_s)]
    server = start(state, "--engine", "scripted", options=options, lease_s=LEASE_S, **settings)
    try:
        server.wait_ready()
        with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
            yield server, client
    finally:
        server.process.kill()
        server.process.wait()


def until(condition: Callable[[], bool], patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answered(client: OpenAI, batch_id: str) -> int:
    counts = client.batches.retrieve(batch_id).request_counts
    return counts.completed if counts else 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_servers_killed_at_any_moment_lose_and_repeat_nothing(tmp_path: Path) -> None:
    """A server dies over and over, at random moments of every status, until the batch is over."""
    chance = random.Random(5)
    ids = [f"id {number}" for number in range(LINES)]
    with serving(tmp_path, 0.0) as (_, client):
        batch = begin(client, [line(one, {"question": QUESTION}) for one in ids])
    statuses: set[str] = set()
    for _ in range(DEATHS):
        with serving(tmp_path, 0.002) as (_, client):
            now = time.monotonic()
            moment = now + chance.expovariate(1 / 0.8)
            while time.monotonic() < moment:
                batch = client.batches.retrieve(batch.id)
                statuses.add(batch.status)
                if batch.status in OVER:
                    break
                time.sleep(0.01)
        if batch.status in OVER:
            break
    with serving(tmp_path, 0.0) as (_, client):
        batch = ended(client, batch.id)
        assert batch.status == "completed"
        check_once(client, batch, ids)
        assert not lines_of(client, batch.error_file_id)
        files = {batch.input_file_id, batch.output_file_id}
        assert {file.id for file in client.files.list()} == files
    assert "in_progress" in statuses


def test_a_batch_goes_on_after_its_server_was_killed(tmp_path: Path) -> None:
    ids = [f"id {number}" for number in range(60)]
    with serving(tmp_path, 0.005, batch_slots=8) as (_, client):
        batch = begin(client, [line(one, {"question": QUESTION}) for one in ids])
        until(lambda: answered(client, batch.id) > 5)
        before = answered(client, batch.id)
    with serving(tmp_path, 0.005, batch_slots=8) as (_, client):
        assert answered(client, batch.id) >= before, "what was answered is not asked again"
        batch = ended(client, batch.id)
        check_once(client, batch, ids)
        assert batch.status == "completed"


def test_a_server_that_is_asked_to_stop_hands_its_lines_over(tmp_path: Path) -> None:
    ids = [f"id {number}" for number in range(20)]
    with serving(tmp_path, 0.2, batch_slots=4, shutdown_grace_s=0) as (server, client):
        batch = begin(client, [line(one, {"question": QUESTION}) for one in ids])
        until(lambda: client.batches.retrieve(batch.id).status == "in_progress")
        until(lambda: server.metric("statewise_solutions_in_flight") == 4)
        server.process.terminate()
        server.process.wait(60)
    with closing(sqlite3.connect(tmp_path / "statewise.db")) as database:
        (held,) = database.execute(
            "SELECT count(*) FROM batch_lines WHERE leased_by IS NOT NULL OR attempt > 0"
        ).fetchone()
    assert held == 0, "a stop is no failed attempt, and leaves no lease"
    with serving(tmp_path, 0.0) as (_, client):
        batch = ended(client, batch.id)
        check_once(client, batch, ids)
        assert batch.error_file_id is None


@pytest.mark.slow
def test_two_servers_share_a_batch(tmp_path: Path, database_url: str) -> None:
    """Both answer lines of it; one is killed and stays dead, and the other answers the rest."""
    shared = {
        "database_url": database_url,
        "files_url": str(tmp_path / "files"),
        "batch_slots": 8,
    }
    ids = [f"id {number}" for number in range(300)]
    with (
        serving(tmp_path / "one", 0.004, **shared) as (_, survivor),
        serving(tmp_path / "two", 0.004, **shared) as (victim, client),
    ):
        batch = begin(client, [line(one, {"question": QUESTION}) for one in ids])
        until(lambda: victim.metric('statewise_solutions_total{status="completed"') > 8)
        assert survivor.batches.retrieve(batch.id).id == batch.id
        victim.process.kill()
        victim.process.wait()
        with pytest.raises((APIConnectionError, APIStatusError)):
            client.batches.retrieve(batch.id)
        batch = ended(survivor, batch.id, 150)
        check_once(survivor, batch, ids)
        assert batch.status == "completed"
        assert not batch.error_file_id


@pytest.mark.slow
def test_a_batch_is_cancelled_through_any_server(tmp_path: Path, database_url: str) -> None:
    shared = {
        "database_url": database_url,
        "files_url": str(tmp_path / "files"),
        "batch_slots": 4,
    }
    ids = [f"id {number}" for number in range(100)]
    with (
        serving(tmp_path / "one", 0.05, **shared) as (one, first),
        serving(tmp_path / "two", 0.05, **shared) as (two, second),
    ):
        batch = begin(first, [line(one, {"question": QUESTION}) for one in ids])
        servers = (one, two)
        until(lambda: all(each.metric("statewise_solutions_in_flight") for each in servers))
        second.batches.cancel(batch.id)
        batch: Batch = ended(first, batch.id)
        check_once(first, batch, ids)
        assert batch.status == "cancelled"
        until(lambda: not any(each.metric("statewise_solutions_in_flight") for each in servers), 10)
