"""The OpenAPI description: what the framework makes of the routes, and the events beside it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app import sse
from statespace.events import event_adapter

REFERENCE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Describe the app with the union of its events in the components."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    events = event_adapter.json_schema(ref_template=REFERENCE, mode="serialization")
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    for name, definition in events.pop("$defs").items():
        components.setdefault(name, definition)
    for operation in (found for path in schema["paths"].values() for found in path.values()):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            components.update(content["schema"].pop("$defs", {}))
    components["Event"] = {
        "description": "One event of a solution's stream, by its `type`.",
        **events,
    }
    for path in ("/v1/solutions", "/v1/solutions/{solution_id}/events"):
        for operation in schema["paths"][path].values():
            content = operation["responses"].get("200", {}).get("content", {})
            if sse.MEDIA_TYPE in content:
                content[sse.MEDIA_TYPE] = {
                    "schema": {
                        "type": "string",
                        "description": "Server-sent events; each `data:` is an Event.",
                    },
                    "x-event-schema": {"$ref": REFERENCE.format(model="Event")},
                }
    return schema
