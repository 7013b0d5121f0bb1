"""What batches take: places that nobody wants, and little memory."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from openai import OpenAI

from app.batches.keeper import POLL_S, Keeper
from app.batches.results import Results
from app.engines.base import Chunk, Sampling
from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings, said
from app.keeping.replica import Lease
from app.settings import Settings
from app.store.batches import Batch, BatchStore
from app.store.blobs import Blobs
from app.store.database import Database
from app.store.files import FileStore
from app.store.lines import Line, LineStore
from tests.support.batching import begin, check_once, ended, line
from tests.support.server import local_server

QUESTIONS = load_recordings(RECORDINGS)
QUESTION = {"question": next(iter(QUESTIONS))}
PLACES = 8
FREE = 2
"""A quarter of the places."""


class Holding(ScriptedEngine):
    """Holds the question "hold" until it is let go; knows how many it had at a time."""

    def __init__(self) -> None:
        super().__init__(Script(QUESTIONS, delay_s=0.002))
        self.let_go = threading.Event()
        self.most = 0

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        while said(prompt[:-1]) == "hold" and not self.let_go.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        async for chunk in super().generate(prompt, sampling):
            self.most = max(self.most, self.unfinished())
            yield chunk


def test_batches_leave_places_free_and_give_way() -> None:
    engine = Holding()
    settings = Settings(engine="scripted", max_in_flight=PLACES)
    ids = [str(number) for number in range(60)]
    with (
        local_server(engine, settings) as server,
        OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        lines = [line(one, QUESTION) for one in ids]
        batch = ended(client, begin(client, lines).id)
        check_once(client, batch, ids)
        assert 1 < engine.most <= PLACES - FREE
        # With as many requests as leave only the reserved places, no line is begun.
        held = [
            httpx2.post(
                f"{server.url}/v1/solutions", json={"question": "hold", "background": True}
            ).json()["id"]
            for _ in range(PLACES - FREE)
        ]
        batch = begin(client, lines)
        time.sleep(2)
        waiting = client.batches.retrieve(batch.id)
        assert waiting.status == "in_progress"
        assert waiting.request_counts is not None
        assert waiting.request_counts.completed == 0
        # Some one has gone: now there is room, and a newcomer still finds a place at once.
        httpx2.post(f"{server.url}/v1/solutions/{held[0]}/cancel")
        newcomer = httpx2.post(f"{server.url}/v1/solutions", json=QUESTION, timeout=30)
        assert newcomer.json()["status"] == "completed"
        check_once(client, ended(client, batch.id), ids)
        engine.let_go.set()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the store is asked for batches and for lines."""
    found: Counter[str] = Counter()
    unfinished, claim = BatchStore.unfinished, LineStore.claim

    async def looked(self: BatchStore) -> list[Batch]:
        found["batches"] += 1
        return await unfinished(self)

    async def claimed(self: LineStore, *args: Any) -> list[Line]:
        found["lines"] += 1
        return await claim(self, *args)

    monkeypatch.setattr(BatchStore, "unfinished", looked)
    monkeypatch.setattr(LineStore, "claim", claimed)
    return found


def test_while_the_last_line_takes_its_time_the_store_is_left_alone(asked: Counter[str]) -> None:
    engine = Holding()
    with (
        local_server(engine, Settings(engine="scripted", max_in_flight=PLACES)) as server,
        OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        lines = [line("0", QUESTION), line("1", {"question": "hold"})]
        batch = begin(client, lines)
        while answered(client, batch.id) < 1:
            time.sleep(0.05)
        time.sleep(1)  # what followed the first answer is over
        asked.clear()
        began = time.monotonic()
        time.sleep(3)
        most = 1 + (time.monotonic() - began) / POLL_S
        assert 1 <= asked["batches"] <= most, "once a second"
        assert 1 <= asked["lines"] <= most, "another server may have left some"
        engine.let_go.set()
        check_once(client, ended(client, batch.id), ["0", "1"])


def test_of_a_cancelled_batch_no_line_is_begun(asked: Counter[str]) -> None:
    engine = Holding()
    with (
        local_server(engine, Settings(engine="scripted", max_in_flight=PLACES)) as server,
        OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        lines = [line("0", QUESTION), *(line(str(n), {"question": "hold"}) for n in range(1, 60))]
        batch = begin(client, lines)
        while answered(client, batch.id) < 1:
            time.sleep(0.05)
        asked.clear()
        client.batches.cancel(batch.id)
        assert ended(client, batch.id).status == "cancelled"
        assert not asked["lines"]
        assert engine.unfinished() == 0


def answered(client: OpenAI, batch_id: str) -> int:
    counts = client.batches.retrieve(batch_id).request_counts
    return counts.completed if counts else 0


def test_a_number_of_slots_can_be_set() -> None:
    engine = Holding()
    settings = Settings(engine="scripted", batch_slots=2)
    ids = [str(number) for number in range(20)]
    with (
        local_server(engine, settings) as server,
        OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        check_once(client, ended(client, begin(client, [line(i, QUESTION) for i in ids]).id), ids)
    assert engine.most == 2


@pytest.mark.slow
async def test_a_large_file_is_checked_in_little_memory(tmp_path: Path) -> None:
    """50,000 lines and 190 MB: neither is ever held as a whole."""
    settings = Settings(engine="scripted", state_dir=tmp_path)
    database = Database(settings.database)
    await database.open()
    batches, lines = BatchStore(database), LineStore(database)
    blobs = Blobs(settings.files)
    files = FileStore(database, blobs)
    body = {"question": "What is 1 + 1?" + " " * 3_600}

    async def pieces() -> AsyncGenerator[bytes, None]:
        for start in range(0, 50_000, 100):
            yield b"".join(
                line(f"id {n}", body).encode() + b"\n" for n in range(start, start + 100)
            )

    stored = await files.create(
        pieces(), owner="anna", filename="in", purpose="batch", lasts_s=3_600
    )
    assert stored.bytes > 185_000_000
    now = time.time()
    batch = Batch(
        "batch_1", "anna", "scripted", "/v1/solutions", stored.id, "24h", now, now + 86_400
    )
    await batches.insert(batch)
    keeper = Keeper(
        settings, batches, lines, blobs, Results(batches, lines, files, 3_600), Lease(60)
    )
    before = peak = _resident()
    keeper.start()
    while (found := await batches.get(batch.id, "anna")).status == "validating":
        await asyncio.sleep(0.05)
        peak = max(peak, _resident())
    await keeper.stop()
    await database.close()
    assert (found.status, found.total) == ("in_progress", 50_000)
    assert peak - before < 60_000_000


@pytest.mark.slow
def test_a_large_upload_goes_to_the_disk(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(190_000_000)
    most = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.02):
            most = max(most, _resident())

    settings = Settings(engine="scripted", state_dir=tmp_path)
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server, large.open("rb") as f:
        before = _resident()
        watcher = threading.Thread(target=watch)
        watcher.start()
        form = {"purpose": (None, "batch"), "file": ("large", f)}
        stored = httpx2.post(f"{server.url}/v1/files", files=form, timeout=120).json()
        with httpx2.stream("GET", f"{server.url}/v1/files/{stored['id']}/content") as response:
            size = sum(map(len, response.iter_raw()))
        over.set()
        watcher.join()
    assert size == stored["bytes"] == 190_000_000
    assert most - before < 60_000_000


def _resident() -> int:
    return psutil.Process().memory_info().rss
