"""What breaks around a server: its database, its disk, its clients. docs/reliability.md has the
figures; `STATEWISE_FIGURES=FILE pytest tests/app/test_faults.py` takes them anew."""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from openai import OpenAI

from tests.app.test_crowds import connect, request, unchunked
from tests.conftest import skip
from tests.support.batching import begin, check_once, ended, line
from tests.support.killing import THOROUGH
from tests.support.measured import note
from tests.support.postgres import binaries, postgres
from tests.support.server_process import ServerProcess, serving
from tests.support.streams import check_order, events

QUESTION = "What is 12 * 7?"
AWAY_S = 10.0 if THOROUGH else 3.0
CROWD = 1_000
PLACES = 64
KIB = 1024


def post(server: ServerProcess, **body: object) -> httpx2.Response:
    return httpx2.post(
        f"{server.url}/v1/solutions", json={"question": QUESTION, **body}, timeout=60
    )


def follow(server: ServerProcess, solution_id: str) -> list[dict[str, Any]]:
    url = f"{server.url}/v1/solutions/{solution_id}/events"
    return events(httpx2.get(url, timeout=120).text)


def until(condition: Callable[[], bool], patience_s: float = 60.0) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < patience_s
        time.sleep(0.02)
    return time.monotonic() - began


class Thread(threading.Thread):
    """Runs a function; `result` is what it returned."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__()
        self._function = function
        self._result: Any = None
        self.start()

    def run(self) -> None:
        self._result = self._function()

    def result(self) -> Any:
        self.join()
        return self._result


@pytest.mark.slow
def test_postgresql_goes_and_comes_back(tmp_path: Path) -> None:
    """Streams, background solutions and a batch run on; nothing is lost, nothing comes twice."""
    if (programs := binaries()) is None:
        skip("PostgreSQL is not installed; `apt-get install postgresql` or the like")
        raise AssertionError
    with postgres(programs) as database:
        settings = {"database_url": database.fresh(), "files_url": str(tmp_path / "files")}
        with (
            serving(tmp_path / "state", "--delay-s", "0.05", batch_slots=8, **settings) as server,
            OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
        ):
            ids = [f"id {number}" for number in range(60)]
            batch = begin(client, [line(one, {"question": QUESTION}) for one in ids])
            until(lambda: server.metric("statewise_solutions_in_flight") >= 8)
            kept = [post(server, background=True).json()["id"] for _ in range(8)]
            followed = [Thread(lambda one=one: follow(server, one)) for one in kept]
            streams = [Thread(lambda: post(server, stream=True).text) for _ in range(8)]
            time.sleep(0.3)
            database.stop()
            gone = time.monotonic()
            for stream in streams:
                check_order(events(stream.result()))
            waited = time.monotonic() - gone
            refused = post(server, background=True)
            assert refused.status_code == 503
            assert "retry-after" in refused.headers
            assert post(server, store=False).json()["answer"] == "84", "what needs no store goes on"
            assert httpx2.get(f"{server.url}/livez").status_code == 200
            time.sleep(max(gone + AWAY_S - time.monotonic(), 0))
            lag = server.metric("statewise_store_lag_seconds")
            assert lag > 0, "the operator sees it"
            assert server.metric('statewise_store_errors_total{kind="unavailable"}') > 0
            database.start()
            back = time.monotonic()
            for one, thread in zip(kept, followed, strict=True):
                stream = thread.result()
                check_order(stream)
                assert stream[-1]["solution"]["answer"] == "84"
                assert follow(server, one) == stream, "what was told is what is kept"
            caught_up = time.monotonic() - back
            until(lambda: server.metric("statewise_store_waiting") == 0)
            plain = httpx2.get(f"{server.url}/v1/solutions", params={"limit": 100}).json()["data"]
            assert [one["status"] for one in plain] == ["completed"] * 16
            check_once(client, ended(client, batch.id), ids)
            note("postgresql", away_s=round(back - gone, 1), streams_ended_s=round(waited, 2),
                 caught_up_s=round(caught_up, 2), lag_s=round(lag, 1))  # fmt: skip


@contextmanager
def no_room(server: ServerProcess, most: int = 64 * KIB) -> Iterator[None]:
    """No file of the server may grow beyond `most` bytes, which is a full disk to it."""
    process = psutil.Process(server.process.pid)
    soft, hard = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with serving(tmp_path, "--delay-s", "0.01") as server:
        before = post(server, background=True).json()["id"]
        follow(server, before)
        content = b'{"custom_id": "x"}\n' * 4 * KIB
        form = {"purpose": "batch"}
        files = f"{server.url}/v1/files"
        running = post(server, background=True).json()["id"]
        with no_room(server):
            began = time.monotonic()
            streamed = events(post(server, stream=True).text)
            check_order(streamed)
            assert streamed[-1]["solution"]["answer"] == "84", "a stream needs no room"
            refused = post(server, background=True)
            told = {"refused_s": round(time.monotonic() - began, 2)}
            for answer in (refused, httpx2.post(files, data=form, files={"file": content})):
                assert answer.status_code == 507, answer.text
                assert answer.json()["error"]["code"] == "store_full"
                assert 0 < int(answer.headers["retry-after"]) <= 120
            large = httpx2.post(files, data=form, files={"file": content * 30}, timeout=30)
            assert large.status_code == 507, "nor is there room for the upload's temporary file"
            assert httpx2.get(f"{server.url}/livez").status_code == 200
            assert httpx2.get(f"{server.url}/readyz").status_code == 200
            assert httpx2.get(f"{server.url}/v1/solutions/{before}").json()["answer"] == "84"
            until(lambda: server.metric("statewise_store_waiting") > 0)
        back = time.monotonic()
        until(lambda: server.metric("statewise_store_waiting") == 0)
        told["caught_up_s"] = round(time.monotonic() - back, 2)
        stream = follow(server, running)
        check_order(stream)
        assert stream[-1]["solution"]["answer"] == "84"
        for one in (streamed[0]["solution_id"], post(server, background=True).json()["id"]):
            assert follow(server, one)[-1]["solution"]["answer"] == "84"
        assert httpx2.post(files, data=form, files={"file": content}).status_code == 200
        left = {path.stem for path in (tmp_path / "files").iterdir()}
        listed = {one["id"] for one in httpx2.get(files).json()["data"]}
        assert left == listed, "what could not be written to its end is not left behind"
        note("disk full", **told)


async def ask(server: ServerProcess, **body: object) -> tuple[int, bytes, float]:
    """Status, head and body, and seconds of one request on a connection of its own."""
    began = time.monotonic()
    reader, writer = await connect(server)
    writer.write(request(**body))
    raw = await reader.read()
    writer.close()
    return int(raw[9:12]), raw, time.monotonic() - began


async def probed(server: ServerProcess, ends: asyncio.Event) -> list[float]:
    """Seconds that `/livez` took, over and over."""
    took = []
    async with httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
        while not ends.is_set():
            began = time.monotonic()
            assert (await client.get("/livez")).status_code == 200
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
    return took


def memory(server: ServerProcess) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


def room_for_connections() -> None:
    """Both ends of a crowd are processes of this machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < CROWD + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * CROWD), hard))


async def test_a_thousand_at_a_queue_of_64(tmp_path: Path) -> None:
    """As many as there are places and turns are served; all others are told when to come back."""
    room_for_connections()
    limits = {"max_in_flight": PLACES, "max_queued": PLACES}
    with serving(tmp_path, "--delay-s", "0.02", **limits) as server:
        await ask(server)
        before, ends = memory(server), asyncio.Event()
        probes = asyncio.create_task(probed(server, ends))
        found = await asyncio.gather(*(ask(server) for _ in range(CROWD)))
        ends.set()
        served = [one for one in found if one[0] == 200]
        refused = [one for one in found if one[0] == 503]
        assert len(served) + len(refused) == CROWD, "nobody is cut off"
        assert len(served) >= 2 * PLACES
        for _, raw, _ in served:
            stream = events(unchunked(raw.partition(b"\r\n\r\n")[2]).decode())
            check_order(stream)
            assert stream[-1]["solution"]["answer"] == "84"
        for _, raw, _ in refused:
            head, _, body = raw.partition(b"\r\n\r\n")
            fields = dict(one.split(b": ", 1) for one in head.lower().split(b"\r\n")[1:])
            assert 0 < int(fields[b"retry-after"]) <= 120
            assert json.loads(body)["error"]["code"] == "full"
        assert server.metric('statewise_refused_total{code="full"}') == len(refused)
        assert server.metric("statewise_solutions_in_flight") == 0
        took = sorted(one[2] for one in refused)
        note("a thousand connections", served=len(served), refused=len(refused),
             refused_p50_s=round(statistics.median(took), 2), refused_max_s=round(took[-1], 2),
             livez_max_s=round(max(await probes), 2),
             memory_mib=round((memory(server) - before) / KIB**2, 1))  # fmt: skip


async def test_who_reads_a_byte_a_second_holds_up_nobody(tmp_path: Path) -> None:
    """What they have not read is held for them, which is bounded by what a solution can say."""
    slow = 200
    with serving(tmp_path, "--delay-s", "0.01", max_queued=slow) as server:
        await asyncio.gather(*(ask(server, deltas=True) for _ in range(slow)))
        before = memory(server)
        readers = [await connect(server) for _ in range(slow)]
        for _, writer in readers:
            writer.write(request(deltas=True))
        got = [0] * slow

        async def read(number: int) -> None:
            reader = readers[number][0]
            while await reader.readexactly(1):
                got[number] += 1
                await asyncio.sleep(1)

        reading = [asyncio.create_task(read(number)) for number in range(slow)]
        alone = await asyncio.gather(*(ask(server) for _ in range(20)))
        assert [status for status, _, _ in alone] == [200] * 20
        assert max(got) < 1_000, "the slow ones are nowhere near their ends"
        until(lambda: server.metric("statewise_solutions_in_flight") == 0)
        each = max(memory(server) - before, 0) / slow
        assert each < 256 * KIB
        for task, (_, writer) in zip(reading, readers, strict=True):
            task.cancel()
            writer.transport.abort()
        note("a byte a second", clients=slow, kib_each=round(each / KIB, 1),
             neighbours_max_s=round(max(one[2] for one in alone), 2))  # fmt: skip
