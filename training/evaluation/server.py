"""A server as evaluation sees it: what it says it is, and solutions to questions.

Waits where the server asks to (`Retry-After` with 429 or 503), and tries again what may pass. What
is wrong with one problem is a value, `Unsolved`; what is wrong with all of them is EvaluationError.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx2
from pydantic import ValidationError

from statespace.solutions import Solution, Status
from training.errors import EvaluationError
from training.evaluation.options import Options

KEY_VARIABLE: Final = "STATEWISE_API_KEY"
CONNECT_S: Final = 10.0
MARGIN_S: Final = 30.0
"""How much longer than a solution's deadline its answer is waited for."""
MAX_WAIT_S: Final = 120.0
"""Longest wait that a server's `Retry-After` is believed."""
ATTEMPTS: Final = 3
"""How often a question is put to a server that fails on it."""
BUSY: Final = frozenset({408, 429, 503})
TOO_LARGE: Final = 413


@dataclass(frozen=True, slots=True)
class Unsolved:
    """The server gave no solution to one question."""

    reason: str


@dataclass(frozen=True, slots=True)
class Served:
    """What a server says of itself: the model that is evaluated, its entry and the versions."""

    model: str
    entry: dict[str, Any]
    version: dict[str, Any]


class Server:
    """One server. An async context manager; raises EvaluationError for a bad URL.

    `patience_s` bounds how long one question waits for a server that is full or cannot be reached.
    """

    def __init__(
        self, url: str, options: Options, *, connections: int = 16, patience_s: float = 60.0
    ) -> None:
        self.url = url.rstrip("/")
        self._options = options
        self._patience_s = patience_s
        try:
            # A proxy of the environment is not asked for: servers are named by the user.
            self._http = httpx2.AsyncClient(
                base_url=self.url,
                timeout=httpx2.Timeout(options.timeout_s + MARGIN_S, connect=CONNECT_S, pool=None),
                limits=httpx2.Limits(max_connections=connections),
                trust_env=False,
                headers=_key_header(),
            )
        except httpx2.InvalidURL as error:
            raise EvaluationError(f"{url} is no address of a server: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def served(self) -> Served:
        """What is served there. Raises EvaluationError if that is no Statewise server."""
        entries = await self._described("/v1/models")
        version = await self._described("/version")
        listed = entries.get("data") or [{}]
        first = listed[0] if isinstance(listed, list) and isinstance(listed[0], dict) else {}
        model = first.get("id") or version.get("model")
        if not model:
            raise EvaluationError(f"no Statewise server answers at {self.url}: it names no model")
        return Served(str(model), first, version)

    async def solve(self, question: str, sample: int) -> Solution | Unsolved:
        """A solution to `question`. Raises EvaluationError if no question can be solved there."""
        body = self._options.body(question, sample)
        reason = ""
        for _ in range(ATTEMPTS):
            response = await self._send("POST", "/v1/solutions", body)
            if isinstance(response, Unsolved):
                reason = response.reason
            elif response.status_code == httpx2.codes.OK:
                solution = self._solution(response)
                if not _is_broken_off(solution):
                    return solution
                reason = solution.error.message if solution.error else "the server was shut down"
            elif response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
                reason = _said(response)
            elif _is_about_the_question(response):
                return Unsolved(_said(response))
            else:
                raise EvaluationError(
                    f"{self.url} refuses these requests: {_said(response)}", response.status_code
                )
        return Unsolved(reason)

    async def _described(self, path: str) -> dict[str, Any]:
        response = await self._send("GET", path, None)
        if isinstance(response, Unsolved):
            raise EvaluationError(f"{self.url}{path}: {response.reason}")
        if response.status_code != httpx2.codes.OK:
            return {}
        try:
            found = response.json()
        except ValueError as error:
            raise EvaluationError(f"no Statewise server answers at {self.url}: {error}") from error
        return found if isinstance(found, dict) else {}

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None
    ) -> httpx2.Response | Unsolved:
        """A response that is not "later"; `Unsolved` if a connected server stays silent."""
        patience = time.monotonic() + self._patience_s
        for attempt in itertools.count():
            try:
                response = await self._http.request(method, path, json=body)
            except httpx2.ReadTimeout:
                return Unsolved(f"no answer within {self._options.timeout_s + MARGIN_S:.0f} s")
            except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
                raise EvaluationError(f"{self.url} is no address of a server: {error}") from error
            except httpx2.HTTPError as error:
                said = str(error) or type(error).__name__
                told, wait = f"no answer from {self.url}: {said}", _backoff(attempt)
            else:
                if response.status_code not in BUSY:
                    return response
                told = f"{self.url} takes no more: {_said(response)}"
                wait = _retry_after(response) or _backoff(attempt)
            if time.monotonic() + wait > patience:
                raise EvaluationError(f"{told} (tried for {self._patience_s:g} s)")
            await asyncio.sleep(wait)
        raise AssertionError("patience ends before")

    def _solution(self, response: httpx2.Response) -> Solution:
        try:
            return Solution.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the body"
            raise EvaluationError(
                f"{self.url} sent no solution that this version knows ({where}: {first['msg']}); "
                "is it a Statewise server of this version?"
            ) from error


def _is_broken_off(solution: Solution) -> bool:
    """Whether the server, not the model, is why there is no answer."""
    shut_down = solution.incomplete_reason == "shutdown"
    return shut_down or solution.status not in (Status.COMPLETED, Status.INCOMPLETE)


def _is_about_the_question(response: httpx2.Response) -> bool:
    """Whether another question may be answered: only this one is too long, say."""
    return response.status_code == TOO_LARGE or _error(response).get("param") == "question"


def _said(response: httpx2.Response) -> str:
    message = _error(response).get("message")
    return str(message) if message else f"it answered {response.status_code}"


def _error(response: httpx2.Response) -> dict[str, Any]:
    try:
        found = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(response: httpx2.Response) -> float | None:
    try:
        seconds = float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    # Not all at the same moment again.
    return min(max(0.0, seconds), MAX_WAIT_S) * random.uniform(1.0, 1.2)


def _key_header() -> dict[str, str]:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    return {"Authorization": f"Bearer {key}"} if key else {}


def _backoff(attempt: int) -> float:
    return float(min(10.0, 0.25 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0))
