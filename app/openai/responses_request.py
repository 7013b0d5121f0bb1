"""Requests of OpenAI's Responses API. Unknown fields are ignored, as its clients expect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from app.errors import RequestError
from app.openai.chat_prompt import Turn
from statespace.solutions import Metadata, Number

# Tuples, since what is looked for in them may be of any type.
ROLES: Final = ("user", "assistant", "system", "developer")
TEXTS: Final = ("input_text", "output_text", "text")
SKIPPED: Final = "reasoning"
"""The kind of items that clients send back with an output, and that are no part of the talk."""


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Reasoning(_Lenient):
    """What is to be told of the reasoning."""

    summary: Annotated[
        Literal["auto", "concise", "detailed"] | None,
        Field(description="Send each step as a summary too, for clients that show nothing else."),
    ] = None


class ResponsesRequest(_Lenient):
    """What is to be answered, and how."""

    input: Annotated[
        str | list[dict[str, Any]],
        Field(
            description="The problem, or messages of which the last user's is the problem.",
            examples=["What is 48 / 2 + 48?"],
        ),
    ]
    model: Annotated[
        str | None,
        Field(max_length=256, description="A name from /v1/models, with or without a strategy."),
    ] = None
    instructions: Annotated[str | None, Field(description="A system message.")] = None
    previous_response_id: Annotated[
        str | None, Field(max_length=64, description="A kept response that this one goes on from.")
    ] = None
    max_output_tokens: Annotated[
        int | None, Field(ge=1, description="Limit on generated tokens.")
    ] = None
    temperature: Annotated[Number | None, Field(ge=0, le=2)] = None
    top_p: Annotated[Number | None, Field(gt=0, le=1)] = None
    reasoning: Reasoning | None = None
    metadata: Metadata | None = None
    stream: Annotated[bool | None, Field(description="Answer with server-sent events.")] = None
    store: Annotated[
        bool | None, Field(description="Keep the response; true if it is not given.")
    ] = None
    background: Annotated[
        bool | None, Field(description="Go on when the client goes away; needs `store`.")
    ] = None
    conversation: Annotated[
        None, Field(description="Not kept here: use `previous_response_id`.")
    ] = None

    @field_validator("input", mode="before")
    @classmethod
    def _is_input(cls, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise PydanticCustomError("input", "must be a string or a list of messages")
        return value

    @field_validator("conversation", mode="before")
    @classmethod
    def _is_no_conversation(cls, value: Any) -> None:
        if value is not None:
            raise PydanticCustomError("input", "not kept here; use previous_response_id")


def turns(request: ResponsesRequest) -> Iterator[Turn]:
    """The messages of `input`. Raises `RequestError` for what is no text, naming it."""
    if isinstance(request.input, str):
        yield Turn(role="user", text=request.input)
        return
    for index, item in enumerate(request.input):
        kind = item.get("type", "message")
        if kind == SKIPPED:
            continue
        place = f"input[{index}]"
        if kind != "message":
            raise _refusal(f"{place}.type", "only messages with text are understood here")
        if (role := item.get("role")) not in ROLES:
            raise _refusal(f"{place}.role", f"must be one of {', '.join(ROLES)}")
        yield Turn(role=role, text=_text(item.get("content"), f"{place}.content"))


def _text(content: Any, place: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _refusal(place, "must be a string or a list of parts")
    return "\n".join(_parts(content, place))


def _parts(content: Iterable[Any], place: str) -> Iterator[str]:
    for index, part in enumerate(content):
        if not isinstance(part, dict) or part.get("type") not in TEXTS:
            raise _refusal(f"{place}[{index}]", "must be a part with text; leave others out")
        if not isinstance(text := part.get("text"), str):
            raise _refusal(f"{place}[{index}].text", "must be a string")
        yield text


def _refusal(param: str, remedy: str) -> RequestError:
    return RequestError(f"{param}: {remedy}", param=param)
