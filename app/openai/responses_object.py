"""The response object of OpenAI's Responses API, made of a solution and of what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.openai import chat_text
from app.openai.chat_prompt import Turn
from statespace.solutions import Failure, IncompleteReason, Metadata, Solution, Status
from statespace.trace import Transition

OUTPUT_LIMIT: Final = "max_output_tokens"
"""OpenAI's word for `max_tokens`; the other reasons keep ours."""
_PLAIN_TEXT: Final[Mapping[str, Any]] = {"format": {"type": "text"}}


class Wanted(BaseModel):
    """What a response repeats of its request, and what the next one needs of it."""

    model_config = ConfigDict(frozen=True)

    model: str
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    previous_response_id: str | None = None
    background: bool = False
    store: bool = True
    summary: str | None = None
    """Which summary of its reasoning; there is but one kind."""
    plain: bool = False
    """Whether it was asked no problem: what the model wrote is the message, in whatever form."""
    turns: tuple[Turn, ...] = ()
    """The conversation up to the question, without instructions."""


class ResponseObject(BaseModel):
    """OpenAI's object. Each reasoning item of `output` has its `transition` besides."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    completed_at: int | None
    status: Status
    background: bool
    error: dict[str, str | None] | None
    incomplete_details: Annotated[
        dict[str, str] | None,
        Field(description="`reason` is `max_output_tokens` or a reason of a solution's."),
    ]
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: None = None
    metadata: Metadata
    model: str
    output: list[dict[str, Any]]
    parallel_tool_calls: bool = False
    previous_response_id: str | None
    reasoning: dict[str, str | None]
    store: bool
    temperature: float
    text: dict[str, Any] = dict(_PLAIN_TEXT)
    tool_choice: Literal["none"] = "none"
    tools: list[Any] = []
    top_logprobs: int = 0
    top_p: float
    truncation: Literal["disabled"] = "disabled"
    usage: dict[str, Any] | None
    user: None = None
    solution: Annotated[
        dict[str, Any] | None,
        Field(description="Not OpenAI's: the answer, the strategy and the verdicts, at the end."),
    ]


def response_id(solution_id: str) -> str:
    """The id of the response that a solution is."""
    return f"resp_{_hex(solution_id)}"


def response_object(
    solution: Solution, wanted: Wanted, output: Sequence[dict[str, Any]] | None = None
) -> ResponseObject:
    """The response as `solution` stands; `output` are its items if they were made before."""
    over = solution.completed_at is not None
    return ResponseObject(
        id=response_id(solution.id),
        created_at=int(solution.created_at),
        completed_at=None if solution.completed_at is None else int(solution.completed_at),
        status=solution.status,
        background=wanted.background,
        error=_error(solution.error),
        incomplete_details=_incomplete(solution.incomplete_reason),
        instructions=wanted.instructions,
        max_output_tokens=wanted.max_output_tokens,
        metadata=solution.metadata,
        model=wanted.model,
        output=output_items(solution, wanted) if output is None else list(output),
        previous_response_id=wanted.previous_response_id,
        reasoning={"effort": None, "summary": wanted.summary},
        store=wanted.store,
        temperature=wanted.temperature,
        top_p=wanted.top_p,
        usage=_usage(solution, wanted) if over else None,
        solution=_told(solution) if over else None,
    )


def output_items(solution: Solution, wanted: Wanted) -> list[dict[str, Any]]:
    """A reasoning item for each transition, then the message once the solution is over."""
    transitions = () if wanted.plain else solution.transitions
    several = solution.has_several
    items = [
        reasoning_item(solution.id, transition, wanted, several=several)
        for transition in transitions
    ]
    if (message := message_item(solution, wanted)) is not None:
        items.append(message)
    return items


def reasoning_item(
    solution_id: str, transition: Transition, wanted: Wanted, *, several: bool
) -> dict[str, Any]:
    """A transition as an item: as text, as its own summary if that is wanted, and as it is."""
    text = chat_text.step(transition, several=several)
    return {
        "id": f"rs_{_hex(solution_id)}_{transition.id}",
        "type": "reasoning",
        "status": "completed",
        "summary": [{"type": "summary_text", "text": text}] if wanted.summary else [],
        "content": [{"type": "reasoning_text", "text": text}],
        "transition": transition.model_dump(mode="json"),
    }


def message_item(solution: Solution, wanted: Wanted) -> dict[str, Any] | None:
    """What the solution says in the end; None if it says nothing."""
    text = message_text(solution, wanted)
    if not text:
        return None
    return {
        "id": f"msg_{_hex(solution.id)}",
        "type": "message",
        "status": "completed" if solution.status == Status.COMPLETED else "incomplete",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }


def message_text(solution: Solution, wanted: Wanted) -> str:
    """The text of the message; empty if there is none."""
    if solution.completed_at is None:
        return ""
    return chat_text.ending(solution, (), plain=wanted.plain).content


def begun(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item before its content."""
    empty: dict[str, list[Any]] = {key: [] for key in ("summary", "content") if key in item}
    known = {key: value for key, value in item.items() if key != "transition"}
    return {**known, "status": "in_progress", **empty}


def _hex(solution_id: str) -> str:
    return solution_id.partition("_")[2]


def _error(failure: Failure | None) -> dict[str, str | None] | None:
    if failure is None:
        return None
    # OpenAI's codes are a closed list for typed clients; which error it is, is told by the type.
    return {"code": "server_error", "message": failure.message, "type": failure.type, "param": None}


def _incomplete(reason: IncompleteReason | None) -> dict[str, str] | None:
    if reason is None:
        return None
    return {"reason": OUTPUT_LIMIT if reason is IncompleteReason.MAX_TOKENS else reason.value}


def _usage(solution: Solution, wanted: Wanted) -> dict[str, Any]:
    """OpenAI has other names for the same numbers here than in chat completions."""
    usage = chat_text.usage([solution], plain=wanted.plain)
    return {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {**usage["prompt_tokens_details"], "cache_write_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": usage["completion_tokens_details"],
        "total_tokens": usage["total_tokens"],
    }


def _told(solution: Solution) -> dict[str, Any]:
    summary = chat_text.summary(solution)
    return {key: value for key, value in summary.items() if key not in ("id", "status")}
