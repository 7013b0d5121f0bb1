"""`/v1/solutions`: a problem in, its state transitions out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response, StreamingResponse

from app import sse
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
    if body.stream:
        frames = running.frames(request.app.state.settings.heartbeat_s)
        return StreamingResponse(frames, media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)
    if not await _ended_before_gone(request, running.task):
        return Response(status_code=CLIENT_GONE)
    return Response(running.task.result().model_dump_json(), media_type="application/json")


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
