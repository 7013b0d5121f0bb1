"""`/v1/files`: what batches read and write, in OpenAI's format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query as QueryParameter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.status import HTTP_400_BAD_REQUEST

from app.batches.office import Office
from app.errors import RequestError, StoreFullError, UnavailableError
from app.settings import Settings
from app.store.blobs import FULL
from app.store.files import StoredFile
from app.store.pages import Page
from app.web.connection import ClientGone

PATH: Final = "/v1/files"
router = APIRouter(prefix=PATH, tags=["files"])

PURPOSE: Final = "batch"
PIECE: Final = 1 << 18
"""Bytes of an upload that are in the memory at a time."""
UPLOADS: Final = 8
"""Uploads at a time: each may need the space of its file twice while it comes in."""
MARGIN: Final = 65_536
"""Bytes of an upload's body that are not the file's."""
MAX_NAME: Final = 255
SHORTEST_S: Final = 3_600
LONGEST_S: Final = 2_592_000

_UPLOAD: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"const": PURPOSE},
                        "expires_after[anchor]": {"const": "created_at"},
                        "expires_after[seconds]": {
                            "type": "integer",
                            "minimum": SHORTEST_S,
                            "maximum": LONGEST_S,
                        },
                    },
                }
            }
        },
    }
}
_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The content."}
}
_uploading = 0


class FileObject(BaseModel):
    """OpenAI's object."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class FilePage(BaseModel):
    """A page of files."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """What was deleted."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


@router.post("", response_model=FileObject, openapi_extra=_UPLOAD)
async def upload_file(request: Request) -> FileObject:
    """Upload the input of a batch, as `multipart/form-data`."""
    global _uploading  # noqa: PLW0603
    if _uploading >= UPLOADS:
        raise UnavailableError(
            f"{UPLOADS} files are being uploaded, which is the limit; try again soon",
            retry_after=5,
            code="full",
        )
    _uploading += 1
    try:
        return _object(await _upload(request))
    finally:
        _uploading -= 1


@router.get("", response_model=FilePage)
async def list_files(
    request: Request,
    limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 10_000,
    after: Annotated[str | None, QueryParameter(max_length=64)] = None,
    order: Literal["asc", "desc"] = "desc",
    purpose: Annotated[str | None, QueryParameter(pattern="^[a-z_]{1,32}$")] = None,
) -> FilePage:
    """Files, newest first; `after` is the last id of the page before."""
    page = Page(request.state.key.name, limit, after, order == "asc")
    found, more = await _office(request).files.page(page, purpose)
    data = [_object(stored) for stored in found]
    ends = (data[0].id, data[-1].id) if data else (None, None)
    return FilePage(data=data, first_id=ends[0], last_id=ends[1], has_more=more)


@router.get("/{file_id}", response_model=FileObject)
async def get_file(request: Request, file_id: str) -> FileObject:
    """What is known of a file."""
    return _object(await _office(request).files.get(file_id, request.state.key.name))


@router.get("/{file_id}/content", response_class=Response, responses=_CONTENT)
async def get_file_content(request: Request, file_id: str) -> Response:
    """A file's content."""
    files = _office(request).files
    stored = await files.get(file_id, request.state.key.name)
    pieces = files.content(stored.id)
    # Before the status is sent: a content that cannot be read is an error, not a broken answer.
    first = await anext(pieces, b"")
    return StreamingResponse(
        _chained(first, pieces),
        media_type="application/octet-stream",
        headers={
            "content-length": str(stored.bytes),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(stored.filename)}",
            "x-content-type-options": "nosniff",
        },
    )


@router.delete("/{file_id}", response_model=FileDeleted)
async def delete_file(request: Request, file_id: str) -> FileDeleted:
    """Delete a file. One that a batch still reads from stays: 409."""
    await _office(request).delete_file(file_id, request.state.key.name)
    return FileDeleted(id=file_id)


async def _upload(request: Request) -> StoredFile:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RequestError("body: must be multipart/form-data with the fields file and purpose")
    try:
        # A large file part goes to the disk as it comes in.
        async with request.form(max_files=1, max_fields=10, max_part_size=1024) as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise RequestError("file: is needed, as a file part of the form", param="file")
            lasts_s = _lasting(fields, request.app.state.settings)
            if fields.get("purpose") != PURPOSE:
                raise RequestError(f"purpose: must be {PURPOSE!r}", param="purpose")
            if not file.size:
                raise RequestError("file: it is empty", param="file")
            return await _office(request).files.create(
                _pieces(file),
                owner=request.state.key.name,
                filename=_name(file.filename),
                purpose=PURPOSE,
                lasts_s=lasts_s,
            )
    except ClientDisconnect:
        raise ClientGone from None
    except OSError as error:  # the temporary file of a large part
        if error.errno not in FULL:
            raise
        raise StoreFullError from error
    except HTTPException as error:
        if error.status_code != HTTP_400_BAD_REQUEST:
            raise
        raise RequestError(f"body: {error.detail}") from error


def _lasting(fields: dict[str, str], settings: Settings) -> float:
    seconds = fields.get("expires_after[seconds]")
    if seconds is None:
        return settings.retention_s
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 10):
        seconds = "0"
    if not SHORTEST_S <= int(seconds) <= LONGEST_S:
        raise RequestError(
            f"expires_after.seconds: must be from {SHORTEST_S} to {LONGEST_S}",
            param="expires_after.seconds",
        )
    return float(seconds)


def _name(filename: str | None) -> str:
    """The name that the client gave it: shown, and used for nothing else."""
    name = "".join(character for character in filename or "" if character.isprintable())
    return name[:MAX_NAME] or "file"


async def _pieces(file: UploadFile) -> AsyncGenerator[bytes, None]:
    while piece := await file.read(PIECE):
        yield piece


async def _chained(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        await asyncio.shield(rest.aclose())


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


def _object(stored: StoredFile) -> FileObject:
    return FileObject(
        id=stored.id,
        bytes=stored.bytes,
        created_at=int(stored.created_at),
        expires_at=None if stored.expires_at is None else int(stored.expires_at),
        filename=stored.filename,
        purpose=stored.purpose,
    )
