"""The load client: streams at full speed and reads bytes without looking at them.

A process of its own. Each line on standard input is a `Job` as JSON, each line of output the
`Outcome`. While the clock runs it only counts bytes and keeps the last ones of every stream; the
server's own account of its tokens is read from those afterwards.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import uvloop

KEPT: Final = 1 << 18
"""Bytes kept of the end of a stream: room for a whole solution object."""
LIMIT_S: Final = 300.0
"""Seconds after which a job has failed."""


@dataclass(frozen=True, slots=True)
class Job:
    """Bodies to POST to one path, `streams` at a time."""

    host: str
    port: int
    path: str
    bodies: Sequence[str]
    streams: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back; tokens as the server itself counted them."""

    seconds: float
    prompt_tokens: int
    completion_tokens: int
    bytes: int


class LoadError(Exception):
    """A stream did not end as it should have."""


class Stream(asyncio.Protocol):
    """One request and its answer's bytes. `done` ends when the server closes the connection."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self.size = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def tail(self) -> bytes:
        """The last bytes; all of them if there were few."""
        return b"".join(self._pieces)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        # uvloop's transports are no subclasses of asyncio's.
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count and keep."""
        self.size += len(data)
        self._held += len(data)
        self._pieces.append(data)
        while self._held - len(self._pieces[0]) >= KEPT:
            self._held -= len(self._pieces.popleft())

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has said everything."""
        if exc is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(exc)


async def perform(job: Job) -> Outcome:
    """Run a job.

    Raises `LoadError` for a stream without a last event, `OSError` for one that was lost,
    `TimeoutError` after `LIMIT_S`.
    """
    requests = iter([_request(job, body) for body in job.bodies])
    ended: list[Stream] = []
    began = time.perf_counter()
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        for _ in range(job.streams):
            group.create_task(_work(job, requests, ended))
    seconds = time.perf_counter() - began
    usages = [usage(stream.tail) for stream in ended]
    return Outcome(
        seconds=seconds,
        prompt_tokens=sum(found["prompt_tokens"] for found in usages),
        completion_tokens=sum(found["completion_tokens"] for found in usages),
        bytes=sum(stream.size for stream in ended),
    )


async def _work(job: Job, requests: Iterator[bytes], ended: list[Stream]) -> None:
    loop = asyncio.get_running_loop()
    for request in requests:
        _, stream = await loop.create_connection(lambda: Stream(request), job.host, job.port)  # noqa: B023
        await stream.done
        ended.append(stream)


def _request(job: Job, body: str) -> bytes:
    data = body.encode()
    return (
        f"POST {job.path} HTTP/1.1\r\nHost: {job.host}:{job.port}\r\nConnection: close\r\n"
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


async def main() -> None:
    """Take jobs until standard input ends."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        outcome = await perform(Job(**json.loads(line)))
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
