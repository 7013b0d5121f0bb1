"""The line that says how a request was answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from starlette.requests import Request
from starlette.types import Scope

logger = structlog.get_logger(__name__)

MAX_PATH: Final = 200
"""Characters of a path that are logged."""
MAX_HEADER: Final = 200
MAX_IDS: Final = 8
"""Solutions of one request that are named."""
POLLED: Final = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
"""What is asked for every few seconds: logged only for debugging."""


def log(scope: Scope, status: int | None, seconds: float, size: int) -> None:
    """How a request was answered; without its query, key and body, which hold secrets.

    Of the headers there are the agent, and the id that a client has given its request.
    """
    state = scope["state"]
    told: dict[str, Any] = {
        "method": scope["method"],
        "route": getattr(scope.get("route"), "path", None),
        "path": scope["path"][:MAX_PATH],
        "status": status,
        "seconds": round(seconds, 4),
        "bytes": size,
        "owner": state.get("owner"),
        "client": scope["client"][0] if scope.get("client") else None,
        "agent": _header(scope, b"user-agent"),
    }
    if made := state.get("solutions"):
        told["solution_id"] = made[0] if len(made) == 1 else made
    if refused := state.get("refused"):
        told["refused"] = refused
    if (theirs := _header(scope, b"x-request-id")) is not None:
        told["client_request_id"] = theirs
    if scope["path"] in POLLED:
        logger.debug("request", **told)
    else:
        logger.info("request", **told)


def made(request: Request, ids: Sequence[str]) -> None:
    """Have the line name the solutions that the request has made or found."""
    request.state.solutions = list(ids[:MAX_IDS])


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value[:MAX_HEADER].decode("latin-1"))
    return None
