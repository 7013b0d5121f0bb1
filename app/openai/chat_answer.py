"""A chat completion that is not streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.openai import chat_text
from app.openai.chat_stream import Head
from statespace.solutions import Solution


class Message(BaseModel):
    """What the assistant says."""

    role: Literal["assistant"] = "assistant"
    content: Annotated[str, Field(description="Summarize's output; empty if there is none.")]
    refusal: None = None
    reasoning_content: Annotated[
        str | None, Field(description="The steps as text, each with its verdict.")
    ]
    reasoning: Annotated[str | None, Field(description="The same, under its other name.")]
    state_transitions: Annotated[
        list[dict[str, Any]],
        Field(description="The transitions as in a solution; checks have their `index` besides."),
    ]


class Choice(BaseModel):
    """One solution."""

    index: int
    message: Message
    logprobs: None = None
    finish_reason: Literal["stop", "length"]
    solution: Annotated[
        dict[str, Any],
        Field(description="Its `id`, `status`, `incomplete_reason`, `answer` and verdicts."),
    ]


class ChatCompletion(BaseModel):
    """OpenAI's object, with the structure of the steps in fields of our own."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: None = None
    choices: list[Choice]
    usage: dict[str, Any]


def chat_completion(head: Head, solutions: Sequence[Solution]) -> ChatCompletion:
    """The answer made of solutions that are over, each a choice; none of them has failed."""
    choices = [_choice(head, index, solution) for index, solution in enumerate(solutions)]
    used = chat_text.usage(solutions, plain=head.plain)
    return ChatCompletion(**head.object("chat.completion"), choices=choices, usage=used)


def _choice(head: Head, index: int, solution: Solution) -> Choice:
    end = chat_text.ending(solution, head.stops, plain=head.plain)
    transitions = () if head.plain else solution.transitions
    reasoning = ("" if head.plain else chat_text.steps(solution)) + end.reasoning or None
    message = Message(
        content=end.content,
        reasoning_content=reasoning,
        reasoning=reasoning,
        state_transitions=list(map(chat_text.structure, transitions)),
    )
    return Choice(
        index=index,
        message=message,
        finish_reason=end.finish_reason,
        solution=chat_text.summary(solution),
    )
