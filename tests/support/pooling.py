"""A server that answers like vLLM's `/pooling` with a process reward model, and fails on demand."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PoolingFault = Literal["500", "hang", "malformed", "empty", "nan", "huge"]
TAG = "<extra_0>"
BROKEN = {
    "malformed": b'{"data": [{"data": "AAAA"}]}',
    "empty": b'{"data": [{"index": 0, "object": "pooling", "data": []}]}',
    "nan": b'{"data": [{"data": [["NaN", null]]}]}',
    "huge": b"[" * 2_000_000,
}


@dataclass
class PoolingServer:
    """Its address, how it judges the newest step, and what it was asked."""

    judge: Callable[[str], float]
    fault: PoolingFault | None = None
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def pooling(self, request: Request) -> Response:
        """`POST /pooling`, for a chat."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(request)
        finally:
            self.at_once -= 1

    async def _answer(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        if self.fault == "hang":
            await asyncio.sleep(60)
        if self.fault == "500":
            error = {"message": "out of memory", "type": "InternalServerError", "code": 500}
            return JSONResponse({"error": error}, 500)
        if self.fault is not None:
            return Response(BROKEN[self.fault], media_type="application/json")
        *steps, after = body["messages"][-1]["content"].split(TAG)
        assert after == "", "a step's tag comes last"
        scores = [self.judge(step) for step in steps]
        rows = [[1 - score, score] for score in scores]
        item = {"index": 0, "object": "pooling", "data": rows}
        usage = {"prompt_tokens": 9, "total_tokens": 9, "completion_tokens": 0}
        found = {"id": "pool-1", "object": "list", "created": 1, "model": "prm", "data": [item]}
        return JSONResponse({**found, "usage": usage})


@contextmanager
def pooling_server(judge: Callable[[str], float]) -> Iterator[PoolingServer]:
    """Serve until the block ends."""
    found = PoolingServer(judge)
    app = Starlette(routes=[Route("/pooling", found.pooling, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    found.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield found
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
