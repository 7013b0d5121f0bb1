"""`/v1/models`: what is served here, in OpenAI's shape. A strategy is part of a model's name."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from app.errors import UnknownModelError
from app.openai import model_names

router = APIRouter(prefix="/v1", tags=["models"])


class Model(BaseModel):
    """A name that requests may give."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "statewise"


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models")
async def list_models(request: Request) -> Models:
    """The models that requests may name: the served one and its adapters, with strategies."""
    state = request.app.state
    created = int(state.started_at)
    names = [name for model in _served(request) for name in model_names.names(model)]
    return Models(data=[Model(id=name, created=created) for name in names])


# A hub id holds a slash.
@router.get("/models/{model_id:path}")
async def get_model(request: Request, model_id: str) -> Model:
    """One of them."""
    state = request.app.state
    served, _ = model_names.split(model_id, state.settings.served_name)
    if served not in _served(request):
        raise UnknownModelError(
            f"model: {model_id[:256]!r} is not served here; /v1/models lists what is",
            param="model",
            code="model_not_found",
        )
    return Model(id=model_id, created=int(state.started_at))


def _served(request: Request) -> list[str]:
    """The model and its adapters."""
    state = request.app.state
    return [state.settings.served_name, *state.host.engine.adapters]
