"""What was taken in goes on: engines that die twice, full servers, a store that is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from app.batches.dispatcher import _Answers
from app.engines.base import Chunk, Sampling
from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.errors import EngineAwayError, StoreError
from app.host import Host
from app.keeping.library import Library
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from app.solving.intake import Intake
from app.solving.order import Order, Running
from app.solving.service import Service
from app.store.lines import Answered
from statespace.solutions import SolutionRequest
from tests.support.server import LocalServer, local_server
from tests.support.streams import check_order, events

QUESTIONS = load_recordings(RECORDINGS)
QUESTION = "What is 12 * 7?"


class Dying(ScriptedEngine):
    """Dies when it is told to, and comes back; knows which generations met a dead one."""

    def __init__(self) -> None:
        super().__init__(Script(QUESTIONS, delay_s=0.02))
        self.in_vain = 0

    def die(self) -> None:
        self._dead = True

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        self.in_vain += self._dead
        async for chunk in super().generate(prompt, sampling):
            yield chunk


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.host.BACKOFF_S", (0.1, 0.1))


@asynccontextmanager
async def serving(engine: ScriptedEngine, settings: Settings) -> AsyncIterator[Service]:
    """The application without a socket, on the test's own loop."""
    host = Host(engine)
    app = create_app(settings, host, Metrics(CollectorRegistry()))
    async with app.router.lifespan_context(app):
        await host.wait_ready()
        service: Service = app.state.service
        yield service


def begin(server: LocalServer, **body: Any) -> str:
    asked = {"question": QUESTION, "background": True, **body}
    made = httpx2.post(f"{server.url}/v1/solutions", json=asked, timeout=30)
    assert made.status_code in (200, 202), made.text
    return str(made.json()["id"])


def ended(server: LocalServer, solution_id: str) -> dict[str, Any]:
    """The end event, once it is there."""
    url = f"{server.url}/v1/solutions/{solution_id}/events"
    found = events(httpx2.get(url, timeout=30).text)
    check_order(found)
    return found[-1]


def eventually(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("_at_once")
def test_a_second_death_strands_nobody_who_waits_for_a_place() -> None:
    """Who waits has met no death: only what was being written is begun anew."""
    engine = Dying()
    settings = Settings(engine="scripted", max_in_flight=1)
    with local_server(engine, settings, restarts=5) as server:
        made = [begin(server) for _ in range(3)]
        for _ in range(2):
            eventually(lambda: server.host.ready and engine.unfinished())
            restarts = server.host.restarts
            engine.die()
            eventually(lambda: server.host.restarts > restarts)  # noqa: B023
        for one in made:
            assert ended(server, one)["type"] == "solution.completed"
        assert engine.in_vain <= 2
        for one in made:
            url = f"{server.url}/v1/solutions/{one}"
            assert httpx2.delete(url, timeout=30).status_code == 200


def test_accepted_work_is_not_refused_where_it_goes_on(tmp_path: Path) -> None:
    """The next server has fewer places and a short queue, and takes all of it."""
    settings = Settings(engine="scripted", state_dir=tmp_path, shutdown_grace_s=0, max_in_flight=2)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.1)), settings) as server:
        made = [begin(server) for _ in range(5)]
    settings = Settings(engine="scripted", state_dir=tmp_path, max_in_flight=1, max_queued=1)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.002)), settings) as server:
        for one in made:
            assert ended(server, one)["type"] == "solution.completed"


def test_what_is_refused_leaves_nothing_behind() -> None:
    settings = Settings(engine="scripted", max_in_flight=1, max_queued=1)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.1)), settings) as server:
        made = [begin(server) for _ in range(2)]
        asked = {"question": QUESTION, "background": True}
        for _ in range(5):
            refused = httpx2.post(f"{server.url}/v1/solutions", json=asked)
            assert refused.json()["error"]["code"] == "full"
        assert set(server.service.library._journals) == set(made)


def test_a_store_that_fails_while_work_is_adopted_leaves_no_reader_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(engine="scripted", state_dir=tmp_path, shutdown_grace_s=0, lease_s=1)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.1)), settings) as server:
        made = begin(server, retry=True)
    read, failed = Library.solution, []

    async def solution(self: Library, kept: Any) -> Any:
        if not failed:
            failed.append(dict(self._journals))
            raise StoreError("away")
        return await read(self, kept)

    monkeypatch.setattr(Library, "solution", solution)
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as server:
        eventually(lambda: failed)
        assert not failed[0], "a reader would wait for what this run will never say"
        assert ended(server, made)["type"] == "solution.completed"


async def test_a_drain_waits_for_what_is_being_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, go = asyncio.Event(), asyncio.Event()
    make = Intake.problem

    async def problem(self: Intake, *args: Any) -> Any:
        taken.set()
        await go.wait()
        return await make(self, *args)

    monkeypatch.setattr(Intake, "problem", problem)
    settings = Settings(engine="scripted", state_dir=tmp_path)
    async with serving(ScriptedEngine(Script(QUESTIONS)), settings) as service:
        request = SolutionRequest(question=QUESTION, store=False)
        beginning = asyncio.create_task(service.begin(Order(request)))
        await taken.wait()
        drained = asyncio.create_task(service.drain(20))
        await asyncio.sleep(0.1)
        assert not drained.done()
        go.set()
        running = await beginning
        assert isinstance(running, Running)
        assert (await running.solution()).status == "completed"
        await drained


async def test_a_server_whose_engine_is_dead_does_not_take_its_own_work_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go: list[bool] = []
    give = Library.hand_over

    async def hand_over(self: Library, ids: Sequence[str], *, died: bool = False) -> None:
        if died:
            let_go.append(service.draining)
        await give(self, ids, died=died)

    monkeypatch.setattr(Library, "hand_over", hand_over)
    engine = Dying()
    async with serving(engine, Settings(engine="scripted", state_dir=tmp_path)) as service:
        request = SolutionRequest(question=QUESTION, background=True, retry=True)
        running = await service.begin(Order(request))
        assert isinstance(running, Running)
        while not engine.unfinished():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        engine.die()
        await asyncio.wait({running.task}, timeout=10)
    assert let_go == [True]


async def test_an_engine_that_is_away_is_waited_for() -> None:
    class Away(ScriptedEngine):
        checks = 0

        async def check(self) -> None:
            self.checks += 1
            if self.checks < 3:
                raise EngineAwayError("away")

    host = Host(Away(Script(QUESTIONS)))
    host.start()
    assert await asyncio.wait_for(host.returned(), 10) is host.engine
    await host.stop()


async def test_answers_that_were_being_written_do_not_hold_up_the_end() -> None:
    class Lines:
        def __init__(self) -> None:
            self.entered = asyncio.Event()
            self.kept: list[int] = []

        async def answer(self, answers: Sequence[Answered], _: str) -> None:
            if not self.entered.is_set():
                self.entered.set()
                await asyncio.sleep(60)
            self.kept += [answer.line for answer in answers]

    lines = Lines()
    answers = _Answers(lines, "me", Metrics(CollectorRegistry()))  # type: ignore[arg-type]
    answers.start()
    keeping = asyncio.create_task(answers.keep(Answered("batch_1", 7, "completed", b"", None)))
    await lines.entered.wait()
    await asyncio.wait_for(answers.stop(), 5)
    assert lines.kept == [7]
    await keeping
