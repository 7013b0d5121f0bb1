"""What a line of a batch may ask for, and how it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from app.access.admission import Priority
from app.access.keys import NOBODY
from app.errors import RequestError, UnavailableError
from app.openai import chat_runs, chat_text
from app.openai.chat_answer import chat_completion
from app.openai.chat_request import ChatRequest
from app.settings import Settings
from app.solving.order import Order, Running
from app.solving.service import Service
from statespace.solutions import IncompleteReason, Solution, SolutionRequest, Status


@dataclass(frozen=True, slots=True)
class Answer:
    """The body that the route would have answered with, and what it cost."""

    body: bytes
    usage: dict[str, int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route that batches may name."""

    request: type[BaseModel]
    not_here: tuple[str, ...]
    """Fields that must not be true in a batch."""
    answer: Callable[[Service, Settings, Any], Awaitable[Answer]]


def check(endpoint: Endpoint, request: BaseModel) -> None:
    """Raises `RequestError` naming the field that makes no sense in a batch."""
    for name in endpoint.not_here:
        if getattr(request, name):
            raise RequestError(f"{name}: not in a batch; leave it out", param=name)


async def _solution(service: Service, _: Settings, request: SolutionRequest) -> Answer:
    request = request.model_copy(update={"store": False})
    # Not the owner's key: its limits per minute are for requests that somebody waits for.
    running = await service.begin(Order(request, NOBODY, priority=Priority.BATCH))
    assert isinstance(running, Running), "nothing was kept under no idempotency key"
    (solution,) = await _ends([running])
    return Answer(solution.model_dump_json().encode(), _usage([solution], plain=False))


async def _chat(service: Service, settings: Settings, request: ChatRequest) -> Answer:
    planned = chat_runs.plan(request.model_copy(update={"store": False}), settings)
    begun = await chat_runs.begin(service, planned, NOBODY, priority=Priority.BATCH)
    solutions = await _ends(begun)
    completion = chat_completion(planned.head, solutions)
    return Answer(
        completion.model_dump_json().encode(), _usage(solutions, plain=planned.head.plain)
    )


async def _ends(begun: Sequence[Running]) -> list[Solution]:
    """The solutions at their ends; if the caller is cancelled, so are they.

    Raises the error of one that has failed, `UnavailableError` if the server has ended one.
    """
    try:
        solutions = list(await asyncio.gather(*(running.solution() for running in begun)))
    finally:
        chat_runs.cancel(begun)
    for solution in solutions:
        reason = solution.incomplete_reason
        if solution.status == Status.CANCELLED or reason == IncompleteReason.SHUTDOWN:
            raise UnavailableError("the server is shutting down", retry_after=10, code="draining")
        if (failed := solution.error) is not None:
            raise chat_runs.error_of(failed)
    return solutions


def _usage(solutions: Sequence[Solution], *, plain: bool) -> dict[str, int]:
    """Tokens, under the names that a batch has for them."""
    used = chat_text.usage(solutions, plain=plain)
    return {
        "input_tokens": used["prompt_tokens"],
        "output_tokens": used["completion_tokens"],
        **used["prompt_tokens_details"],
        **used["completion_tokens_details"],
    }


ENDPOINTS: Final = {
    "/v1/solutions": Endpoint(SolutionRequest, ("stream", "background", "retry"), _solution),
    "/v1/chat/completions": Endpoint(ChatRequest, ("stream",), _chat),
}
