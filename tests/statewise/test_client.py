"""The Python client against real sockets: what it returns, and what a bad line costs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.settings import Settings
from statespace.events import Event, SolutionCompleted, TransitionCompleted, TransitionStarted
from statespace.options import VoteOptions
from statespace.solutions import Solution, SolutionRequest, Status
from statewise import AsyncClient, Client
from statewise.client import (
    BadRequestError,
    ConflictError,
    LostError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    UnavailableError,
    UnreachableError,
    attempts,
    sync,
)
from tests.support.cutting import bad_line
from tests.support.server import LocalServer, local_server
from tests.support.streams import check_order
from tests.support.wire import Reply, faulty

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
SSE = {"content-type": "text/event-stream"}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.001))) as server:
        yield server


@pytest.fixture(scope="module")
def slow() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.05))) as server:
        yield server


@pytest.fixture
def client(server: LocalServer) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "backoff", lambda _: 0.001)


def plain(events: list[Event]) -> list[dict[str, Any]]:
    return [event.model_dump(mode="json") for event in events]


async def awaited(url: str, **options: Any) -> list[Event]:
    async with AsyncClient(url) as client, client.stream(BACKTRACKING, **options) as stream:
        return [event async for event in stream]


def cancelled(server: LocalServer, solution_id: str | None) -> bool:
    """Whether the solution came to such an end, soon."""
    assert solution_id is not None
    with Client(server.url) as client, client.follow(solution_id) as stream:
        return stream.result().status is Status.CANCELLED


def test_it_imports_nothing_of_the_service() -> None:
    """What uses the client needs neither a web framework nor an engine, nor the command line."""
    code = "import sys; from statewise import AsyncClient, Client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"httpx2", "pydantic", "statespace"} <= loaded
    foreign = {"app", "training", "fastapi", "typer", "rich", "torch", "vllm", "orjson", "numpy"}
    assert not loaded & foreign


def test_a_problem_is_solved(client: Client) -> None:
    solution = client.solve(BACKTRACKING, metadata={"of": "a test"})
    assert (solution.status, solution.answer) == (Status.COMPLETED, "72")
    assert solution.verification.refuted == 1
    assert client.get(solution.id) == solution
    request = SolutionRequest(question=BACKTRACKING, vote=VoteOptions(paths=2, stop="never"))
    asked = client.solve(request, strategy="vote", store=False)
    assert len(asked.paths) == 2, "options and the request's own go together"
    with pytest.raises(NotFoundError):
        client.get(asked.id)


def test_events_are_typed_and_in_order(client: Client) -> None:
    with client.stream(BACKTRACKING, deltas=True) as stream:
        events = list(stream)
    check_order(plain(events), deltas_whole=False)
    steps = [event.transition for event in events if isinstance(event, TransitionCompleted)]
    assert isinstance(events[-1], SolutionCompleted)
    assert stream.solution == events[-1].solution
    assert tuple(steps) == events[-1].solution.transitions
    assert stream.last == len([event for event in plain(events) if "sequence_number" in event]) - 1


async def test_the_same_is_awaited(server: LocalServer) -> None:
    async with AsyncClient(server.url) as client:
        solutions = await asyncio.gather(*(client.solve(BACKTRACKING) for _ in range(3)))
        assert [solution.answer for solution in solutions] == ["72"] * 3
        first = await client.start("What is 12 * 7?")
        assert first.status in (Status.QUEUED, Status.IN_PROGRESS)
        async with client.follow(first.id) as stream:
            assert (await stream.result()).status is Status.COMPLETED
        async with client.follow(first.id, after=stream.last) as again:
            assert [event async for event in again] == [], "nothing is to come"
            assert await again.result() == stream.solution
        forked = await client.fork(solutions[0].id, 1)
        assert forked.source is not None
        assert (await client.verify("48 / 2 = 26")).verdict == "refuted"
        assert (await client.models())[0].id == "scripted"
        assert [one.id async for one in client.list(limit=1)] == [forked.id]
        await client.delete(forked.id)
        with pytest.raises(NotFoundError):
            await client.cancel(forked.id)
        assert (await client.version())["engine"] == "scripted"


def test_a_fork_goes_on_from_a_state(client: Client) -> None:
    solution = client.solve(BACKTRACKING)
    with client.stream_fork(solution.id, 1, deltas=True) as stream:
        started = [event for event in stream if isinstance(event, TransitionStarted)]
    assert stream.solution is not None
    assert stream.solution.source is not None
    assert (stream.solution.source.solution_id, stream.solution.source.state) == (solution.id, 1)
    assert started[0].id == 1, "the states that it shares are told too"


def test_kept_solutions_are_listed_page_by_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [client.solve("What is 12 * 7?", strategy="guided").id for _ in range(3)]
    monkeypatch.setattr(sync.http, "PAGE", 2)
    assert [one.id for one in client.list(strategy="guided", ascending=True)] == made
    assert [one.id for one in client.list(strategy="guided", limit=2)] == made[:0:-1]
    assert not list(client.list(status=Status.CANCELLED, strategy="guided"))


def test_errors_are_told_apart(client: Client) -> None:
    with pytest.raises(NotFoundError) as missing:
        client.get("sol_none")
    assert (missing.value.status, missing.value.code) == (404, "not_found")
    assert missing.value.request_id
    with pytest.raises(BadRequestError) as wrong:
        client.solve("x", strategy="magic")
    assert (wrong.value.status, wrong.value.param) == (400, "strategy")
    with pytest.raises(NotFoundError) as other:
        client.solve("x", model="other")
    assert other.value.code == "model_not_found"
    for options in ({"temperature": -1}, {"streams": True}):
        with pytest.raises(ValueError, match=next(iter(options))):
            client.solve("x", **options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("deltas", [True, False])
@pytest.mark.parametrize("trickle", [0, 7])
def test_cuts_cost_nothing(server: LocalServer, deltas: bool, trickle: int) -> None:
    """At any byte, also in the middle of a frame or a character: each event comes once."""
    for read in (_read, lambda url, **options: asyncio.run(awaited(url, **options))):
        with bad_line(server.url, range(200, 20_000, 397)) as line:
            line.trickle = trickle
            events = read(line.url, deltas=deltas)
        assert line.cuts > 4
        check_order(plain(events), deltas_whole=False)
        assert events[-1].solution.answer == "72"  # type: ignore[union-attr]


def _read(url: str, **options: Any) -> list[Event]:
    with Client(url) as client, client.stream(BACKTRACKING, **options) as stream:
        return list(stream)


def test_a_slow_reader_misses_nothing(server: LocalServer) -> None:
    with bad_line(server.url) as line, Client(line.url) as client:
        line.trickle = 64
        events = []
        for event in client.stream(BACKTRACKING, deltas=True):
            time.sleep(0.005)
            events.append(event)
    check_order(plain(events), deltas_whole=False)


def test_what_is_not_stored_is_lost_with_its_connection(slow: LocalServer) -> None:
    with (
        bad_line(slow.url, [2_000]) as line,
        Client(line.url) as client,
        pytest.raises(LostError, match="not stored"),
    ):
        client.solve(BACKTRACKING, store=False)


def test_a_loop_that_is_left_ends_the_solution(slow: LocalServer) -> None:
    with Client(slow.url) as client:
        stream = client.stream(BACKTRACKING)
        for event in stream:
            if isinstance(event, TransitionStarted):
                break
        assert client.get(str(stream.solution_id)).status is Status.CANCELLED
        with client.stream(BACKTRACKING) as stream:
            events = iter(stream)
            next(events)
        assert client.get(str(stream.solution_id)).status is Status.CANCELLED
        begun = client.start(BACKTRACKING)
        next(iter(client.follow(begun.id)))
        assert client.get(begun.id).status is not Status.CANCELLED, "it belongs to somebody else"
        assert client.cancel(begun.id).status is Status.CANCELLED


async def test_a_task_that_is_cancelled_ends_its_solution(slow: LocalServer) -> None:
    async with AsyncClient(slow.url) as client:
        streams = [client.stream(BACKTRACKING), client.stream(BACKTRACKING)]
        task = asyncio.create_task(_result(streams[0]))
        async for event in streams[1]:
            if isinstance(event, TransitionStarted):
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    # The loop that was left without a block is ended with its client.
    for stream in streams:
        assert await asyncio.to_thread(cancelled, slow, stream.solution_id)


async def _result(stream: Any) -> Solution:
    async with stream:
        return await stream.result()  # type: ignore[no-any-return]


def test_who_leaves_before_the_first_event_ends_the_solution_too(
    slow: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has begun it, and its answer was lost."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sync.time, "sleep", interrupt)
    with bad_line(slow.url, [0]) as line, Client(line.url) as client:
        stream = client.stream("Leave me")
        with pytest.raises(KeyboardInterrupt), stream:
            stream.result()
        assert line.cuts == 1
    assert cancelled(slow, stream.solution_id)


def test_who_leaves_after_a_gateway_gave_up_ends_the_solution_too(
    slow: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has begun it, and what stands before it did not wait; then it refuses more."""
    waits = iter([0.0, KeyboardInterrupt()])

    def wait(_: float) -> None:
        if isinstance(found := next(waits), BaseException):
            raise found

    statuses = iter([504, 429])

    def give_up(response: httpx2.Response) -> None:
        if (status := next(statuses, None)) is not None:
            response.status_code = status
            response.close()
            response._content = b""

    monkeypatch.setattr(sync.time, "sleep", wait)
    with Client(slow.url) as client:
        client._http.event_hooks = {"response": [give_up]}
        stream = client.stream("Leave me")
        with pytest.raises(KeyboardInterrupt), stream:
            stream.result()
    assert cancelled(slow, stream.solution_id)


async def test_a_task_that_is_cancelled_after_a_gateway_gave_up_ends_its_solution(
    slow: LocalServer,
) -> None:
    waiting = asyncio.Event()

    async def give_up(response: httpx2.Response) -> None:
        if not waiting.is_set():
            response.status_code = 504
            await response.aclose()
            response._content = b""
            response.headers["retry-after"] = "9"
            waiting.set()

    async with AsyncClient(slow.url) as client:
        client._http.event_hooks = {"response": [give_up]}
        stream = client.stream("Leave me")
        task = asyncio.create_task(_result(stream))
        await waiting.wait()
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await asyncio.to_thread(cancelled, slow, stream.solution_id)


@contextmanager
def capped(first: bytes, silent: list[bytes], rest: bytes) -> Iterator[str]:
    """A server that cuts each connection early: the first after `first`, then those of `silent`."""
    replies = iter([first, *silent])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def do_GET(self) -> None:
            time.sleep(0.05)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(next(replies, rest))

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _waited(url: str) -> Solution:
    with Client(url, patience_s=0.3) as client:
        return client.solve("What is 12 * 7?")


async def _awaited(url: str) -> Solution:
    async with AsyncClient(url, patience_s=0.3) as client:
        return await client.solve("What is 12 * 7?")


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("solve", [_waited, lambda url: asyncio.run(_awaited(url))])
def test_heartbeats_are_heard_and_a_bare_status_is_not(
    client: Client, solve: Callable[[str], Solution]
) -> None:
    first, *rest = plain(list(client.stream("What is 12 * 7?")))
    with capped(_frames(first), [b":\n\n"] * 12, _frames(*rest)) as url:
        assert solve(url).answer == "84"
    with capped(_frames(first), [b""] * 100, b"") as url, pytest.raises(UnreachableError):
        solve(url)
    # What makes no sense is no sign of health either.
    gap = _frames(rest[-1])
    with capped(_frames(first), [gap] * 100, b"") as url, pytest.raises(UnreachableError):
        solve(url)


def _frames(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)


def test_a_request_is_repeated_under_its_key_when_the_server_says(client: Client) -> None:
    """What a full server refuses is sent again, and never solved twice."""
    solved = plain(list(client.stream("What is 12 * 7?")))
    newer = {"type": "solution.mused", "sequence_number": len(solved) - 1, "solution_id": "sol_1"}
    solved[-1]["sequence_number"] += 1
    solved[-1]["solution"]["mood"] = "good"
    replies = iter(
        [
            Reply(503, {"error": {"message": "x", "code": "full"}}, {"retry-after": "1"}),
            Reply(429, {"error": {"message": "x"}}, {"retry-after-ms": "2"}),
            Reply(0),
            Reply(200, _frames(*solved[:-1], newer, solved[-1]), SSE),
        ]
    )
    with faulty(replies, Reply(404)) as server, Client(server.url) as asking:
        began = time.monotonic()
        events = list(asking.stream("What is 12 * 7?"))
        assert time.monotonic() - began >= 1, "not before the server has asked for it"
    assert [event.type for event in events] == [event["type"] for event in solved]
    assert len({headers["idempotency-key"] for headers in server.headers}) == 1
    assert len(server.posted) == 4
    assert all(body["background"] and body["stream"] for body in server.posted)


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(503, {"error": {"message": "full"}}), UnavailableError),
        (Reply(503, b"<html>", {"retry-after": "100"}), UnavailableError),
        (Reply(429, {"error": {"message": "slowly"}}, {"retry-after": "9"}), RateLimitError),
        (Reply(409, {"error": {"message": "another body"}}), ConflictError),
        (Reply(200, b"<p>hello", {"content-type": "text/html"}), ProtocolError),
        (Reply(200, b": ping\n", SSE), ProtocolError),
        (Reply(200, b'data: {"type": "x"}\n\n', SSE), ProtocolError),
        (Reply(200, b'data: {"type": "text.completed"}\n\n', SSE), ProtocolError),
        (Reply(0), UnreachableError),
    ],
)
def test_patience_ends(reply: Reply, kind: type[Exception]) -> None:
    def replies() -> Iterator[Reply]:
        while True:
            yield reply

    with (
        faulty(replies(), Reply(200)) as server,
        Client(server.url, patience_s=0.05) as client,
        pytest.raises(kind),
    ):
        client.solve("x")


def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(UnreachableError, match="no answer"):
        client.models()


@pytest.mark.usefixtures("_hasty")
def test_what_was_deleted_before_the_cut_is_deleted(server: LocalServer) -> None:
    with Client(server.url) as client:
        solution = client.solve("What is 12 * 7?")
    with bad_line(server.url, [0]) as line, Client(line.url) as client:
        client.delete(solution.id)
        with pytest.raises(NotFoundError):
            client.delete(solution.id)


def test_limits_of_a_full_server_are_waited_for() -> None:
    """A real server with one place and no queue: everybody gets an answer in the end."""
    settings = Settings(engine="scripted", max_in_flight=1, max_queued=0)
    engine = ScriptedEngine(Script(QUESTIONS, delay_s=0.001))
    with local_server(engine, settings) as server:
        answers = asyncio.run(_together(server.url))
    assert answers == ["84"] * 4


async def _together(url: str) -> list[str | None]:
    async with AsyncClient(url) as client:
        asked = (client.solve("What is 12 * 7?") for _ in range(4))
        return [solution.answer for solution in await asyncio.gather(*asked)]
