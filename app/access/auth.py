"""ASGI middleware that asks for an API key, and tells clients what is left of their limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keys import NOBODY, Key, KeyRing
from app.errors import KeyRefusedError
from app.web.failures import error_response

OPEN: Final = frozenset(
    {"/", "/livez", "/readyz", "/startupz", "/openapi.json", "/docs", "/favicon.ico"}
)
"""What needs no key. Everything else does, so that a route that is added is not open by mistake."""
OPEN_FOLDER: Final = "/static/"
OPERATIONS: Final = frozenset({"/metrics", "/version"})

LimitHeaders = Callable[[Key], Mapping[str, str]]


class Auth:
    """Refuses requests without a known key with 401; puts `owner` and `key` in `scope["state"]`."""

    def __init__(
        self,
        app: ASGIApp,
        ring: KeyRing,
        limit_headers: LimitHeaders,
        metrics_need_key: bool,
    ) -> None:
        self._app = app
        self._ring = ring
        self._limit_headers = limit_headers
        self._open = OPEN if metrics_need_key else OPEN | OPERATIONS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            key = self._key(scope)
        except KeyRefusedError as error:
            await error_response(Request(scope), error)(scope, receive, send)
            return
        scope["state"].update(owner=key.name, key=key)

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._limit_headers(key))
            await send(message)

        await self._app(scope, receive, send if key is NOBODY else send_with_limits)

    def _key(self, scope: Scope) -> Key:
        if not self._ring.required:
            return NOBODY
        secret = presented(Headers(scope=scope))
        key = self._ring.find(secret) if secret else None
        if key is not None:
            return key
        if scope["path"] in self._open or scope["path"].startswith(OPEN_FOLDER):
            return NOBODY
        remedy = "send the header Authorization: Bearer KEY"
        raise KeyRefusedError(
            f"the API key is not known here; {remedy} with one that is"
            if secret
            else f"no API key was sent; {remedy}",
            code="invalid_api_key",
        )


def presented(headers: Headers) -> str:
    """The key in the headers of a request; empty if there is none."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return headers.get("x-api-key", "").strip()
