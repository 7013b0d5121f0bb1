"""A server as a batch sees it: it answers a line, refuses it, or cannot be asked any more."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any, Final

import orjson

from statewise.client import AsyncClient, RefusedError, ServerError
from statewise.client.attempts import backoff
from statewise.client.calls import JSON, Call

ATTEMPTS: Final = 3
"""How often a line is put to a server that fails on it."""
ANSWER_S: Final = 86_400.0
"""A line's own `timeout_s` is the server's affair; this only ends what never would."""
OK: Final = 200
INTERNAL: Final = 500
SHUT_DOWN: Final = 503
NO_JSON: Final = 502
REFUSED: Final = frozenset({401, 403})
"""Statuses that all lines would get."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says to a line."""

    status: int
    request_id: str
    body: Any


async def ask(client: AsyncClient, path: str, body: dict[str, Any]) -> Reply:
    """The answer to a line. Raises `ServerError` if no line can be asked there now."""
    call = Call("POST", path, orjson.loads, orjson.dumps(body), JSON, silence_s=ANSWER_S)
    for attempt in itertools.count(1):
        reply = await _reply(client, call)
        if reply.status < INTERNAL or attempt == ATTEMPTS:
            return reply
        await asyncio.sleep(backoff(attempt))
    raise AssertionError("attempts end before")


async def _reply(client: AsyncClient, call: Call[Any]) -> Reply:
    """What is said; a run that the server has broken off is a failure of its own."""
    try:
        content, request_id = await client.exchange(call)
    except RefusedError as error:
        if error.passing:
            raise ServerError(f"{client.url} takes no more: {error}") from error
        if error.status in REFUSED:
            raise
        return Reply(error.status, error.request_id or "", error.body)
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        told = {"message": content[:500].decode(errors="replace"), "type": "server_error"}
        return Reply(NO_JSON, request_id, {"error": told})
    if (broken := _broken_off(body)) is not None:
        return Reply(broken, request_id, {"error": body.get("error"), "solution": body})
    return Reply(OK, request_id, body)


def _broken_off(body: Any) -> int | None:
    """The status that says that the server, and not the model, has ended it."""
    solutions = [body, *(choice.get("solution", {}) for choice in body.get("choices", []))]
    if any(solution.get("incomplete_reason") == "shutdown" for solution in solutions):
        return SHUT_DOWN
    return INTERNAL if body.get("status") in ("failed", "cancelled") else None
