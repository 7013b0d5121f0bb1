"""What goes wrong between a client and a server.

    ServerError              base; `status` is None unless the server has answered
    ├── UnreachableError     no server answers there, or it fell silent and did not come back
    ├── LostError            the connection was cut, and the solution was not stored
    ├── ProtocolError        what answers is no Statewise server, or a newer one than this client
    └── RefusedError         an error object: `status`, `code`, `type`, `param`, `request_id`
        ├── BadRequestError      400, 413  `param` names the field
        ├── KeyRefusedError      401
        ├── ForbiddenError       403
        ├── NotFoundError        404       also what another key owns
        ├── ConflictError        409
        ├── RateLimitError       429       `retry_after`
        ├── UnavailableError     503       `retry_after`: starting, full, draining, engine away
        └── InternalError        500, and what proxies say

A solution that has failed is no exception: it is a `Solution` with an `error`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

KEY_VARIABLE: Final = "STATEWISE_API_KEY"
"""The environment variable that holds the API key, for servers that need one."""
MAX_RETRY_AFTER_S: Final = 120.0
"""A server never asks for a longer wait; what is told otherwise is no Statewise server."""


class ServerError(Exception):
    """Base of all errors of a client."""

    passing = False
    """Whether the same request may succeed later."""
    refused = False
    """Whether there was no connection at all."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class UnreachableError(ServerError):
    """No answer: there is no server, or the connection was cut."""

    passing = True

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class LostError(ServerError):
    """The connection was cut, and nothing brings back what was not stored."""


class ProtocolError(ServerError):
    """The answer is not one of a Statewise server, or not one that this version knows."""


class RefusedError(ServerError):
    """The server answered with an error."""

    status: int

    def __init__(  # noqa: PLR0913
        self,
        message: str,
        status: int,
        *,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, status)
        self.code = code
        self.type = type
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        """Seconds after which it is worth to try again, if the server has said so."""
        self.body = body or {"error": {"message": message, "type": "server_error"}}
        """The whole answer."""


class BadRequestError(RefusedError):
    """The request cannot be served as it is."""


class KeyRefusedError(RefusedError):
    """There is no API key, or one that is not known."""


class ForbiddenError(RefusedError):
    """The key may not do this."""


class NotFoundError(RefusedError):
    """It does not exist, or belongs to another key."""


class ConflictError(RefusedError):
    """It cannot be done to what stands in the way."""


class RateLimitError(RefusedError):
    """A limit of the key is reached."""

    passing = True


class UnavailableError(RefusedError):
    """The server is starting, full, shutting down, or without its engine."""

    passing = True


class InternalError(RefusedError):
    """The server, or a proxy before it, has failed."""


class GatewayError(InternalError):
    """A proxy has no answer of the server."""

    passing = True


_KINDS: Final[Mapping[int, type[RefusedError]]] = {
    401: KeyRefusedError,
    403: ForbiddenError,
    404: NotFoundError,
    408: GatewayError,
    409: ConflictError,
    429: RateLimitError,
    502: GatewayError,
    503: UnavailableError,
    504: GatewayError,
}
_INTERNAL: Final = 500


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> RefusedError:
    """The error that a response with a status other than 2xx is."""
    body = _object(content)
    found = body.get("error")
    error: dict[str, Any] = found if isinstance(found, dict) else {}
    message = str(error.get("message") or f"the server answered {status}")
    if status == 401:
        message += f"; this client takes the key from {KEY_VARIABLE}"
    kind = _KINDS.get(status) or (InternalError if status >= _INTERNAL else BadRequestError)
    return kind(
        message,
        status,
        code=_text(error, "code"),
        type=_text(error, "type"),
        param=_text(error, "param"),
        request_id=_text(body, "request_id") or headers.get("x-request-id"),
        retry_after=_retry_after(headers),
        body=body,
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    return None if value is None else str(value)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """What the server asks for: milliseconds if it gives them, else whole seconds."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        return min(max(0.0, seconds), MAX_RETRY_AFTER_S)
    return None
