"""Batches of the Python client against real sockets: made once and read whole on any line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from statespace.solutions import SolutionRequest
from statewise import AsyncClient, Client
from statewise.client import ConflictError, attempts
from statewise.client.batches import lines
from statewise.client.objects import Batch, File
from tests.support.cutting import bad_line
from tests.support.server import LocalServer, local_server
from tests.support.wire import Reply, faulty

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.001))) as server:
        yield server


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "backoff", lambda _: 0.001)


async def _all(found: AsyncIterator[Any]) -> list[Any]:
    return [one async for one in found]


@pytest.mark.usefixtures("_hasty")
def test_a_batch_is_answered_and_matched(server: LocalServer, tmp_path: Path) -> None:
    """Cut while it is made and while it is read; made once all the same."""
    wanted: dict[str, Any] = {f"id {number}": BACKTRACKING for number in range(8)}
    wanted["other"] = SolutionRequest(question="x", model="other")
    with Client(server.url) as client:
        file = client.batches.upload(b"\n".join(_lines(wanted)))
    told: list[int] = []
    plan = [None, 0, *range(3_000, 60_000, 4_000)]
    with bad_line(server.url, plan) as line, Client(line.url) as client:
        client._http.headers["connection"] = "close"  # the second is that which makes it
        batch = client.batches.create(file, metadata={"of": "a test"})
        ended = client.batches.wait(batch.id, lambda now: told.append(now.request_counts.completed))
        results = {one.custom_id: one for one in client.batches.results(ended)}
        assert len([one for one in client.batches.list() if one.metadata]) == 1
        with pytest.raises(ConflictError):
            client.batches.cancel(batch.id)
    assert line.cuts > 1
    assert (ended.status, told[-1]) == ("completed", 8)
    assert results.keys() == wanted.keys()
    refused = results.pop("other")
    assert "not served here" in str(refused.failure)
    assert refused.solution is None
    assert all(one.solution and one.solution.answer == "72" for one in results.values())


def _lines(wanted: dict[str, Any]) -> list[bytes]:
    return lines(wanted).splitlines()


async def test_a_batch_is_awaited(server: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(_lines({"a": BACKTRACKING, "b": {"question": "Hello"}})))
    async with AsyncClient(server.url) as client:
        batch = await client.batches.wait((await client.batches.create(path)).id)
        results = await _all(client.batches.results(batch.id))
        assert {one.custom_id: one.failure for one in results} == {"a": None, "b": None}
        assert batch.id in [one.id for one in await client.batches.list(limit=3)]


async def _created(url: str, file: File) -> Batch:
    async with AsyncClient(url) as client:
        return await client.batches.create(file)


def test_a_batch_is_none_that_was_there_before(server: LocalServer) -> None:
    """The request was lost on its way, and the same file had been answered once."""
    with Client(server.url) as client:
        file = client.batches.upload(b"\n".join(_lines({"a": "Hello"})))
        old = client.batches.create(file)
        page = {"data": [old.model_dump(mode="json")], "has_more": False}
        page |= {"first_id": old.id, "last_id": old.id, "object": "list"}
        made = Reply(200, old.model_dump(mode="json") | {"id": "batch_new"})
        with faulty(iter([Reply(0), made] * 2), Reply(200, page)) as lossy:
            with Client(lossy.url) as other:
                assert other.batches.create(file).id == "batch_new"
            assert asyncio.run(_created(lossy.url, file)).id == "batch_new"
        assert len(lossy.posted) == 4
        # What the lost answer has told of is found among both.
        with bad_line(server.url, [None, 0]) as line, Client(line.url) as cut:
            cut._http.headers["connection"] = "close"
            new = cut.batches.create(file)
        assert line.cuts == 1
        assert new.id != old.id
        mine = [one.id for one in client.batches.list() if one.input_file_id == file.id]
    assert sorted(mine) == sorted([old.id, new.id])
