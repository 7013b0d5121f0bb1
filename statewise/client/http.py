"""How both clients use HTTP: addresses, keys, timeouts, and what its errors mean."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx2

from statewise.client.calls import Call
from statewise.client.errors import (
    KEY_VARIABLE,
    GatewayError,
    ProtocolError,
    ServerError,
    UnreachableError,
    refusal,
)

URL: Final = "http://127.0.0.1:8000"
CONNECT_S: Final = 5.0
SILENCE_S: Final = 60.0
"""Longest silence: in a stream a server sends a comment well before that."""
MAX_EVENT: Final = 1 << 28
"""Bytes of an event; the last one has the whole solution."""
PAGE: Final = 100
"""Solutions that are asked for at a time."""
GONE: Final = 404
LEAVE_S: Final = 5.0
"""How long the end of a solution that nobody reads any more is asked for."""


def settings(url: str, api_key: str | None, connections: int | None) -> dict[str, Any]:
    """The arguments of an HTTP client."""
    key = (api_key if api_key is not None else os.environ.get(KEY_VARIABLE, "")).strip()
    return {
        "base_url": url.rstrip("/"),
        # Waiting for a connection is no sign of a fault.
        "timeout": httpx2.Timeout(SILENCE_S, connect=CONNECT_S, pool=None),
        "limits": httpx2.Limits(max_connections=connections),
        # A proxy of the environment is not asked for: servers are named by the user.
        "trust_env": False,
        "headers": {"authorization": f"Bearer {key}"} if key else {},
    }


def may_repeat(call: Call[Any], error: ServerError) -> bool:
    """Whether `call` may be sent again after `error`: it is known not to have been served."""
    if call.repeatable or error.refused:
        return True
    return error.status is not None and not isinstance(error, GatewayError)


def no_address(url: str, error: Exception) -> ServerError:
    """The error for a URL that is none."""
    return ServerError(f"{url} is no address of a server: {error}")


def arguments(call: Call[Any], stack: ExitStack, timeout_s: float | None) -> dict[str, Any]:
    """The arguments of a request; `stack` closes what it opens."""
    found: dict[str, Any] = {"headers": dict(call.headers), "params": dict(call.params)}
    if (timeout_s := timeout_s or call.silence_s) is not None:
        found["timeout"] = httpx2.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S), pool=None)
    if call.content is not None:
        found["content"] = call.content
    if call.upload is not None:
        name, source = call.upload
        file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        found["files"] = {"file": (name, file)}
        found["data"] = {"purpose": "batch"}
    return found


def check(response: httpx2.Response) -> None:
    """Raises `ServerError` for a response that was read and is no success."""
    if not response.is_success:
        raise refusal(response.status_code, response.headers, response.content)


def meaning(url: str, error: httpx2.HTTPError | httpx2.InvalidURL) -> ServerError:
    """The client's error for one of HTTP."""
    told = str(error) or type(error).__name__
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return no_address(url, error)
    if isinstance(error, httpx2.DecodingError | httpx2.TooManyRedirects | httpx2.SSEError):
        return ProtocolError(f"no Statewise server answers at {url}: {told}")
    refused = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
    return UnreachableError(f"no answer from {url}: {told}", refused=refused)
