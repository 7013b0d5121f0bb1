"""The life of a server: starting, refusing, leaving, and engines that die, hang and come back."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from app.engines.base import Engine, Phase
from app.engines.canary import Canary
from app.engines.scripted import Script, ScriptedEngine
from app.errors import EngineDeadError, EngineStartError, UnavailableError
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.pulse import Pulse
from app.serve import bind
from app.settings import Settings
from app.web.ops_server import OpsServer
from tests.support.server_process import ServerProcess, serving
from tests.support.streams import check_order, events

QUESTION = "What is 12 * 7?"
HANG = ("--fault", "hang")


@contextmanager
def streaming(server: ServerProcess, **body: object) -> Iterator[Iterator[str]]:
    """A stream that has begun, as its pieces of text; the first one has been read."""
    body = {"question": QUESTION, "stream": True, "deltas": True, **body}
    with (
        httpx2.Client(base_url=server.url, timeout=60) as client,
        client.stream("POST", "/v1/solutions", json=body) as response,
    ):
        assert response.status_code == 200
        pieces = response.iter_text()
        first = next(pieces)
        yield itertools.chain([first], pieces)


def last(pieces: Iterator[str]) -> dict[str, Any]:
    """The last event of a stream, all of which is looked at."""
    found = events("".join(pieces))
    check_order(found)
    return found[-1]


def ask(server: ServerProcess, path: str, **body: object) -> httpx2.Response:
    return httpx2.post(f"{server.url}{path}", json=body, timeout=30)


def until(server: ServerProcess, phase: str) -> None:
    """Until `/readyz` tells of this phase."""
    for _ in range(600):
        if httpx2.get(f"{server.url}/readyz").json()["phase"] == phase:
            return
        time.sleep(0.02)
    raise AssertionError(phase)


def test_while_it_leaves_it_says_so_on_its_port(tmp_path: Path) -> None:
    """A port that is closed looks like a network fault; vLLM answers 500 and stays `healthy`."""
    with serving(tmp_path, *HANG, shutdown_grace_s=60) as server, streaming(server):
        kept = ask(server, "/v1/solutions", question=QUESTION, background=True).json()["id"]
        server.process.terminate()
        until(server, "draining")
        ready = httpx2.get(f"{server.url}/readyz")
        assert (ready.status_code, ready.headers["connection"]) == (503, "close")
        assert httpx2.get(f"{server.url}/livez").status_code == 200
        chat = [{"role": "user", "content": QUESTION}]
        for path, body in (
            ("/v1/solutions", {"question": QUESTION}),
            ("/v1/solutions", {"question": QUESTION, "stream": True}),
            ("/v1/solutions", {"question": QUESTION, "background": True}),
            ("/v1/chat/completions", {"messages": chat}),
            ("/v1/responses", {"input": QUESTION}),
        ):
            refused = ask(server, path, **body)
            assert refused.status_code == 503, path
            assert refused.json()["error"]["code"] == "draining"
            assert 0 < int(refused.headers["retry-after"]) <= 120
            assert refused.headers["connection"] == "close"
        assert ask(server, f"/v1/solutions/{kept}/cancel").json()["status"] == "cancelled"
        assert server.process.poll() is None, "somebody still reads"
    # The stream is closed before the server is killed.


def test_it_ends_when_the_last_stream_has(tmp_path: Path) -> None:
    with serving(tmp_path, "--delay-s", "0.05", shutdown_grace_s=60) as server:
        with streaming(server) as pieces:
            server.process.terminate()
            assert last(pieces)["type"] == "solution.completed"
        assert server.process.wait(20) == 0


def test_a_connection_is_kept_longer_than_clients_keep_theirs(tmp_path: Path) -> None:
    """They forget theirs after 5 to 15 s; what the server closes first can lose a request."""
    limits = httpx2.Limits(keepalive_expiry=60, max_connections=1)
    opened: list[str] = []
    told = {"trace": lambda name, _: opened.append(name) if "connect_tcp.started" in name else None}
    with serving(tmp_path) as server, httpx2.Client(base_url=server.url, limits=limits) as client:
        client.get("/livez", extensions=told)
        time.sleep(6)
        client.get("/livez", extensions=told)
    assert len(opened) == 1, "it was closed, and opened again"


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with (
        serving(tmp_path, *HANG, shutdown_grace_s=60) as server,
        streaming(server) as pieces,
    ):
        server.process.terminate()
        until(server, "draining")
        server.process.terminate()
        assert last(pieces)["solution"]["incomplete_reason"] == "shutdown"
        server.process.wait(20)


def test_a_start_is_told_phase_by_phase(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        told = httpx2.get(f"{server.url}/startupz").json()
        assert list(told["phases"]) == ["starting", "loading"]
        assert told["phase"] == "ready"
        assert told["seconds"] >= sum(told["phases"].values()) * 0.9


def test_a_dead_engine_ends_streams_and_the_process(tmp_path: Path) -> None:
    with serving(tmp_path, "--fault", "die") as server, streaming(server) as pieces:
        ended = last(pieces)
        assert ended["type"] == "solution.failed"
        assert ended["solution"]["error"]["type"] == "engine_error"
        assert server.process.wait(20) == 3, "a supervisor starts another"
        assert "engine_died" in server.log.read_text()


def test_a_hanging_engine_is_noticed(tmp_path: Path) -> None:
    """Its process lives, so nothing but its silence tells."""
    limits, hang = (
        {"canary_after_s": 0.3, "canary_limit_s": 0.3},
        ("--fault", "hang", "--after", "0"),
    )
    with serving(tmp_path, *hang, **limits) as server, streaming(server) as pieces:
        ended = last(pieces)
        assert ended["type"] == "solution.failed"
        assert "hangs" in ended["solution"]["error"]["message"]
        assert server.process.wait(20) == 3


def test_an_engine_comes_back_and_background_work_goes_on(tmp_path: Path) -> None:
    options = ("--delay-s", "0.1", "--fault", "die", "--after", "20", "--times", "1")
    with serving(tmp_path, *options, engine_restarts=1) as server, streaming(server) as pieces:
        made = [
            ask(server, "/v1/solutions", question=QUESTION, background=True, strategy=one).json()
            for one in ("single", "guided")
        ]
        assert last(pieces)["type"] == "solution.failed", "who waits is told, and can ask again"
        probes = {p: httpx2.get(f"{server.url}/{p}").status_code for p in ("livez", "startupz")}
        assert probes == {"livez": 200, "startupz": 200}
        for one in made:
            stream = httpx2.get(f"{server.url}/v1/solutions/{one['id']}/events", timeout=60).text
            found = events(stream)
            numbers = [e["sequence_number"] for e in found if "sequence_number" in e]
            assert numbers == list(range(len(numbers)))
            assert [e["type"] for e in found].count("solution.in_progress") == 2
            assert found[-1]["solution"]["answer"] == "84"
            ids = [t["id"] for t in found[-1]["solution"]["transitions"]]
            assert ids == sorted(set(ids))
        assert ask(server, "/v1/solutions", question=QUESTION).json()["answer"] == "84"


class Mortal(ScriptedEngine):
    """Dies when it is told to; starts as often as it may."""

    def __init__(self, starts: int = 99) -> None:
        super().__init__(Script({"q": "x"}))
        self.starts = starts

    async def start(self, phase: Phase) -> None:
        if not self.starts:
            raise EngineStartError("no more")
        self.starts -= 1
        await super().start(phase)

    def die(self) -> None:
        self._dead = True


async def deaths(host: Host, engine: Mortal, most: int = 10) -> int:
    """How many deaths it survives."""
    for number in range(most):
        await asyncio.wait_for(host.wait_ready(), 10)
        engine.die()
        with pytest.raises(UnavailableError if host.may_return() else EngineDeadError):
            await host.require()
        for _ in range(200):
            await asyncio.sleep(0.02)
            if host.error is not None:
                return number
            if host.phase in ("ready", "restarting") and host.restarts > number:
                break
    return most


@pytest.mark.parametrize("restarts", [0, 2])
async def test_restarts_are_counted(monkeypatch: pytest.MonkeyPatch, restarts: int) -> None:
    """An engine that dies over and over would otherwise take its host for ever."""
    monkeypatch.setattr("app.host.BACKOFF_S", (0.0, 0.0))
    monkeypatch.setattr("app.host.LOOK_S", 0.01)
    over: list[bool] = []
    engine = Mortal()
    host = Host(engine, on_failure=lambda: over.append(True), restarts=restarts)
    host.start()
    assert await deaths(host, engine) == restarts
    assert over == [True]
    assert not await host.alive()
    await host.stop()


async def test_a_restart_that_fails_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.host.BACKOFF_S", (0.0, 0.0))
    monkeypatch.setattr("app.host.LOOK_S", 0.01)
    engine = Mortal(starts=1)
    host = Host(engine, restarts=3)
    host.start()
    await host.wait_ready()
    engine.die()
    for _ in range(1000):
        if host.error is not None:
            break
        await asyncio.sleep(0.01)
    assert host.restarts == 3
    await host.stop()


class Talker(ScriptedEngine):
    """Counts what it is asked, and is as silent as a test wants."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__(Script({"q": "x"}, delay_s=0, fault="hang" if silent else None, after=0))
        self.asked = 0
        self.busy = 1
        self.last = 0.0

    def unfinished(self) -> int:
        return self.busy

    def heard(self) -> float:
        return max(self.last, self._heard)

    def generate(self, *args: Any) -> Any:
        self.asked += 1
        return super().generate(*args)


async def checks(engine: Engine, seconds: float, after_s: float = 0.05) -> None:
    canary = Canary(engine, after_s, 0.05)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await canary.check()
        await asyncio.sleep(0.01)


async def test_only_silence_with_work_in_hand_is_looked_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.engines.canary.LAST_S", 0.0)
    idle = Talker(silent=True)
    idle.busy = 0
    await checks(idle, 0.2)
    assert idle.asked == 0, "it has nothing to say"
    lively = Talker(silent=True)
    lively.last = time.monotonic() + 60
    await checks(lively, 0.2)
    assert lively.asked == 0, "its own traffic shows that it lives"
    quiet = Talker(silent=False)
    await checks(quiet, 0.2)
    assert quiet.asked >= 1, "it is asked, and answers"
    with pytest.raises(EngineDeadError, match="hangs"):
        await checks(Talker(silent=True), 5)


def test_a_busy_loop_is_alive_and_one_that_stands_still_is_not(tmp_path: Path) -> None:
    """The main port's probe waits behind the loop; that of the port for probes does not."""
    settings = Settings(engine="scripted", state_dir=tmp_path, loop_stall_s=1.0)
    host = Host(ScriptedEngine(Script({"q": "x"})))
    app = create_app(settings, host, Metrics(CollectorRegistry()))
    listener = bind("127.0.0.1", 0)
    ops = OpsServer(app, listener)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    blocked, free = threading.Event(), threading.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            await host.wait_ready()
            blocked.set()
            free.wait(30)

    loop = threading.Thread(target=lambda: asyncio.run(live()))
    loop.start()
    ops.start()
    try:
        assert blocked.wait(20)
        first = httpx2.get(f"{url}/livez", timeout=5)
        assert first.status_code == 200, "it is busy, no more"
        for _ in range(400):
            told = httpx2.get(f"{url}/livez", timeout=5)
            if told.status_code == 503:
                break
            time.sleep(0.02)
        assert told.status_code == 503
        assert told.json()["loop_lag_s"] >= 1.0
        assert httpx2.get(f"{url}/metrics", timeout=5).status_code == 200
    finally:
        free.set()
        loop.join()
        ops.stop()


async def test_the_pulse_tells_how_late_the_loop_is() -> None:
    pulse = Pulse()
    assert pulse.lag() == 0, "a server that has not begun is not late"
    pulse.start()
    await asyncio.sleep(0.01)
    assert pulse.lag() == 0
    time.sleep(0.6)  # noqa: ASYNC251 - the loop is to stand still
    assert pulse.lag() > 0.2
    await pulse.stop()
    assert pulse.lag() == 0
