"""What decides the text that a teacher writes, and how it is reached."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from statespace.trace import Frozen
from training import manifest
from training.errors import TeacherError
from training.rows import Origin, TraceRow
from training.traces.teacher import prompts


class Message(Frozen):
    """A turn of a chat."""

    role: str
    content: str


class Unit(Frozen):
    """One completion to be asked for. `row` is its outcome, but for the trace."""

    row: TraceRow
    messages: tuple[Message, ...]
    seed: int


class Sampling(Frozen):
    """Everything that a completion depends on; where it is asked for does not change its key."""

    model: Annotated[str, Field(min_length=1)]
    prompt: prompts.Kind
    origin: Origin = "teacher"
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    seed: Annotated[int, Field(ge=0)] = 0
    body: Annotated[
        dict[str, Any], Field(description="Further fields of a request; null leaves one out.")
    ] = Field(default_factory=dict)

    @field_validator("body", mode="before")
    @classmethod
    def _object(cls, body: object) -> object:
        """Accepts JSON text, as an option holds it."""
        try:
            return json.loads(body) if isinstance(body, str) else body
        except ValueError as error:
            raise ValueError(f"write a JSON object ({error})") from error

    @property
    def digest(self) -> str:
        """The recipe's part of every key; a reworded prompt changes it too."""
        return manifest.key(self.model_dump(), prompts.digest(self.prompt))

    def seed_of(self, key: str) -> int:
        """A unit's seed, 31 bits wide, which every server takes; order does not change it."""
        digest = hashlib.sha256(f"{self.seed}\0{key}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1


class Endpoint(Frozen):
    """Where the completions come from, and how hard it may be pressed."""

    urls: Annotated[tuple[str, ...], Field(min_length=1)]
    key_variable: Annotated[
        str | None, Field(description="The environment variable that holds the key.")
    ] = None
    concurrency: Annotated[int, Field(ge=1)] = 16
    requests_per_minute: Annotated[float | None, Field(gt=0)] = None
    tokens_per_minute: Annotated[float | None, Field(gt=0)] = None
    timeout_s: Annotated[float, Field(gt=0, description="Of one request.")] = 120.0
    deadline_s: Annotated[float, Field(gt=0, description="Of a unit, with its retries.")] = 600.0
    give_up_after: Annotated[int, Field(ge=1, description="Failed units in a row.")] = 32

    @field_validator("urls")
    @classmethod
    def _bases(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("write a base URL such as http://127.0.0.1:8000/v1")
            if parts.username or parts.password or parts.query:
                raise ValueError("put the key into an environment variable, not into the URL")
        return tuple(url.rstrip("/").removesuffix("/chat/completions") for url in urls)

    @model_validator(mode="after")
    def _times(self) -> Self:
        if self.deadline_s < self.timeout_s:
            raise ValueError("deadline_s must be at least timeout_s")
        return self

    def share(self, count: int) -> Endpoint:
        """What each of `count` processes may do so that all together stay within the limits."""
        return self.model_copy(
            update={
                "concurrency": max(1, self.concurrency // count),
                "requests_per_minute": _part(self.requests_per_minute, count),
                "tokens_per_minute": _part(self.tokens_per_minute, count),
            }
        )

    def key(self, environment: Mapping[str, str] = os.environ) -> SecretStr | None:
        """The key; it is never written anywhere. Raises TeacherError if it should be there."""
        if self.key_variable is None:
            return None
        if not (key := environment.get(self.key_variable, "").strip()):
            raise TeacherError(
                f"--key-env: the environment variable {self.key_variable} is not set or empty"
            )
        if not (key.isascii() and key.isprintable()):
            raise TeacherError(f"--key-env: {self.key_variable} holds characters no key has")
        return SecretStr(key)


def _part(limit: float | None, count: int) -> float | None:
    return None if limit is None else limit / count
