"""From a chat request to the solutions that answer it, one for each choice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.access.admission import Priority
from app.access.keys import Key
from app.engines.checkpoint import profile
from app.errors import AppError, EngineAwayError, EngineError, RequestError, UnavailableError
from app.openai import model_names
from app.openai.chat_prompt import asked
from app.openai.chat_request import ChatRequest
from app.openai.chat_stream import CANCELLED, Head
from app.settings import Settings
from app.solving.order import Order, Running
from app.solving.service import Service
from app.solving.sinks import Sink
from statespace.solutions import MAX_TOKENS, Failure, Solution, SolutionRequest, Status

SEEDS: Final = 2**63
"""Seeds are taken modulo this: OpenAI's may be negative."""
RETRY_S: Final = 5.0
"""When to ask again what the engine had no room for."""

ChoiceSinks = Callable[[int], Sequence[Sink]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a chat request comes to."""

    head: Head
    requests: tuple[SolutionRequest, ...]
    """One for each choice."""


def plan(request: ChatRequest, settings: Settings) -> Plan:
    """What is to be done for `request`. Raises `RequestError` naming the field."""
    model, strategy = model_names.split(request.model, settings.served_name)
    question = asked(request.messages, context=uses_context(settings, model))
    limit = min(request.token_limit or settings.default_max_tokens, MAX_TOKENS)
    if not question.is_problem:
        strategy, limit = model_names.DEFAULT, min(limit, settings.chat_text_tokens)
    # Several greedy solutions would be the same one.
    temperature = float(request.choices > 1) if request.temperature is None else request.temperature
    requests = tuple(
        SolutionRequest(
            question=question.text,
            model=model,
            strategy=strategy,
            plain=not question.is_problem,
            max_tokens=limit,
            temperature=temperature,
            seed=None if request.seed is None else (request.seed + index) % SEEDS,
            store=bool(request.store),
            metadata=request.metadata or {},
            timeout_s=request.timeout_s,
            **_given(top_p=request.top_p, max_transitions=request.max_transitions),
        )
        for index in range(request.choices)
    )
    name = request.model or settings.served_name
    return Plan(Head(name, plain=not question.is_problem, stops=request.stop), requests)


async def begin(
    service: Service,
    planned: Plan,
    key: Key,
    sinks: ChoiceSinks = lambda _: (),
    priority: Priority = Priority.INTERACTIVE,
) -> list[Running]:
    """Begin the solutions of all choices, or of none. Raises what `Service.begin` does."""
    orders = [
        _order(request, key, priority, sinks(index))
        for index, request in enumerate(planned.requests)
    ]
    # Together: one after the other, each could wait as long for its place as one may.
    tasks = [asyncio.ensure_future(_begun(service, order)) for order in orders]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        cancel([end for end in ends if isinstance(end, Running)])
        raise


async def solve(
    service: Service, planned: Plan, key: Key, priority: Priority = Priority.INTERACTIVE
) -> list[Solution]:
    """The solutions of all choices at their ends; if the caller is cancelled, so are they.

    Raises what `begin` does, and the error of a solution that has failed.
    """
    begun = await begin(service, planned, key, priority=priority)
    try:
        solutions = list(await asyncio.gather(*(running.solution() for running in begun)))
    finally:
        cancel(begun)
    for solution in solutions:
        if solution.status in (Status.FAILED, Status.CANCELLED):
            raise error_of(solution.error or CANCELLED)
    return solutions


def cancel(begun: Sequence[Running]) -> None:
    """End what still runs of them."""
    for running in begun:
        running.cancel()


def uses_context(settings: Settings, model: str | None = None) -> bool:
    """Whether the model is given what was said before the problem.

    A checkpoint with a card has been trained on single problems, and is served as it was trained
    unless a setting says otherwise; so is an adapter.
    """
    if settings.chat_context is not None:
        return settings.chat_context
    if model not in (None, settings.served_name):
        return False
    known = settings.checkpoint
    return known is None or profile(settings.profile, known) != "trained"


async def _begun(service: Service, order: Order) -> Running:
    """Begin one. What is wrong with its question is wrong with the messages."""
    try:
        running = await service.begin(order)
    except RequestError as error:
        if error.param == "question":
            error.message = error.message.replace("question", "messages", 1)
            error.param = "messages"
        raise
    assert isinstance(running, Running), "nothing was kept under no idempotency key"
    return running


def _order(request: SolutionRequest, key: Key, priority: Priority, sinks: Sequence[Sink]) -> Order:
    return Order(request, key, sinks=lambda _: sinks, priority=priority)


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value; the others keep their defaults."""
    return {name: value for name, value in fields.items() if value is not None}


def error_of(failure: Failure) -> AppError:
    """What has failed in the run, as an error of the request."""
    if failure.code == EngineAwayError.CODE:
        return EngineAwayError(failure.message)
    if failure.type == UnavailableError.type:
        return UnavailableError(failure.message, retry_after=RETRY_S, code=failure.code or "full")
    for kind in (RequestError, EngineError):
        if kind.type == failure.type:
            return kind(failure.message, code=failure.code)
    return AppError(failure.message, code=failure.code)
