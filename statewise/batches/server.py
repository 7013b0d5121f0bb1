"""A server as a batch sees it: it answers a line, refuses it, or cannot be asked any more."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx2
import orjson

from statewise.client import ServerError, key_header

ATTEMPTS: Final = 3
"""How often a line is put to a server that fails on it."""
CONNECT_S: Final = 10.0
ANSWER_S: Final = 86_400.0
"""A line's own `timeout_s` is the server's affair; this only ends what never would."""
MAX_WAIT_S: Final = 120.0
LATER: Final = frozenset({408, 429, 503})
"""Statuses that say nothing of the line."""
REFUSED: Final = frozenset({401, 403})
"""Statuses that all lines would get."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says to a line."""

    status: int
    request_id: str
    body: Any


class Server:
    """One server. An async context manager. Raises `ServerError` for a bad URL."""

    def __init__(self, url: str, connections: int, patience_s: float) -> None:
        self._url = url
        self._patience_s = patience_s
        self._answered_at = 0.0
        try:
            self._http = httpx2.AsyncClient(
                base_url=url,
                timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
                limits=httpx2.Limits(max_connections=connections),
                trust_env=False,
                headers=key_header(),
            )
        except httpx2.InvalidURL as error:
            raise ServerError(f"{url} is no address of a server: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def ask(self, path: str, body: dict[str, Any]) -> Reply:
        """The answer to a line. Raises `ServerError` if no line can be asked there now."""
        for attempt in itertools.count(1):
            reply = await self._post(path, body)
            if reply.status in REFUSED:
                raise ServerError(_said(reply), reply.status)
            if reply.status < httpx2.codes.INTERNAL_SERVER_ERROR or attempt == ATTEMPTS:
                return reply
            await asyncio.sleep(_backoff(attempt))
        raise AssertionError("attempts end before")

    async def _post(self, path: str, body: dict[str, Any]) -> Reply:
        """A reply that is not "later"; patience begins anew with each line that is answered."""
        began = time.monotonic()
        for attempt in itertools.count():
            try:
                response = await self._http.post(path, json=body)
            except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
                raise ServerError(f"{self._url} is no address of a server: {error}") from error
            except httpx2.HTTPError as error:
                told = f"no answer from {self._url}: {error or type(error).__name__}"
                wait_s = _backoff(attempt)
            else:
                reply = _reply(response)
                if reply.status not in LATER:
                    self._answered_at = time.monotonic()
                    return reply
                told = f"{self._url} takes no more: {_said(reply)}"
                wait_s = _retry_after(response) or _backoff(attempt)
            patience = max(began, self._answered_at) + self._patience_s
            if time.monotonic() + wait_s > patience:
                raise ServerError(f"{told} (tried for {self._patience_s:g} s)")
            await asyncio.sleep(wait_s)
        raise AssertionError("patience ends before")


def _reply(response: httpx2.Response) -> Reply:
    """A response; a run that the server has broken off is a failure of its own."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = {"error": {"message": response.text[:500], "type": "server_error"}}
    status = response.status_code
    if status == httpx2.codes.OK and (broken := _broken_off(body)) is not None:
        status, body = broken, {"error": body.get("error"), "solution": body}
    return Reply(status, response.headers.get("x-request-id", ""), body)


def _broken_off(body: Any) -> int | None:
    """The status that says that the server, and not the model, has ended it."""
    if not isinstance(body, dict):
        return httpx2.codes.BAD_GATEWAY
    solutions = [body, *(choice.get("solution", {}) for choice in body.get("choices", []))]
    if any(solution.get("incomplete_reason") == "shutdown" for solution in solutions):
        return httpx2.codes.SERVICE_UNAVAILABLE
    if body.get("status") in ("failed", "cancelled"):
        return httpx2.codes.INTERNAL_SERVER_ERROR
    return None


def _said(reply: Reply) -> str:
    try:
        return str(reply.body["error"]["message"])
    except (KeyError, TypeError):
        return f"it answered {reply.status}"


def _retry_after(response: httpx2.Response) -> float | None:
    try:
        seconds = float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return min(max(0.0, seconds), MAX_WAIT_S) * random.uniform(1.0, 1.2)


def _backoff(attempt: int) -> float:
    return float(min(10.0, 0.25 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0))
