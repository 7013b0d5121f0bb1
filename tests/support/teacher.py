"""A teacher on a real socket: an OpenAI-compatible server that replays answers and faults."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import uvicorn

Body = dict[str, Any]
SETTLED_S: Final = 0.3


class Fault(StrEnum):
    """What a request gets instead of an answer."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_REQUEST = "bad_request"
    UNAUTHORISED = "unauthorised"
    HANG = "hang"
    """Nothing, until the client goes away."""
    CUT = "cut"
    """Half of the promised bytes, then the connection is closed."""
    WRONG_JSON = "wrong_json"
    OTHER_JSON = "other_json"
    NO_FINISH = "no_finish"
    NO_TEXT = "no_text"


@dataclass
class Teacher:
    """What it answers, and what it was asked.

    `faults` go to the first requests, in order. After `patience` answers every request hangs.
    """

    answer: Callable[[Body], str]
    faults: deque[Fault | None] = field(default_factory=deque)
    patience: int | None = None
    retry_after: str | None = None
    requests: list[Body] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    served: int = 0
    busy: int = 0
    busiest: int = 0
    url: str = ""

    def settled(self) -> int:
        """Requests so far, once no more come: a killed client's may still be on their way."""
        seen, since = len(self.requests), time.monotonic()
        while time.monotonic() - since < SETTLED_S:
            time.sleep(0.02)
            if len(self.requests) != seen:
                seen, since = len(self.requests), time.monotonic()
        return seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        sent = await _read(receive)
        if sent is None:
            return
        body = json.loads(sent)
        self.requests.append(body)
        self.keys.append(dict(scope["headers"]).get(b"authorization", b"").decode() or None)
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            fault = self.faults.popleft() if self.faults else None
            if self.patience is not None and self.served >= self.patience:
                fault = Fault.HANG
            await self._reply(fault, body, receive, send)
        finally:
            self.busy -= 1

    async def _reply(self, fault: Fault | None, body: Body, receive: Any, send: Any) -> None:
        text, finish = self.answer(body), "stop"
        match fault:
            case Fault.HANG:
                while (await receive())["type"] != "http.disconnect":
                    pass
            case Fault.RATE_LIMITED:
                after = [(b"retry-after", self.retry_after.encode())] if self.retry_after else []
                await _send(send, 429, _error("slow down"), after)
            case Fault.SERVER_ERROR:
                await _send(send, 500, b"Internal Server Error")
            case Fault.BAD_REQUEST:
                await _send(send, 400, _error("maximum context length is 12 tokens"))
            case Fault.UNAUTHORISED:
                await _send(send, 401, _error(f"wrong key: {self.keys[-1]}"))
            case Fault.WRONG_JSON:
                await _send(send, 200, b'{"choices": [{"mess')
            case Fault.OTHER_JSON:
                await _send(send, 200, b'{"status": "ok"}')
            case Fault.NO_FINISH:
                await _send(send, 200, completion(text[: len(text) // 2], None))
            case Fault.NO_TEXT:
                await _send(send, 200, completion(None, "content_filter"))
            case Fault.CUT:
                whole = completion(text, finish)
                await _start(send, 200, len(whole))
                half = {"type": "http.response.body", "body": whole[: len(whole) // 2]}
                await send({**half, "more_body": True})
                raise ConnectionAbortedError("cut on purpose")
            case None:
                self.served += 1
                await _send(send, 200, completion(text, finish))


def completion(text: str | None, finish: str | None) -> bytes:
    """A chat completion as the OpenAI API writes it."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "teacher"}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


def asked(body: Body) -> str:
    """The last turn of a request."""
    content: str = body["messages"][-1]["content"]
    return content


@contextmanager
def teacher(
    answer: Callable[[Body], str], faults: Iterable[Fault | None] = (), **options: Any
) -> Iterator[Teacher]:
    """Serves a teacher from a thread until the block ends."""
    app = Teacher(answer, deque(faults), **options)
    listener = socket.create_server(("127.0.0.1", 0))
    app.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    # A fault raises on purpose: uvicorn would print its traceback.
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield app
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


async def _read(receive: Any) -> bytes | None:
    """The request's body; None if its client is gone before the end."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _start(send: Any, status: int, length: int, headers: Iterable[Any] = ()) -> None:
    fixed = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})


async def _send(send: Any, status: int, body: bytes, headers: Iterable[Any] = ()) -> None:
    await _start(send, status, len(body), headers)
    await send({"type": "http.response.body", "body": body})


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()
