"""`/v1/batches`: a file of requests, answered within a day, in OpenAI's format."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query as QueryParameter, Request
from pydantic import BaseModel, ConfigDict, Field

from app.batches.endpoints import ENDPOINTS
from app.batches.office import Office, Wanted
from app.errors import RequestError
from app.routes.files import LONGEST_S, SHORTEST_S
from app.store.batches import Batch
from app.store.pages import Page
from app.web.bodies import described, read_body
from statespace.solutions import Metadata

router = APIRouter(prefix="/v1/batches", tags=["batches"])

TIMES: Final = (
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)


class OutputExpires(BaseModel):
    """When the output and error files are deleted."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=SHORTEST_S, le=LONGEST_S)]


class BatchRequest(BaseModel):
    """What is to be answered. Unknown fields are ignored, as OpenAI's clients expect."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    input_file_id: Annotated[
        str, Field(max_length=64, description="An uploaded file with the purpose `batch`.")
    ]
    endpoint: Annotated[
        str, Field(max_length=64, description=f"{' or '.join(ENDPOINTS)}; that of every line.")
    ]
    completion_window: Literal["24h"]
    metadata: Metadata | None = None
    output_expires_after: OutputExpires | None = None


class Counts(BaseModel):
    """Lines; those that nobody answered are among the failed ones at the end."""

    total: int
    completed: int
    failed: int


class BatchObject(BaseModel):
    """OpenAI's object."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    model: str
    errors: Annotated[
        dict[str, Any] | None,
        Field(description="What is wrong with the input, each with `code`, `line`, `message`."),
    ]
    input_file_id: str
    completion_window: str
    status: str
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: Counts
    usage: dict[str, Any] | None
    metadata: dict[str, str] | None


class BatchPage(BaseModel):
    """A page of batches."""

    object: Literal["list"] = "list"
    data: list[BatchObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


@router.post("", response_model=BatchObject, openapi_extra=described(BatchRequest, {}))
async def create_batch(request: Request) -> BatchObject:
    """Have all lines of an uploaded file answered."""
    wanted = await read_body(request, BatchRequest)
    if wanted.endpoint not in ENDPOINTS:
        known = " or ".join(ENDPOINTS)
        raise RequestError(f"endpoint: must be {known}", param="endpoint")
    expires = wanted.output_expires_after
    batch = await _office(request).create(
        request.state.key.name,
        Wanted(
            endpoint=wanted.endpoint,
            input_file_id=wanted.input_file_id,
            window=wanted.completion_window,
            metadata=wanted.metadata,
            output_expires_s=None if expires is None else expires.seconds,
        ),
    )
    return _object(request, batch)


@router.get("", response_model=BatchPage)
async def list_batches(
    request: Request,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    after: Annotated[str | None, QueryParameter(max_length=64)] = None,
) -> BatchPage:
    """Batches, newest first; `after` is the last id of the page before."""
    page = Page(request.state.key.name, limit, after)
    found, more = await _office(request).batches.page(page)
    data = [_object(request, batch) for batch in found]
    ends = (data[0].id, data[-1].id) if data else (None, None)
    return BatchPage(data=data, first_id=ends[0], last_id=ends[1], has_more=more)


@router.get("/{batch_id}", response_model=BatchObject)
async def get_batch(request: Request, batch_id: str) -> BatchObject:
    """A batch as it stands."""
    batches = _office(request).batches
    return _object(request, await batches.get(batch_id, request.state.key.name))


@router.post("/{batch_id}/cancel", response_model=BatchObject)
async def cancel_batch(request: Request, batch_id: str) -> BatchObject:
    """End a batch. What is answered is kept; the other lines go to the error file."""
    return _object(request, await _office(request).cancel(batch_id, request.state.key.name))


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


def _object(request: Request, batch: Batch) -> BatchObject:
    times = {name: batch.times.get(name) for name in TIMES}
    return BatchObject(
        id=batch.id,
        endpoint=batch.endpoint,
        model=request.app.state.settings.served_name,
        errors=None if batch.errors is None else {"object": "list", "data": batch.errors},
        input_file_id=batch.input_file_id,
        completion_window=batch.completion_window,
        status=batch.status,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        created_at=int(batch.created_at),
        expires_at=int(batch.expires_at),
        request_counts=Counts(total=batch.total, completed=batch.completed, failed=batch.failed),
        usage=_usage(batch.usage),
        metadata=batch.metadata,
        **{name: None if at is None else int(at) for name, at in times.items()},
    )


def _usage(usage: dict[str, int] | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage["input_tokens"],
        "input_tokens_details": {"cached_tokens": usage["cached_tokens"]},
        "output_tokens": usage["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": usage["reasoning_tokens"]},
        "total_tokens": usage["input_tokens"] + usage["output_tokens"],
    }
