"""A server that speaks vLLM's completion stream, without a model, and with faults on demand."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from tokenizers import Tokenizer

from tests.conftest import REPOSITORY
from tests.support.ports import free_port

STARTER = REPOSITORY / "checkpoints" / "starter"
CORE = Tokenizer.from_file(str(STARTER / "tokenizer.json"))
END = CORE.token_to_id("<|end|>")
MODEL = "starter"

Fault = Literal[
    "die", "hang", "hang at once", "error", "abort", "no ids", "garbage", "long line", "flood",
    "full", "status 500", "refused", "bad request", "half",
]  # fmt: skip


@dataclass
class FakeUpstream:
    """What it says to which prompt, what goes wrong, and what it was asked."""

    says: Callable[[str], str]
    """The text that continues a prompt, given as text."""
    fault: Fault | None = None
    after: int = 3
    """Pieces before a fault in the middle."""
    delay_s: float = 0.0
    """Before each piece."""
    models: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": MODEL, "root": str(STARTER), "parent": None, "max_model_len": 1024}
        ]
    )
    tokens: list[int] | None = None
    """What it answers to `/tokenize`; by default the truth."""
    key: str | None = None
    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of completions."""
    traceparents: list[str | None] = field(default_factory=list)
    """The headers that came with them."""
    running: int = 0
    """Streams that are open."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, on the same port as before."""
        self.port = self.port or free_port()
        listener = socket.create_server(("127.0.0.1", self.port))
        config = uvicorn.Config(
            self._app(), log_level="critical", lifespan="on", timeout_graceful_shutdown=0
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        self._listener = listener

    def stop(self) -> None:
        """Close the port and all connections."""
        self._server.should_exit = self._server.force_exit = True
        self._loop.call_soon_threadsafe(self._cut)
        self._thread.join()
        self._listener.close()

    def _cut(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    def __enter__(self) -> FakeUpstream:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self.stop()

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncGenerator[None, None]:
        self._loop = asyncio.get_running_loop()
        yield

    def _app(self) -> FastAPI:
        app = FastAPI(lifespan=self._lifespan)

        @app.middleware("http")
        async def keyed(request: Request, following: Any) -> Response:
            if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
                return JSONResponse({"error": {"message": "Unauthorized"}}, 401)
            answer: Response = await following(request)
            return answer

        @app.get("/health")
        async def health() -> Response:
            return Response()

        @app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"object": "list", "data": self.models}

        @app.post("/tokenize")
        async def tokenize(request: Request) -> dict[str, Any]:
            body = await request.json()
            ids = CORE.encode(body["prompt"], add_special_tokens=False).ids
            return {"tokens": ids if self.tokens is None else self.tokens}

        @app.post("/v1/completions")
        async def completions(request: Request) -> Response:
            body = await request.json()
            self.asked.append(body)
            self.traceparents.append(request.headers.get("traceparent"))
            refusals = {"full": 503, "status 500": 500, "refused": 404, "bad request": 400}
            if (status := refusals.get(self.fault or "")) is not None:
                told = {"error": {"message": "no, " + "x" * 1000, "code": status}}
                return JSONResponse(told, status, {"retry-after": "7"})
            return _Counted(self, self._stream(body))

        return app

    async def _stream(self, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._events(body)) as events:
            async for data in events:
                yield b"data: %b\n\n" % data

    async def _events(self, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        if self.fault == "hang at once":
            await asyncio.sleep(60)
        text = self.says(CORE.decode(body["prompt"], skip_special_tokens=False))
        ids = [*CORE.encode(text, add_special_tokens=False).ids, END]
        end = "stop" if len(ids) <= body["max_tokens"] else "length"
        ids, size = ids[: body["max_tokens"]], body["stream_interval"]
        pieces = [ids[at : at + size] for at in range(0, len(ids), size)]
        for index, piece in enumerate(pieces):
            await asyncio.sleep(self.delay_s)
            if index == self.after and self.fault is not None:
                yield await self._faulty(piece)
            finish = end if index + 1 == len(pieces) else None
            yield self._event(piece, finish, first=index == 0, body=body)
        usage = {"prompt_tokens_details": {"cached_tokens": len(body["prompt"]) // 16 * 16}}
        yield json.dumps({"choices": [], "usage": usage}).encode()
        yield b"[DONE]"

    def _event(
        self, ids: list[int], finish: str | None, *, first: bool, body: dict[str, Any]
    ) -> bytes:
        choice: dict[str, Any] = {"index": 0, "text": "not used", "finish_reason": finish}
        if self.fault != "no ids":
            choice["token_ids"] = ids
        if first:
            choice["prompt_token_ids"] = body["prompt"]
        if body.get("logprobs") is not None:
            values = [-0.5] * (len(ids) - 1) + [None]
            choice["logprobs"] = {"token_logprobs": values}
        return json.dumps({"id": "cmpl-1", "model": MODEL, "choices": [choice]}).encode()

    async def _faulty(self, ids: list[int]) -> bytes:
        """What comes in place of the answer's next piece; may never return."""
        match self.fault:
            case "die":
                raise ConnectionError("told to die")
            case "hang":
                await asyncio.sleep(60)
            case "error":
                return b'{"error": {"message": "told to fail", "code": 500}}'
            case "abort":
                choice = {"text": "", "token_ids": [], "finish_reason": "abort"}
                return json.dumps({"choices": [choice]}).encode()
            case "garbage":
                return b'{"choices": [{"token_ids": ["a", -1, {}], "text": 5}]}'
            case "long line":
                return b"x" * 200_000
            case "flood":
                choice = {"text": "", "token_ids": [5] * 5_000}
                return json.dumps({"choices": [choice]}).encode()
            case _:
                pass
        return b'{"choices": []}'


class _Counted(StreamingResponse):
    """A stream that is counted for as long as its connection is open."""

    def __init__(self, of: FakeUpstream, stream: AsyncGenerator[bytes, None]) -> None:
        super().__init__(stream, media_type="text/event-stream")
        self._of = of

    async def __call__(self, *asgi: Any) -> None:
        self._of.running += 1
        try:
            await super().__call__(*asgi)
        finally:
            self._of.running -= 1
