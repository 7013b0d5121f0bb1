"""`/v1/solutions`: a problem in, its state transitions out."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from app import sse
from app.bodies import described, read_body
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
    openapi_extra=described(SolutionRequest, EXAMPLES),
)
async def create_solution(request: Request) -> Response:
    """Solve a problem. With `stream`, every transition is sent as an event as it happens."""
    service: Service = request.app.state.service
    running = await service.begin(await read_body(request, SolutionRequest))
    if running.channel is not None:
        return _EventStream(running.channel, running.task, request.app.state.settings.heartbeat_s)
    if not await _ended_before_gone(request, running.task):
        return Response(status_code=CLIENT_GONE)
    return Response(running.task.result().model_dump_json(), media_type="application/json")


class _EventStream(Response):
    """The events of a run, which is cancelled however the response ends.

    A generator's own `finally` would not do: a client that leaves before the first piece, or while
    one is being sent, leaves the generator unstarted or suspended.
    """

    def __init__(self, channel: Channel, task: asyncio.Task[Solution], heartbeat_s: float) -> None:
        super().__init__(headers=sse.HEADERS, media_type=sse.MEDIA_TYPE)
        del self.headers["content-length"]
        self._channel = channel
        self._task = task
        self._heartbeat_s = heartbeat_s

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        watch = asyncio.create_task(self._watch(receive))
        try:
            await self._send(send)
        finally:
            watch.cancel()
            self._task.cancel()

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        channel = self._channel
        ended = False
        async with aclosing(channel.read(self._heartbeat_s)) as pieces:
            async for piece in pieces:
                ended = channel.ended
                body = {"type": "http.response.body", "body": piece, "more_body": not ended}
                await send(body)
        if not ended:
            await send({"type": "http.response.body", "body": b""})

    async def _watch(self, receive: Receive) -> None:
        """When the client goes away, nothing more is to be read."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._channel.close()


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
