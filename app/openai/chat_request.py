"""Requests of OpenAI's chat completions.

Unknown fields are ignored, as its clients expect: they send tools, stores of their own and what
was added yesterday. A field that is known and has the wrong type is an error that names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from statespace.solutions import Metadata, Number

MAX_CHOICES: Final = 8
MAX_STOPS: Final = 4
MAX_STOP: Final = 500
"""Characters of a text to stop at."""
MAX_MESSAGES: Final = 2048

_TEXT: Final = {"type": "string"}
_PART: Final = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": _TEXT},
    "required": ["type", "text"],
}
_CONTENT: Final = {"anyOf": [_TEXT, {"type": "array", "items": _PART}, {"type": "null"}]}
_STOP: Final = {
    "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "maxItems": MAX_STOPS}, {"type": "null"}]
}


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Message(_Lenient):
    """One turn of the conversation; `app.openai.chat_prompt` reads its content."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[Any, WithJsonSchema(_CONTENT)] = None


class StreamOptions(_Lenient):
    """What a stream is to carry."""

    include_usage: bool | None = None


def _listed(value: object) -> object:
    """`stop` is a string, a list or null."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


Stops = Annotated[
    list[Annotated[str, Field(max_length=MAX_STOP)]],
    BeforeValidator(_listed),
    Field(max_length=MAX_STOPS, description="Texts that end the answer; the first is cut off."),
    WithJsonSchema(_STOP),
]


class ChatRequest(_Lenient):
    """A conversation whose last user turn is the problem. Unknown fields are ignored."""

    messages: Annotated[Sequence[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    model: Annotated[
        str | None, Field(max_length=256, description="A name from /v1/models; default: the first.")
    ] = None
    stream: Annotated[bool | None, Field(description="Answer with server-sent events.")] = None
    stream_options: StreamOptions | None = None
    n: Annotated[
        int | None, Field(ge=1, le=MAX_CHOICES, description="Solutions to make, each a choice.")
    ] = None
    stop: Stops = []
    max_completion_tokens: Annotated[
        int | None, Field(ge=1, description="Limit on generated tokens, reasoning included.")
    ] = None
    max_tokens: Annotated[
        int | None, Field(ge=1, description="The older name of `max_completion_tokens`.")
    ] = None
    temperature: Annotated[
        Number | None,
        Field(ge=0, le=2, description="Default: 0, which is greedy; 1 if there are more choices."),
    ] = None
    top_p: Annotated[Number | None, Field(gt=0, le=1)] = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
    store: Annotated[
        bool | None, Field(description="Keep the solutions, for /v1/solutions/{id}.")
    ] = None
    metadata: Metadata | None = None
    user: Annotated[str | None, Field(max_length=512, description="Not used.")] = None
    max_transitions: Annotated[
        int | None, Field(ge=1, le=1000, description="Not OpenAI's: a limit on transitions.")
    ] = None
    timeout_s: Annotated[
        Number | None, Field(gt=0, le=86_400, description="Not OpenAI's: a deadline.")
    ] = None

    @property
    def choices(self) -> int:
        """How many solutions are to be made."""
        return self.n or 1

    @property
    def token_limit(self) -> int | None:
        """Generated tokens, by whichever name they were limited."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk that says what was used."""
        return bool(self.stream_options and self.stream_options.include_usage)
