"""Many clients at once on a real socket: none loses an event, and those that go leave nothing."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import socket
from collections.abc import Iterator

import psutil
import pytest

from tests.support.server_process import ServerProcess, start
from tests.support.streams import check_order, events

pytestmark = pytest.mark.slow

QUESTION = "What is 12 * 7?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    state = tmp_path_factory.mktemp("state")
    found = start(state, "--engine", "scripted", options=("--delay-s", "0.02"), max_queued=1000)
    try:
        found.wait_ready()
        yield found
    finally:
        found.process.terminate()
        found.process.wait(30)


def request(path: str = "/v1/solutions", **body: object) -> bytes:
    content = json.dumps({"question": QUESTION, "stream": True, **body}).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    ).encode() + content


async def connect(server: ServerProcess) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = server.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def whole(server: ServerProcess, **body: object) -> str:
    """The body of a whole stream."""
    reader, writer = await connect(server)
    writer.write(request(**body))
    raw = await reader.read()
    writer.close()
    head, _, content = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), raw[:300]
    return unchunked(content).decode()


def unchunked(content: bytes) -> bytes:
    """The body of a chunked answer."""
    pieces = []
    while content:
        size, _, content = content.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(content[:length])
        content = content[length + 2 :]
    return b"".join(pieces)


async def glance(server: ServerProcess) -> None:
    """Connect, read a little, vanish."""
    reader, writer = await connect(server)
    try:
        writer.write(request(deltas=True))
        assert (await reader.read(300)).startswith(b"HTTP/1.1 200")
    finally:
        writer.transport.abort()


async def idle(server: ServerProcess) -> None:
    """Until the engine and the service hold nothing."""
    for _ in range(600):
        busy = server.metric("statewise_solutions_in_flight") + server.metric(
            "statewise_engine_unfinished"
        )
        if busy == 0:
            return
        await asyncio.sleep(0.05)
    pytest.fail("clients have gone and their runs go on")


def memory(server: ServerProcess) -> int:
    gc.collect()
    return int(psutil.Process(server.process.pid).memory_info().rss)


async def test_two_hundred_streams_each_whole(server: ServerProcess) -> None:
    """Half of them resumable, a quarter with deltas: every event once, in order, to its end."""
    bodies = [{"background": n % 2 == 0, "deltas": n % 4 == 1} for n in range(200)]
    found = await asyncio.gather(*(whole(server, **body) for body in bodies))
    for one in found:
        stream = events(one)
        check_order(stream)
        assert stream[-1]["solution"]["answer"] == "84"


async def test_five_hundred_that_vanish_leave_nothing(server: ServerProcess) -> None:
    for _ in range(2):  # the first round fills pools and caches
        before = memory(server)
        for _ in range(10):
            await asyncio.gather(*(glance(server) for _ in range(50)))
        await idle(server)
    after = memory(server)
    assert after < before * 1.1, f"{before} bytes before, {after} after"


async def test_readers_that_never_read_do_not_hold_up_others(server: ServerProcess) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    lazy = []
    for _ in range(50):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect((host, int(port)))
        client.sendall(request(deltas=True))
        lazy.append(client)
    found = await asyncio.gather(*(whole(server) for _ in range(20)))
    for one in found:
        check_order(events(one))
    for client in lazy:
        client.close()
    await idle(server)


async def test_readers_that_are_cut_and_come_back_miss_nothing(server: ServerProcess) -> None:
    """Readers of one background stream that come, leave and come back see one and the same."""
    reader, writer = await connect(server)
    writer.write(request(background=True, stream=False))
    answer = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    solution_id = json.loads(answer)["id"]

    async def follow() -> list[int]:
        """Event numbers, read over many connections that are cut after a few bytes."""
        seen: list[int] = []
        for _ in range(200):
            reader, writer = await connect(server)
            after = seen[-1] if seen else -1
            writer.write(
                f"GET /v1/solutions/{solution_id}/events?starting_after={after} HTTP/1.1\r\n"
                "Host: x\r\nConnection: close\r\n\r\n".encode()
            )
            raw = b""
            # Cut as soon as there is something new, wherever that may be within an event.
            while b"\n\n" not in raw.partition(b"\r\n\r\n")[2]:
                piece = await reader.read(1000)
                raw += piece
                if not piece or raw.startswith(b"HTTP/1.1 204"):
                    break
            writer.transport.abort()
            if raw.startswith(b"HTTP/1.1 204"):
                return seen
            whole_frames = raw.rpartition(b"\n\n")[0]
            seen.extend(int(number) for number in re.findall(rb"^id: (\d+)$", whole_frames, re.M))
        pytest.fail("the stream does not end")

    found = await asyncio.gather(*(follow() for _ in range(10)))
    for one in found:
        assert one == list(range(len(one)))
        assert len(one) > 5
    assert len({tuple(one) for one in found}) == 1
