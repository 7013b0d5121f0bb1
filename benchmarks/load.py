"""The load client: streams at full speed and reads bytes without looking at them.

A process of its own. Each line on standard input is a `Job` as JSON, each line of output the
`Outcome`. While the clock runs it counts bytes, keeps the last ones of every stream and looks for
one pattern until it has found it, which is the time to the first event; the server's own account of
its tokens, and the answers, are read from what was kept afterwards.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import uvloop

from statespace.reader import TraceReader

KEPT: Final = 1 << 18
"""Bytes kept of the end of a stream: room for a whole solution object."""
END: Final = b"\r\n0\r\n\r\n"
"""The end of a chunked body; within JSON no line ends stand."""
LIMIT_S: Final = 300.0
"""Seconds after which a job has failed."""
TRANSITION: Final = r"event: transition\.started"
"""Our first event."""
TOKEN: Final = r'"content":"[^"]'
"""The first text of a chat completion: what stands before it is empty."""


@dataclass(frozen=True, slots=True)
class Job:
    """Bodies to POST to one path, `streams` at a time."""

    host: str
    port: int
    path: str
    bodies: Sequence[str]
    streams: int
    first: str = TRANSITION
    """A pattern; the first time that it is seen in an answer is taken."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back; tokens as the server itself counted them."""

    seconds: float
    prompt_tokens: int
    completion_tokens: int
    bytes: int
    client_s: float = 0.0
    """CPU time of the client itself."""
    first_s: Sequence[float] = ()
    """Seconds from each request to its first event, of those that had one."""
    answers: Sequence[str | None] = ()
    """In the order of the bodies."""


class LoadError(Exception):
    """A stream did not end as it should have."""


class Connection(asyncio.Protocol):
    """One connection, kept for a worker's requests in turn."""

    def __init__(self, first: str = TRANSITION) -> None:
        self._transport: asyncio.Transport | None = None
        self._first = re.compile(first.encode())
        self._asked = 0.0
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._last = b""
        self._ended: asyncio.Future[None] | None = None
        self.received = 0
        self.first_s: float | None = None
        """Seconds from the latest request to its first event."""

    async def post(self, request: bytes) -> bytes:
        """Send a request; the last bytes of its answer, or all of them if they are few.

        Raises `ConnectionError` if the server hangs up before the answer's end.
        """
        if self._transport is None:
            raise ConnectionResetError("the server has closed the connection")
        self._pieces.clear()
        self._held = 0
        self._ended = asyncio.get_running_loop().create_future()
        self.first_s, self._asked = None, time.perf_counter()
        self._transport.write(request)
        await self._ended
        return b"".join(self._pieces)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands. uvloop's transports are no subclasses of asyncio's."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Count and keep, and see whether these were the last bytes of a chunked body."""
        self.received += len(data)
        self._held += len(data)
        self._pieces.append(data)
        if self.first_s is None and self._first.search(b"".join(self._pieces)):
            self.first_s = time.perf_counter() - self._asked
        while self._held - len(self._pieces[0]) >= KEPT:
            self._held -= len(self._pieces.popleft())
        self._last = (
            data[-len(END) :] if len(data) >= len(END) else (self._last + data)[-len(END) :]
        )
        if self._last == END and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer without an end is an error."""
        self._transport = None
        if self._ended is not None and not self._ended.done():
            tail = b"".join(self._pieces)[-500:].decode(errors="replace")
            self._ended.set_exception(exc or ConnectionResetError(f"no end of the answer: {tail}"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def perform(job: Job) -> Outcome:
    """Run a job.

    Raises `LoadError` for a stream without a last event, `OSError` for one that was lost,
    `TimeoutError` after `LIMIT_S`.
    """
    requests = iter([(number, _request(job, body)) for number, body in enumerate(job.bodies)])
    loop = asyncio.get_running_loop()
    connections: list[Connection] = []
    for _ in range(job.streams):
        _, connection = await loop.create_connection(
            lambda: Connection(job.first), job.host, job.port
        )
        connections.append(connection)
    tails = [b""] * len(job.bodies)
    first: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(_work(connection, requests, tails, first))
    seconds, client_s = time.perf_counter() - began, time.process_time() - cpu
    for connection in connections:
        connection.close()
    usages = [usage(tail) for tail in tails]
    return Outcome(
        seconds=seconds,
        prompt_tokens=sum(found["prompt_tokens"] for found in usages),
        completion_tokens=sum(found["completion_tokens"] for found in usages),
        bytes=sum(connection.received for connection in connections),
        client_s=client_s,
        first_s=first,
        answers=[answer(tail) for tail in tails],
    )


async def _work(
    connection: Connection,
    requests: Iterator[tuple[int, bytes]],
    tails: list[bytes],
    first: list[float],
) -> None:
    """Posts what is left of `requests`, one after the other."""
    for number, request in requests:
        tails[number] = await connection.post(request)
        if connection.first_s is not None:
            first.append(connection.first_s)


def _request(job: Job, body: str) -> bytes:
    data = body.encode()
    return (
        f"POST {job.path} HTTP/1.1\r\nHost: {job.host}:{job.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    ).encode() + data


def usage(tail: bytes) -> dict[str, Any]:
    """The `usage` of the last event: of a solution, or of an OpenAI chunk. Raises `LoadError`."""
    _, found, last = tail.rpartition(b"\ndata: {")
    if not found:
        raise LoadError(f"no event in the answer: {tail[-500:].decode(errors='replace')}")
    event = json.loads(b"{" + last.partition(b"\n")[0])
    counted = event.get("solution", event).get("usage")
    if not counted:
        raise LoadError(f"the last event has no usage: {str(event)[:500]}")
    return dict(counted)


def answer(tail: bytes) -> str | None:
    """The answer of a whole stream: ours says it in the end, a chat's stands in its text."""
    lines = tail.decode(errors="replace").split("\n")
    events = [json.loads(line[6:]) for line in lines if _is_whole(line)]
    if "solution" in events[-1]:
        found: str | None = events[-1]["solution"]["answer"]
        return found
    choices = [choice for event in events for choice in event.get("choices", ())]
    return answer_in("".join(choice["delta"].get("content") or "" for choice in choices))


def answer_in(text: str) -> str | None:
    """The answer that a trace reaches."""
    reader = TraceReader()
    reader.feed(text, tokens=0)
    reader.close()
    return reader.answer


def _is_whole(line: str) -> bool:
    """Whether a line is an event that was not cut where keeping began."""
    return line.startswith("data: {") and line.rstrip("\r").endswith("}")


async def main() -> None:
    """Take jobs until standard input ends."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        outcome = await perform(Job(**json.loads(line)))
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
