"""One completion from an OpenAI-compatible endpoint, in spite of what can go wrong on the way.

Retried: 408, 409, 425, 429, 5xx, timeouts, connections that break, answers that are cut off or are
no chat completion. Final for a unit: other 4xx, an answer without text. Final for all: 401, 403 and
404 before anything went well, which mean a wrong key, URL or model.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Final, Self

import httpx2
from pydantic import BaseModel, ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from training.errors import TeacherError
from training.rows import Reason, RejectedRow
from training.shards import Outcome
from training.traces.teacher.pace import Average, Backoff, Pace, retry_after
from training.traces.teacher.sampling import Endpoint, Sampling, Unit

MAX_ANSWER: Final = 8 * 1024 * 1024
"""Bytes of an answer that are read."""
_RETRIED: Final = frozenset({408, 409, 425, 429})
_MISCONFIGURED: Final = frozenset({401, 403, 404})
_CHARACTERS_PER_TOKEN: Final = 3
_EXCERPT: Final = 200


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    total_tokens: int = 0


class Completion(BaseModel):
    """The part of a chat completion that is read."""

    choices: list[_Choice]
    usage: _Usage | None = None


class UnitError(Exception):
    """This unit fails, and would fail again."""


class PassingError(Exception):
    """May go well next time; `after` is how many seconds the server asks for."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Client:
    """Asks for completions. An asynchronous context manager.

    Raises TeacherError if the endpoint refuses every request of this kind.
    """

    def __init__(self, endpoint: Endpoint, sampling: Sampling) -> None:
        self._endpoint = endpoint
        self._sampling = sampling
        self._secret = endpoint.key()
        self._requests = Pace(endpoint.requests_per_minute)
        self._tokens = Pace(endpoint.tokens_per_minute)
        self._typical = Average()
        self._works = False  # whether there was a completion yet
        headers = {}
        if self._secret:
            headers["Authorization"] = f"Bearer {self._secret.get_secret_value()}"
        self._http = httpx2.AsyncClient(
            headers=headers,
            timeout=endpoint.timeout_s,
            limits=httpx2.Limits(
                max_connections=endpoint.concurrency, max_keepalive_connections=endpoint.concurrency
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def complete(self, unit: Unit) -> Outcome:
        """The unit's row with its trace, or as a failure that says why."""
        try:
            text = await self._retried(unit)
        except (UnitError, PassingError) as error:
            detail = self._redacted(str(error))
            return RejectedRow(**unit.row.model_dump(), reason=Reason.FAILED, detail=detail)
        return unit.row.model_copy(update={"trace": text})

    async def _retried(self, unit: Unit) -> str:
        asked = 0.0  # seconds spent on requests; waiting for one's turn does not count

        def late(state: RetryCallState) -> bool:
            spent = asked + state.idle_for + state.upcoming_sleep
            return spent >= self._endpoint.deadline_s

        attempts = AsyncRetrying(
            wait=Backoff(), stop=late, retry=retry_if_exception_type(PassingError), reraise=True
        )
        async for attempt in attempts:
            with attempt:
                guess = await self._turn(unit)
                began = time.monotonic()
                try:
                    async with asyncio.timeout(self._endpoint.timeout_s):
                        body = await self._post(unit, attempt.retry_state.attempt_number - 1)
                except TimeoutError as error:
                    limit = f"{self._endpoint.timeout_s:g} s"
                    raise PassingError(f"no answer within {limit}") from error
                finally:
                    asked += time.monotonic() - began
                return self._text(body, guess)
        raise AssertionError("the last attempt is raised again")

    async def _turn(self, unit: Unit) -> float:
        """Waits until the limits allow a request; returns the tokens that it is taken to cost."""
        characters = sum(len(message.content) for message in unit.messages)
        guess = self._typical.get(self._sampling.max_tokens + characters / _CHARACTERS_PER_TOKEN)
        await self._requests.take()
        await self._tokens.take(guess)
        return guess

    async def _post(self, unit: Unit, attempt: int) -> bytes:
        """The body of a good answer. Raises PassingError, UnitError, TeacherError."""
        urls = self._endpoint.urls
        url = urls[(int(unit.row.key, 16) + attempt) % len(urls)]
        body = self._body(unit)
        try:
            async with self._http.stream("POST", f"{url}/chat/completions", json=body) as response:
                answer = b""
                async for piece in response.aiter_bytes():
                    answer += piece
                    if len(answer) > MAX_ANSWER:
                        raise UnitError(f"the answer is longer than {MAX_ANSWER} bytes")
        except httpx2.HTTPError as error:
            raise PassingError(f"{type(error).__name__}: {error}") from error
        if response.status_code != httpx2.codes.OK:
            self._refuse(url, response, answer)
        return answer

    def _body(self, unit: Unit) -> dict[str, Any]:
        sampling = self._sampling
        body = {
            "model": sampling.model,
            "messages": [message.model_dump() for message in unit.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": unit.seed,
            "stream": False,
            **sampling.body,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _refuse(self, url: str, response: httpx2.Response, body: bytes) -> None:
        """Raises what a status other than 200 means."""
        status = response.status_code
        excerpt = body[:_EXCERPT].decode(errors="replace").strip()
        said = f"{status} {response.reason_phrase}: {excerpt}"
        if status in _MISCONFIGURED and not self._works:
            raise TeacherError(
                self._redacted(
                    f"{url} refuses requests ({said}); check --url (it ends in /v1, as a rule), "
                    "--model and --key-env, then run again"
                )
            )
        if status in _RETRIED or status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            after = retry_after(response.headers.get("retry-after"))
            if after and after >= self._endpoint.deadline_s:
                raise TeacherError(
                    f"{url} asks to come back in {after:.0f} s, which is beyond --deadline: run "
                    "again then; what was made is kept"
                )
            self._requests.hold(after or 0.0)
            raise PassingError(said, after)
        raise UnitError(said)

    def _text(self, body: bytes, guess: float) -> str:
        """What a completion says. Raises PassingError, UnitError."""
        try:
            completion = Completion.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise PassingError(f"not a chat completion: {key} {first['msg']}".strip()) from error
        if completion.usage and completion.usage.total_tokens > 0:
            self._typical.add(completion.usage.total_tokens)
            self._tokens.settle(guess, completion.usage.total_tokens)
        if not completion.choices:
            raise PassingError("not a chat completion: choices is empty")
        self._works = True
        choice = completion.choices[0]
        if choice.finish_reason is None:
            raise PassingError("the answer is cut off: it has no finish_reason")
        if not (choice.message.content or "").strip():
            raise UnitError(f"the answer holds no text (finish_reason {choice.finish_reason})")
        return choice.message.content or ""

    def _redacted(self, text: str) -> str:
        """Text without the key, which servers like to quote."""
        return text.replace(self._secret.get_secret_value(), "***") if self._secret else text
