"""Requests in the shape of another client: the last message of the user is the problem."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from app.errors import RequestError
from app.web.failures import from_validation
from statespace.solutions import SolutionRequest

OURS: Final = frozenset(SolutionRequest.model_fields) - {"question", "stream"}
"""Fields of a request that such a client may give beside its messages."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be solved, and what the client calls it."""

    request: SolutionRequest
    thread: str | None = None
    run: str | None = None


def request_of(messages: Any, options: Mapping[str, Any]) -> SolutionRequest:
    """A request for the last message of the user. Raises `RequestError` naming the field."""
    known = {name: value for name, value in options.items() if name in OURS}
    return _checked({**known, "question": _question(messages)})


def native(body: Mapping[str, Any]) -> Asked:
    """A request in our own shape. Raises `RequestError`."""
    return Asked(_checked(body))


def _checked(fields: Mapping[str, Any]) -> SolutionRequest:
    try:
        # As JSON: a list is no tuple, and an object no model, to a strict check of values.
        return SolutionRequest.model_validate_json(json.dumps({**fields, "stream": True}))
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False), skipped=0) from error


def _question(messages: Any) -> str:
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise RequestError("messages: must be a list of messages", param="messages")
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            return "\n".join(_texts(message))
    raise RequestError("messages: none is the user's; the last of them is solved", param="messages")


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    """Its texts: a content, or parts of it under either name."""
    content = message.get("content", message.get("parts"))
    if isinstance(content, str):
        yield content
        return
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict) or part.get("type") not in ("text", "step-start"):
            raise RequestError("messages: only text can be solved", param="messages")
        if isinstance(text := part.get("text"), str):
            yield text
