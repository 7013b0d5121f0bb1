"""From a request of the Responses API to the solution that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import RequestError
from app.openai import model_names
from app.openai.chat_prompt import Asked, Turn, asked
from app.openai.chat_request import MAX_MESSAGES, Message
from app.openai.chat_runs import uses_context
from app.openai.responses_object import Wanted, message_text
from app.openai.responses_request import ResponsesRequest, turns
from app.settings import Settings
from statespace.solutions import MAX_QUESTION, MAX_TOKENS, Solution, SolutionRequest


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request comes to."""

    request: SolutionRequest
    wanted: Wanted


def plan(request: ResponsesRequest, before: Sequence[Turn], settings: Settings) -> Plan:
    """What is to be done for `request` after the turns `before`.

    Raises `RequestError` naming the field.
    """
    model, strategy = model_names.split(request.model, settings.served_name)
    conversation = [*before, *turns(request)]
    question = _asked(request.instructions, conversation, context=uses_context(settings, model))
    limit = min(request.max_output_tokens or settings.default_max_tokens, MAX_TOKENS)
    if not question.is_problem:
        strategy, limit = model_names.DEFAULT, min(limit, settings.chat_text_tokens)
    wanted = Wanted(
        model=request.model or settings.served_name,
        instructions=request.instructions,
        max_output_tokens=request.max_output_tokens,
        temperature=0.0 if request.temperature is None else request.temperature,
        top_p=1.0 if request.top_p is None else request.top_p,
        previous_response_id=request.previous_response_id,
        background=bool(request.background),
        store=request.store is not False,
        summary=request.reasoning and request.reasoning.summary,
        plain=not question.is_problem,
        turns=_newest(conversation),
    )
    return Plan(
        SolutionRequest(
            question=question.text,
            model=model,
            strategy=strategy,
            plain=not question.is_problem,
            max_tokens=limit,
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            background=wanted.background,
            store=wanted.store,
            metadata=request.metadata or {},
        ),
        wanted,
    )


def turns_after(solution: Solution, wanted: Wanted) -> list[Turn]:
    """The conversation up to the end of a response, for the one that goes on from it."""
    answer = message_text(solution, wanted)
    return [*wanted.turns, *([Turn("assistant", answer)] if answer else [])]


def in_input(error: RequestError) -> RequestError:
    """`error` about a conversation or a question, as one about the field that it came from."""
    for name in ("messages", "question"):
        if error.param == name:
            error.param = "input"
            error.message = error.message.replace(name, "input", 1)
    return error


def _asked(instructions: str | None, conversation: Sequence[Turn], *, context: bool) -> Asked:
    if len(conversation) > MAX_MESSAGES:
        raise RequestError(
            f"input: it makes a conversation of {len(conversation)} messages and {MAX_MESSAGES} "
            "are allowed; leave out what the problem does not need",
            param="input",
        )
    system = [Turn("system", instructions)] if instructions else []
    messages = [
        Message.model_validate({"role": turn.role, "content": turn.text})
        for turn in (*system, *conversation)
    ]
    try:
        return asked(messages, context=context)
    except RequestError as error:
        raise in_input(error) from None


def _newest(conversation: Sequence[Turn]) -> tuple[Turn, ...]:
    """The newest turns that a question has room for: what is kept must not grow without end."""
    room = MAX_QUESTION
    kept: list[Turn] = []
    for turn in reversed(conversation):
        room -= len(turn.text)
        if room < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))
