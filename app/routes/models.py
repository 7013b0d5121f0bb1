"""`/v1/models`: what is served here, in OpenAI's shape."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models")
async def list_models(request: Request) -> dict[str, Any]:
    """The models that requests may name."""
    state = request.app.state
    model = {
        "id": state.settings.served_name,
        "object": "model",
        "created": int(state.started_at),
        "owned_by": "statewise",
    }
    return {"object": "list", "data": [model]}
