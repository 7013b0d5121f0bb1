"""`/v1/solutions`: a problem in, its state transitions out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app import sse
from app.channel import Channel
from app.service import Service
from statespace.solutions import Solution, SolutionRequest

router = APIRouter(prefix="/v1", tags=["solutions"])

CLIENT_GONE: Final = 499

EXAMPLES: Final[dict[str, Any]] = {
    "plain": {
        "value": {"question": "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"}
    },
    "streamed": {"value": {"question": "What is 12 * 7?", "stream": True, "deltas": True}},
}


@router.post(
    "/solutions",
    response_model=Solution,
    responses={
        200: {"content": {sse.MEDIA_TYPE: {}}, "description": "The solution, or its events."}
    },
)
async def create_solution(
    request: Request, body: Annotated[SolutionRequest, Body(openapi_examples=EXAMPLES)]
) -> Response:
    """Solve a problem. With `stream`, every transition is sent as an event as it happens."""
    service: Service = request.app.state.service
    running = await service.begin(body)
    if running.channel is not None:
        return _EventStream(running.channel, running.task, request.app.state.settings.heartbeat_s)
    if not await _ended_before_gone(request, running.task):
        return Response(status_code=CLIENT_GONE)
    return Response(running.task.result().model_dump_json(), media_type="application/json")


class _EventStream(StreamingResponse):
    """The events of a run, which is cancelled however the response ends.

    A generator's own `finally` would not do: a client that leaves before the first piece, or while
    one is being sent, leaves the generator unstarted or suspended.
    """

    def __init__(self, channel: Channel, task: asyncio.Task[Solution], heartbeat_s: float) -> None:
        super().__init__(channel.read(heartbeat_s), headers=sse.HEADERS, media_type=sse.MEDIA_TYPE)
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._task.cancel()


async def _ended_before_gone(request: Request, task: asyncio.Task[Solution]) -> bool:
    """Wait for the run; if the client goes away first, cancel it: the server would not notice."""
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.done()
    finally:
        gone.cancel()
        task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
