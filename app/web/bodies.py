"""Request bodies: JSON bytes → a checked model, without a detour through Python dictionaries.

The framework's own way parses, copies and validates in separate steps, on the loop that serves all
streams.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import RequestError
from app.web.failures import from_validation

MAX_ERRORS: Final = 100
"""Errors beyond which they are only counted: to list 100,000 of them would stop every stream."""

Model = TypeVar("Model", bound=BaseModel)


async def read_body(request: Request, model: type[Model]) -> Model:
    """The body as `model`. Raises `RequestError` that names the field."""
    if not _is_json(request.headers.get("content-type", "")):
        raise RequestError(
            "body: must be a JSON object, sent with the header Content-Type: application/json"
        )
    data = await request.body()
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        if (count := error.error_count()) > MAX_ERRORS:
            raise RequestError(f"body: {count} fields are unknown or wrong") from error
        raise from_validation(error.errors(include_url=False), skipped=0) from error


async def read_object(request: Request) -> dict[str, Any]:
    """The body as an object whose fields are to be looked at. Raises `RequestError`."""
    return (await read_body(request, _Anything)).model_extra or {}


class _Anything(BaseModel):
    """Any JSON object."""

    model_config = ConfigDict(extra="allow")


def described(model: type[BaseModel], examples: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI is to say of such a body; `app.web.description` takes its definitions apart."""
    name = model.__name__
    schema = model.model_json_schema(ref_template=f"#/components/schemas/{name}.{{model}}")
    schema["$defs"] = {f"{name}.{part}": found for part, found in schema.pop("$defs", {}).items()}
    content = {"schema": schema, "examples": examples}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _is_json(content_type: str) -> bool:
    """Whether it is JSON. A browser sends no other site's JSON here without asking first."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
