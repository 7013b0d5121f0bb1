"""The OpenAPI description: what the framework makes of the routes, and the events beside it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.web import sse
from statespace.events import event_adapter

REFERENCE: Final = "#/components/schemas/{model}"


ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong, in OpenAI's shape.",
    "required": ["error", "request_id"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "What is wrong, and the remedy."},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "The field at fault."},
                "code": {"type": ["string", "null"]},
            },
        },
        "request_id": {"type": "string"},
    },
}
_STATUSES: Final = {
    "400": "A field is wrong; `param` names it.",
    "401": "No known API key, once there are keys.",
    "403": "The key may not do this, or nobody may.",
    "404": "There is no such thing here, or it is another key's.",
    "408": "Nothing came of the body for too long.",
    "409": "It cannot be done to what stands in the way.",
    "413": "The body is too large.",
    "429": "A limit of the key is reached; `Retry-After` says for how long.",
    "500": "The server's fault.",
    "503": "Not ready, full, shutting down; `Retry-After` says when to ask again.",
}


def install(app: FastAPI) -> None:
    """Describe the app with the union of its events in the components."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _describe_errors(path: str, operation: dict[str, Any]) -> None:
    """Says of an operation how it fails. The framework's own 422 is never sent."""
    responses = operation["responses"]
    responses.pop("422", None)
    has_body = "requestBody" in operation
    impossible = {
        "403": "/adapters" not in path,
        "404": not has_body and "{" not in path,
        "408": not has_body,
        "413": not has_body,
    }
    for status, told in _STATUSES.items():
        if impossible.get(status):
            continue
        content = {"application/json": {"schema": {"$ref": REFERENCE.format(model="Error")}}}
        responses.setdefault(status, {"description": told, "content": content})


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
    for path, methods in schema["paths"].items():
        if path.startswith("/v1/"):
            for operation in methods.values():
                _describe_errors(path, operation)
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    components["Error"] = ERROR
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
