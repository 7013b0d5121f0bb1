"""One vLLM server elsewhere, over its OpenAI routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx2
import orjson

from app.errors import EngineStartError, RequestError, UnknownModelError

CONNECT_S: Final = 3.0
ASK_S: Final = 5.0
"""What a server has to answer a question that needs no model."""
IDLE_S: Final = 2.0
"""How long a connection is kept for the next request: less than servers keep theirs (vLLM: 5 s),
so that none is written to while it is being closed."""
MAX_ANSWER: Final = 4_000_000
"""Bytes of an answer that is no stream."""
MAX_TOLD: Final = 300
"""Characters of a server's own message that are repeated."""
RETRY_S: Final = 5.0
MAX_RETRY_S: Final = 60.0
PROBE: Final = "Ann has 3 pens. She buys 44 more."
"""A text whose ids tell tokenizers apart."""
_JSON: Final = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class LostError(Exception):
    """The server cannot be reached, or has ended or fallen silent in the middle of an answer."""


class FullError(Exception):
    """The server takes no more for now."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("full")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Served:
    """A model that a server has loaded."""

    name: str
    root: str
    """Where the server has it from: a folder on its own disk or a hub id."""
    max_context: int
    adapters: frozenset[str] = frozenset()
    """LoRA adapters on it, each a model name of its own."""


def client(key: str | None, silence_s: float) -> httpx2.AsyncClient:
    """Connections to all servers; a read that takes `silence_s` fails."""
    return httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {key}"} if key else None,
        timeout=httpx2.Timeout(silence_s, connect=CONNECT_S, pool=None),
        limits=httpx2.Limits(max_keepalive_connections=64, keepalive_expiry=IDLE_S),
    )


class Upstream:
    """Whether a server can be asked, how much it is asked, and the asking."""

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        self.url = url
        self.up = False
        """Whether it answered when it was last asked."""
        self.busy = 0
        """Streams that are open."""
        self.turn = 0
        """When it was last chosen."""
        self.failures = 0
        """Probes and streams that have failed since it was last found well twice."""
        self.trouble = ""
        """Why it is not up."""
        self._http = http

    async def probe(self) -> None:
        """Raises `LostError` if it does not say that it can work."""
        status, _ = await self._ask("GET", "/health")
        # What stands before several servers may pass on only what begins with /v1.
        if status not in {httpx2.codes.OK, httpx2.codes.NOT_FOUND}:
            raise LostError(f"it answers /health with {status}")

    async def served(self, model: str | None) -> Served:
        """Its model of that name or root, or else its first.

        Raises `LostError`, and `EngineStartError` if it is no vLLM server.
        """
        status, body = await self._ask("GET", "/v1/models")
        if status == httpx2.codes.NOT_FOUND:
            raise EngineStartError(f"{self.url} has no /v1/models; name a vLLM server")
        if status != httpx2.codes.OK:
            raise LostError(f"it answers /v1/models with {status}")
        try:
            rows = orjson.loads(body)["data"]
            found = [
                Served(
                    str(row["id"]),
                    str(row.get("root") or row["id"]),
                    int(row["max_model_len"]),
                    frozenset(str(one["id"]) for one in rows if one.get("parent") == row["id"]),
                )
                for row in rows
                if row.get("parent") is None
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineStartError(
                f"{self.url} does not list models as vLLM does ({error!r}); name a vLLM server"
            ) from error
        named = [one for one in found if model in (one.name, one.root)]
        if not found:
            raise EngineStartError(f"{self.url} serves no model")
        return (named or found)[0]

    async def tokens(self, model: str) -> list[int] | None:
        """Its ids for the text `PROBE`; None if it does not say. Raises `LostError`."""
        asked = {"model": model, "prompt": PROBE, "add_special_tokens": False}
        status, body = await self._ask("POST", "/tokenize", orjson.dumps(asked))
        try:
            ids = orjson.loads(body)["tokens"] if status == httpx2.codes.OK else None
        except (KeyError, TypeError, ValueError):
            return None
        return ids if isinstance(ids, list) else None

    @asynccontextmanager
    async def completion(
        self, body: bytes, trace: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """The bytes of a stream; leaving the block closes the connection, which ends the work.

        Raises `LostError`, also inside the block, `FullError`, and `RequestError` if the server
        does not take the request: `UnknownModelError` if it does not have the model.
        """
        self.busy += 1
        try:
            async with self._http.stream(
                "POST",
                f"{self.url}/v1/completions",
                content=body,
                headers={**_JSON, **(trace or {})},
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    raise _refusal(response, await _read(response))
                async with aclosing(response.aiter_raw()) as pieces:
                    yield pieces
        except httpx2.HTTPError as error:
            raise LostError(_why(error)) from error
        finally:
            self.busy -= 1

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        try:
            async with (
                asyncio.timeout(ASK_S),
                self._http.stream(
                    method,
                    self.url + path,
                    content=body,
                    headers=_JSON if body else None,
                    timeout=ASK_S,
                ) as response,
            ):
                answer = await _read(response)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise LostError(_why(error)) from error
        if response.status_code in {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}:
            raise EngineStartError(
                f"{self.url} refuses the key; set STATEWISE_UPSTREAM_KEY to one that it takes"
            )
        return response.status_code, answer


async def _read(response: httpx2.Response) -> bytes:
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_ANSWER:
            raise httpx2.ReadError(f"the answer is longer than {MAX_ANSWER} bytes")
    return body


def _refusal(response: httpx2.Response, body: bytes) -> Exception:
    """What an answer that is no stream means."""
    status, told = response.status_code, _message(body)
    if status in {httpx2.codes.TOO_MANY_REQUESTS, httpx2.codes.SERVICE_UNAVAILABLE}:
        return FullError(_seconds(response.headers.get("retry-after", "")))
    if status == httpx2.codes.NOT_FOUND:
        return UnknownModelError(told)
    if status in {httpx2.codes.BAD_REQUEST, httpx2.codes.UNPROCESSABLE_CONTENT}:
        return RequestError(told)
    return LostError(f"it answers with {status}: {told}")  # vLLM says 500 while it shuts down


def _message(body: bytes) -> str:
    try:
        found = orjson.loads(body)
        return str(found["error"]["message"])[:MAX_TOLD]
    except (KeyError, TypeError, ValueError):
        return body[:MAX_TOLD].decode(errors="replace")


def _seconds(header: str) -> float:
    return min(float(header), MAX_RETRY_S) if header.isdecimal() else RETRY_S


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
