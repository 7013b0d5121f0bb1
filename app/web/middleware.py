"""ASGI middleware: a request id on every answer and log line, and a bound on every body.

Pure ASGI: the framework's function middleware would quadruple the cost of a streamed event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.status import HTTP_408_REQUEST_TIMEOUT, HTTP_500_INTERNAL_SERVER_ERROR
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import RequestError
from app.web import access_log
from app.web.failures import error_response

logger = structlog.get_logger(__name__)

SILENCE_S: Final = 30.0
"""How long nothing may come of a body that is not complete."""


class RequestId:
    """Gives each request an id: in `scope["state"]`, in the header `x-request-id`, in errors.

    It is in every log line of the request, one of which says how it was answered. A client's own id
    is not taken over: it could be anything, and twice the same.
    """

    def __init__(self, app: ASGIApp, leaving: Callable[[], bool] = lambda: False) -> None:
        """`leaving` tells whether the server is about to end: clients are to connect elsewhere."""
        self._app = app
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None
        sent = 0
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                if self._leaving():
                    headers["connection"] = "close"
            else:
                sent += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception:
                status = status or HTTP_500_INTERNAL_SERVER_ERROR
                logger.exception("internal_error")
                raise
            finally:
                scope["app"].state.metrics.answered(scope, status)
                access_log.log(scope, status, time.perf_counter() - began, sent)


class NoNul:
    """Refuses NUL in addresses, which no name here holds and PostgreSQL's texts cannot."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and (
            "\0" in scope["path"]
            or b"%00" in scope["query_string"]
            or b"\0" in scope["query_string"]
        ):
            refused = RequestError("the address holds a NUL (%00); leave it out")
            await error_response(Request(scope), refused)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies over `limit` bytes with 413, whether or not they announce their length.

    One that stops coming is given up with 408: who sends it may have gone, and holds what few have.
    `others` are the limits of paths that have one of their own.
    """

    def __init__(self, app: ASGIApp, limit: int, others: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, complete = 0, False
        limit = self._others.get(scope["path"], self._limit)

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout(SILENCE_S):
                    message = await receive()
            except TimeoutError:
                told = f"nothing came of the body for {SILENCE_S:g} s; send it again"
                raise HTTPException(HTTP_408_REQUEST_TIMEOUT, told) from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, f"the body is over {limit} bytes; send a smaller one")
            return message

        await self._app(scope, limited, send)
