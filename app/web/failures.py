"""Errors as responses: whatever goes wrong, a client gets an OpenAI error object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.status import HTTP_400_BAD_REQUEST

from app.errors import AppError, KeyRefusedError, RequestError
from app.web.connection import ClientGone, answer_to_nobody

MAX_RETRY_AFTER_S: Final = 120
"""OpenAI's clients do not try again at all when they are told to wait longer."""
MAX_SHOWN: Final = 3
MAX_NAME: Final = 100
"""Characters of a field name that are repeated; an unknown one may be as long as a body."""


class _HttpError(RequestError):
    """A route or method that does not exist."""


def install(app: FastAPI) -> None:
    """Answer the app's own, the framework's and unforeseen errors in one shape."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientGone, answer_to_nobody)
    app.add_exception_handler(Exception, _unforeseen)


def error_response(request: Request, error: AppError, status: int | None = None) -> JSONResponse:
    """`error` as a response, with the headers that belong to it; refusals are counted."""
    request.app.state.metrics.refuse(error)
    request_id = request.state.request_id
    request.state.refused = error.code or error.type  # for the log
    # Unforeseen errors are answered outside of the middleware that sets it on all others.
    headers = {"x-request-id": request_id}
    if error.retry_after is not None:
        headers |= retry_headers(error.retry_after)
    if isinstance(error, KeyRefusedError):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error.body(request_id), status or error.status, headers=headers)


def retry_headers(seconds: float) -> dict[str, str]:
    """When to try again: whole seconds as the standard has it, and OpenAI's milliseconds."""
    milliseconds = min(math.ceil(seconds * 1000), MAX_RETRY_AFTER_S * 1000)
    return {
        "Retry-After": str(max(math.ceil(milliseconds / 1000), 1)),
        "retry-after-ms": str(max(milliseconds, 1)),
    }


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return error_response(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return error_response(request, from_validation(error.errors()))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    told = f"{error.detail}: {request.method} {request.url.path[:MAX_NAME]}"
    if error.status_code == HTTP_400_BAD_REQUEST:
        told = "the body cannot be read; send a JSON object in UTF-8, uncompressed"
    found = _HttpError(told)
    response = error_response(request, found, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _unforeseen(request: Request, _: Exception) -> JSONResponse:
    # Starlette logs the traceback and raises it again; the client learns nothing of it.
    return error_response(request, AppError("internal error"))


def from_validation(problems: Sequence[Any], skipped: int = 1) -> RequestError:
    """The first problems of a validation, each with its field; `param` is the first field.

    `skipped` is how many parts of a location say where the value stood: the framework's do.
    """
    fields = [_field(problem, skipped) for problem in problems[:MAX_SHOWN]]
    told = [
        f"{field or 'body'}: {_remedy(problem)}"
        for field, problem in zip(fields, problems, strict=False)
    ]
    if len(problems) > MAX_SHOWN:
        told.append(f"and {len(problems) - MAX_SHOWN} more")
    code = "json_invalid" if problems[0]["type"] == "json_invalid" else None
    return RequestError("; ".join(told), param=fields[0] or None, code=code)


def _field(problem: Any, skipped: int) -> str:
    if problem["type"] == "json_invalid":
        return ""
    name = ".".join(str(part) for part in problem["loc"][skipped:])
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def _remedy(problem: Any) -> str:
    match problem["type"]:
        case "extra_forbidden":
            return "unknown field; leave it out"
        case "json_invalid":
            return f"not valid JSON: {problem.get('ctx', {}).get('error', problem['msg'])}"
        case "model_attributes_type" | "model_type":
            return "must be a JSON object, sent with the header Content-Type: application/json"
        case "string_pattern_mismatch":
            return "must not be blank"
        case _:
            return str(problem["msg"])
