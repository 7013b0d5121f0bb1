"""`/v1/solutions`: a problem in, its state transitions out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query as QueryParameter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from app.access.keys import Key
from app.errors import RequestError
from app.formats import FORMATS, Name
from app.formats.asking import Asked
from app.formats.base import written
from app.solving import forks
from app.solving.forks import Fork
from app.solving.order import Idempotency, Order, Running
from app.solving.service import Service
from app.store.solutions import Kept, Query
from app.web import sse
from app.web.access_log import made
from app.web.bodies import described, read_body, read_object
from app.web.channel import Channel
from app.web.connection import while_connected
from app.web.streams import FrameResponse, Frames
from statespace.solutions import ForkRequest, Solution, SolutionRequest, Status

router = APIRouter(prefix="/v1", tags=["solutions"])

EXAMPLES: Final[dict[str, Any]] = {
    "plain": {
        "value": {"question": "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"}
    },
    "streamed": {"value": {"question": "What is 12 * 7?", "stream": True, "deltas": True}},
    "background": {"value": {"question": "What is 12 * 7?", "background": True}},
}
FORK_EXAMPLES: Final[dict[str, Any]] = {
    "again": {"value": {"state": 1, "strategy": "guided"}},
    "corrected": {"value": {"state": 2, "output": "48 / 2 = 24", "stream": True}},
}
MAX_KEY: Final = 255
_STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {sse.MEDIA_TYPE: {}}, "description": "The solution, or its events."}
}


def _header(name: str, description: str) -> dict[str, Any]:
    """A header that a handler reads itself, for OpenAPI."""
    schema = {"type": "string", "maxLength": MAX_KEY}
    return {"name": name, "in": "header", "description": description, "schema": schema}


Format = Annotated[
    Name | None, QueryParameter(description="Answer with a stream in another client's format.")
]


@dataclass(frozen=True, slots=True)
class Shape:
    """In what shape a stream is sent: that of another client, or our own."""

    format: Name | None
    asked: Asked | None

    def response(self, frames: Frames, left: Callable[[], None] = lambda: None) -> Response:
        """The stream of native `frames`."""
        if self.format is None:
            return FrameResponse(frames, left)
        format = FORMATS[self.format]
        return FrameResponse(written(frames, format, self.asked), left, format.headers)


NATIVE: Final = Shape(None, None)
_IDEMPOTENT: Final = {
    "parameters": [_header("Idempotency-Key", "The same key and body get the same solution.")]
}


class SolutionPage(BaseModel):
    """A page of solutions."""

    object: Literal["list"] = "list"
    data: list[Solution]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    """What was deleted."""

    id: str
    object: Literal["solution"] = "solution"
    deleted: Literal[True] = True


@router.post(
    "/solutions",
    response_model=Solution,
    responses=_STREAMED,
    openapi_extra=described(SolutionRequest, EXAMPLES) | _IDEMPOTENT,
)
async def create_solution(request: Request, format: Format = None) -> Response:
    """Solve a problem. With `stream`, every transition is sent as an event as it happens.

    With the header `Idempotency-Key`, the same request sent again gets the same solution. With
    `format` it is a stream for another client, which may also ask in its own shape.
    """
    if format is None:
        return await _solve(request, await read_body(request, SolutionRequest))
    asked = FORMATS[format].asked(await read_object(request))
    return await _solve(request, asked.request, shape=Shape(format, asked))


@router.post(
    "/solutions/{solution_id}/fork",
    response_model=Solution,
    responses=_STREAMED,
    openapi_extra=described(ForkRequest, FORK_EXAMPLES) | _IDEMPOTENT,
)
async def fork_solution(request: Request, solution_id: str, format: Format = None) -> Response:
    """Go on from a state of a solution, as it is or with an `output` of your own, in a new one.

    It shares the path up to that state; what is sent and returned is as for a new solution.
    """
    service: Service = request.app.state.service
    wanted = await read_body(request, ForkRequest)
    owner = _key(request).name
    if (running := service.running(solution_id, owner)) is not None:
        solution = running.run.record.solution()
    else:
        solution = await service.solution(await service.library.get(solution_id, owner))
    made = forks.fork(solution, wanted)
    again = forks.request_of(solution, wanted)
    if format is None:
        return await _solve(request, again, made)
    again = again.model_copy(update={"stream": True})
    return await _solve(request, again, made, shape=Shape(format, Asked(again)))


async def _solve(
    request: Request,
    wanted: SolutionRequest,
    fork: Fork | None = None,
    *,
    shape: Shape = NATIVE,
) -> Response:
    service: Service = request.app.state.service
    channel = Channel() if wanted.stream and not wanted.background else None
    idempotency = await _idempotency(request, wanted)
    order = Order(
        wanted,
        _key(request),
        stream=None if channel is None else channel.stream,
        idempotency=idempotency,
        extra=None if fork is None else fork.extra(),
    )
    begun = await while_connected(request, service.begin(order))
    made(request, [begun.id])
    if isinstance(begun, Kept):
        return await _answer_again(request, begun, wanted, shape)
    if channel is not None:
        # A client that has named its request comes back for it.
        left = begun.cancel if idempotency is None else (lambda: None)
        return shape.response(channel.read(_heartbeat(request)), left)
    if wanted.background:
        if wanted.stream:
            return shape.response(service.library.follow(begun.id, -1, _heartbeat(request)))
        return _json(begun.run.record.solution())
    return _json(await _awaited(request, begun, wanted=idempotency is not None))


@router.get("/solutions", response_model=SolutionPage)
async def list_solutions(  # noqa: PLR0913, PLR0917
    request: Request,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    after: Annotated[str | None, QueryParameter(max_length=64)] = None,
    order: Literal["asc", "desc"] = "desc",
    status: Status | None = None,
    model: Annotated[str | None, QueryParameter(max_length=256)] = None,
    strategy: Annotated[str | None, QueryParameter(max_length=64)] = None,
) -> Response:
    """Kept solutions, newest first; `after` is the last id of the page before."""
    service: Service = request.app.state.service
    filters = {"status": status and status.value, "model": model, "strategy": strategy}
    query = Query(
        _key(request).name,
        limit=limit,
        after=after,
        ascending=order == "asc",
        filters={name: value for name, value in filters.items() if value is not None},
    )
    kept, more = await service.library.page(query)
    page = {
        "object": "list",
        "data": [orjson.Fragment(await _written(service, one)) for one in kept],
        "first_id": kept[0].id if kept else None,
        "last_id": kept[-1].id if kept else None,
        "has_more": more,
    }
    return Response(orjson.dumps(page), media_type="application/json")


@router.get("/solutions/{solution_id}", response_model=Solution)
async def get_solution(request: Request, solution_id: str) -> Response:
    """A solution as it stands."""
    service: Service = request.app.state.service
    owner = _key(request).name
    if (running := service.running(solution_id, owner)) is not None:
        return _json(running.run.record.solution())
    kept = await service.library.get(solution_id, owner)
    return Response(await _written(service, kept), media_type="application/json")


@router.get(
    "/solutions/{solution_id}/events",
    responses={**_STREAMED, 204: {"description": "Nothing is to come."}},
    openapi_extra={
        "parameters": [_header("Last-Event-ID", "The number of the last event that was seen.")]
    },
)
async def follow_solution(
    request: Request,
    solution_id: str,
    starting_after: Annotated[int | None, QueryParameter(ge=-1, lt=2**31)] = None,
    format: Format = None,
) -> Response:
    """Its events from the first, or after the one that `Last-Event-ID` or `starting_after` names,
    and then those to come. 204 if there are none to come.

    In a `format` of another client it is read from the beginning.
    """
    service: Service = request.app.state.service
    owner = _key(request).name
    after = _last_seen(request, starting_after)
    if format is not None and after >= 0:
        told = "starting_after: a format is read from the beginning; leave it out"
        raise RequestError(told, param="starting_after")
    if service.running(solution_id, owner) is None:
        kept = await service.library.get(solution_id, owner)
        if kept.over and after >= kept.last_sequence:
            return Response(status_code=204)
    frames = service.library.follow(solution_id, after, _heartbeat(request))
    return (NATIVE if format is None else Shape(format, None)).response(frames)


@router.post("/solutions/{solution_id}/cancel", response_model=Solution)
async def cancel_solution(request: Request, solution_id: str) -> Response:
    """End a solution; one that has ended stays as it is."""
    service: Service = request.app.state.service
    return _json(await service.cancel(solution_id, _key(request).name))


@router.delete("/solutions/{solution_id}", response_model=Deleted)
async def delete_solution(request: Request, solution_id: str) -> Deleted:
    """Delete a solution and its events; one that is being made is cancelled first."""
    service: Service = request.app.state.service
    await service.delete(solution_id, _key(request).name)
    return Deleted(id=solution_id)


async def _answer_again(
    request: Request, kept: Kept, wanted: SolutionRequest, shape: Shape
) -> Response:
    """The answer to a request that was made before."""
    service: Service = request.app.state.service
    if wanted.stream:
        return shape.response(service.library.follow(kept.id, -1, _heartbeat(request)))
    if not wanted.background:
        patience_s = wanted.timeout_s or request.app.state.settings.default_timeout_s
        kept = await while_connected(request, service.library.ended(kept, patience_s))
    return _json(await service.solution(kept))


async def _awaited(request: Request, running: Running, *, wanted: bool) -> Solution:
    """The solution at its end; unless `wanted` all the same, a client that goes away ends it."""
    try:
        return await while_connected(request, running.solution())
    finally:
        if not wanted:
            running.cancel()


async def _idempotency(request: Request, wanted: SolutionRequest) -> Idempotency | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not wanted.store:
        raise RequestError(
            "Idempotency-Key: what is not kept cannot be found again; leave it or store out",
            param="Idempotency-Key",
        )
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise RequestError(
            f"Idempotency-Key: must be 1 to {MAX_KEY} printable characters",
            param="Idempotency-Key",
        )
    return Idempotency(key, _digest(request.url.path, await request.body()))


def _digest(path: str, body: bytes) -> str:
    """What makes two requests the same; of a new solution it is the body alone."""
    forked = b"" if path.endswith("/solutions") else path.encode() + b"\n"
    return hashlib.sha256(forked + body).hexdigest()


def _last_seen(request: Request, starting_after: int | None) -> int:
    """The newest event that the client has: a browser that comes back sends both."""
    first = -1 if starting_after is None else starting_after
    header = request.headers.get("last-event-id", "").strip()
    if not header:
        return first
    if not (header.isascii() and header.isdigit() and len(header) < 10):
        raise RequestError(
            "Last-Event-ID: must be the number of an event, as its id: field has it",
            param="Last-Event-ID",
        )
    return max(first, int(header))


async def _written(service: Service, kept: Kept) -> str:
    """A solution's JSON; of one that is over, as it was kept."""
    return kept.body if kept.over else (await service.solution(kept)).model_dump_json()


def _key(request: Request) -> Key:
    key: Key = request.state.key
    return key


def _heartbeat(request: Request) -> float:
    seconds: float = request.app.state.settings.heartbeat_s
    return seconds


def _json(solution: Solution) -> Response:
    return Response(solution.model_dump_json(), media_type="application/json")
