"""`/v1/adapters`: LoRA adapters loaded and removed while the server runs.

Off unless a folder is set from which they may come, and once there are keys, for those only that
were made with `--admin`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.access.keys import NOBODY
from app.engines.base import Engine
from app.errors import ConflictError, ForbiddenError, RequestError
from app.settings import ADAPTER_NAME, Settings
from app.web.bodies import described, read_body

router = APIRouter(prefix="/v1", tags=["models"])

EXAMPLES: Final[dict[str, Any]] = {"one": {"value": {"name": "algebra", "path": "algebra/v2"}}}


class AdapterRequest(BaseModel):
    """An adapter to be loaded."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[
        str,
        StringConstraints(pattern=rf"^{ADAPTER_NAME.pattern}$"),
        Field(description="The model name that requests will use."),
    ]
    path: Annotated[
        str,
        StringConstraints(min_length=1, max_length=1024),
        Field(description="Its folder, within the server's folder of adapters."),
    ]


class Adapter(BaseModel):
    """An adapter that is loaded."""

    id: str
    object: Literal["adapter"] = "adapter"


class AdapterDeleted(BaseModel):
    """An adapter that is no more."""

    id: str
    object: Literal["adapter.deleted"] = "adapter.deleted"
    deleted: Literal[True] = True


@router.post("/adapters", openapi_extra=described(AdapterRequest, EXAMPLES))
async def add_adapter(request: Request) -> Adapter:
    """Load an adapter. It is a model name from then on, until it is removed or the server ends."""
    engine, folder = await _allowed(request)
    wanted = await read_body(request, AdapterRequest)
    settings: Settings = request.app.state.settings
    if wanted.name == settings.served_name:
        raise ConflictError("name: the served model has this name; take another", param="name")
    path = await asyncio.to_thread(_within, folder, wanted.path)
    await engine.add_adapter(wanted.name, path)
    return Adapter(id=wanted.name)


@router.delete("/adapters/{name}")
async def remove_adapter(request: Request, name: str) -> AdapterDeleted:
    """Remove an adapter that nobody uses now."""
    engine, _ = await _allowed(request)
    await engine.remove_adapter(name)
    return AdapterDeleted(id=name)


async def _allowed(request: Request) -> tuple[Engine, Path]:
    """The engine and the folder of adapters. Raises `ForbiddenError` to all who may not."""
    state = request.app.state
    key = request.state.key
    folder: Path | None = state.settings.adapters_dir
    if folder is None:
        raise ForbiddenError(
            "adapters cannot be changed here; start the server with STATEWISE_ADAPTERS_DIR",
            code="adapters_are_fixed",
        )
    if key is not NOBODY and not key.admin:
        raise ForbiddenError(
            "this key may not change adapters; use one that was made with "
            "`statewise keys add --admin`",
            code="not_admin",
        )
    return await state.host.require(), folder


def _within(folder: Path, path: str) -> Path:
    """A folder inside `folder`, links followed. Raises `RequestError`."""
    try:
        root = folder.resolve()
        found = (root / path).resolve()
        exists = found.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise RequestError("path: it cannot be read", param="path") from error
    if root not in found.parents:
        raise RequestError(
            "path: it leads out of the folder of adapters; name a folder within it", param="path"
        )
    if not exists:
        raise RequestError("path: there is no such folder in that of adapters", param="path")
    return found
