"""`/v1/responses`: OpenAI's Responses API. A response is a kept solution in another format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from app.errors import NotFoundError, RequestError, StoreError
from app.keeping.library import not_found
from app.openai.chat_prompt import Turn
from app.openai.responses_events import ResponsesSink, converted
from app.openai.responses_object import ResponseObject, Wanted, response_object
from app.openai.responses_plan import Plan, in_input, plan, turns_after
from app.openai.responses_request import ResponsesRequest
from app.solving.order import Order, Running
from app.solving.service import Service
from app.solving.sinks import Sink
from app.store.solutions import Kept
from app.web import sse
from app.web.access_log import made
from app.web.bodies import described, read_body
from app.web.channel import Channel
from app.web.connection import while_connected
from app.web.streams import FrameResponse
from statespace.solutions import Solution

router = APIRouter(prefix="/v1", tags=["responses"])

KIND: Final = "response"
COMMIT_PATIENCE_S: Final = 5.0
"""How long an answer waits to be kept, so that the next request can name it."""
_LAST: Final = 2**31 - 1
_ID: Final = re.compile("resp_([0-9a-f]{32})")
EXAMPLES: Final[dict[str, Any]] = {
    "plain": {"value": {"input": "What is 12 * 7?"}},
    "streamed": {"value": {"input": "What is 12 * 7?", "stream": True}},
    "background": {"value": {"input": "What is 12 * 7?", "background": True}},
    "messages": {
        "value": {
            "instructions": "You solve school problems.",
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Ann has 3 pens and buys 4. Now?"}],
                },
                {"role": "assistant", "content": "The final answer is \\boxed{7}."},
                {"role": "user", "content": "She loses 2. How many has she now?"},
            ],
            "max_output_tokens": 200,
        }
    },
}
_STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {sse.MEDIA_TYPE: {}}, "description": "The response, or its events."}
}


class DeletedResponse(BaseModel):
    """What was deleted."""

    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


@router.post(
    "/responses",
    response_model=ResponseObject,
    responses=_STREAMED,
    openapi_extra=described(ResponsesRequest, EXAMPLES),
)
async def create_response(request: Request) -> Response:
    """Solve the problem of the last user message: a reasoning item for each step, then a message.

    `previous_response_id` puts the messages of a kept response in front.
    """
    service: Service = request.app.state.service
    body = await read_body(request, ResponsesRequest)
    planned = plan(body, await _before(request, body), request.app.state.settings)
    # What is not kept is sent as it comes; all else is followed like any kept solution, so that
    # nothing that was seen can be lost, and the next request can name it.
    channel = Channel() if body.stream and not planned.wanted.store else None
    running = await while_connected(request, _begin(request, planned, channel))
    made(request, [running.id])
    left = (lambda: None) if planned.wanted.background else running.cancel
    if channel is not None:
        return FrameResponse(channel.read(_heartbeat(request)), left)
    if body.stream:
        frames = service.library.follow(running.id, -1, _heartbeat(request))
        return FrameResponse(converted(frames, running.id, planned.wanted), left)
    if planned.wanted.background:
        return _json(running.run.record.solution(), planned.wanted)
    try:
        solution = await while_connected(request, _solved(service, running, planned.wanted))
    finally:
        running.cancel()
    return _json(solution, planned.wanted)


@router.get("/responses/{response_id}", response_model=ResponseObject, responses=_STREAMED)
async def get_response(
    request: Request,
    response_id: str,
    stream: bool = False,
    starting_after: Annotated[int, Query(ge=-1, le=_LAST)] = -1,
) -> Response:
    """A response as it stands; with `stream` its events after number `starting_after`, and then
    those to come."""
    service: Service = request.app.state.service
    kept, wanted = await _kept(request, response_id)
    if not stream:
        return _json(await service.solution(kept), wanted)
    frames = service.library.follow(kept.id, -1, _heartbeat(request))
    return FrameResponse(converted(frames, kept.id, wanted, starting_after))


@router.post("/responses/{response_id}/cancel", response_model=ResponseObject)
async def cancel_response(request: Request, response_id: str) -> Response:
    """End a response; one that has ended stays as it is."""
    service: Service = request.app.state.service
    kept, wanted = await _kept(request, response_id)
    return _json(await service.cancel(kept.id, kept.owner, KIND), wanted)


@router.delete("/responses/{response_id}", response_model=DeletedResponse)
async def delete_response(request: Request, response_id: str) -> DeletedResponse:
    """Delete a response and its events; one that is being made is cancelled first."""
    service: Service = request.app.state.service
    kept, _ = await _kept(request, response_id)
    await service.delete(kept.id, kept.owner, KIND)
    return DeletedResponse(id=response_id)


async def _begin(request: Request, planned: Plan, channel: Channel | None) -> Running:
    service: Service = request.app.state.service

    def sinks(solution_id: str) -> Sequence[Sink]:
        if channel is None:
            return ()
        return (ResponsesSink(solution_id, planned.wanted, channel.send, channel.close),)

    extra = planned.wanted.model_dump(mode="json")
    order = Order(planned.request, request.state.key, sinks, kind=KIND, extra=extra)
    try:
        begun = await service.begin(order)
    except RequestError as error:
        raise in_input(error) from None
    assert isinstance(begun, Running), "nothing was kept under no idempotency key"
    return begun


async def _solved(service: Service, running: Running, wanted: Wanted) -> Solution:
    """The solution at its end, once it is kept or the store has been waited for long enough."""
    solution = await running.solution()
    if wanted.store:
        with suppress(StoreError):
            await service.library.written(running.id, COMMIT_PATIENCE_S)
    return solution


async def _before(request: Request, body: ResponsesRequest) -> Sequence[Turn]:
    """The conversation that `body` goes on with."""
    if (previous := body.previous_response_id) is None:
        return ()
    try:
        kept, wanted = await _kept(request, previous)
    except NotFoundError as error:
        raise NotFoundError(
            f"previous_response_id: {error.message}",
            param="previous_response_id",
            code="previous_response_not_found",
        ) from None
    if not kept.over:
        raise RequestError(
            f"previous_response_id: {previous!r} is still being made; wait for its end",
            param="previous_response_id",
        )
    service: Service = request.app.state.service
    return turns_after(await service.solution(kept), wanted)


async def _kept(request: Request, response_id: str) -> tuple[Kept, Wanted]:
    """Raises `NotFoundError` for another owner's as for none."""
    service: Service = request.app.state.service
    if found := _ID.fullmatch(response_id):
        with suppress(NotFoundError):
            kept = await service.library.get(f"sol_{found[1]}", request.state.key.name, KIND)
            return kept, Wanted.model_validate(kept.extra)
    raise not_found(response_id)


def _heartbeat(request: Request) -> float:
    seconds: float = request.app.state.settings.heartbeat_s
    return seconds


def _json(solution: Solution, wanted: Wanted) -> Response:
    written = response_object(solution, wanted).model_dump_json()
    return Response(written, media_type="application/json")
