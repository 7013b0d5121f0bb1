"""The lines of output and error files."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import orjson

from app.batches.endpoints import Answer
from app.errors import AppError

COMPLETED: Final = "completed"
FAILED: Final = "failed"


def answered(custom_id: str, answer: Answer) -> bytes:
    """A line of the output file."""
    return _line(custom_id, _response(200, orjson.Fragment(answer.body)), None)


def refused(custom_id: str, error: AppError) -> bytes:
    """A line of the error file: the route would have answered with `error`."""
    request_id = f"req_{uuid4().hex}"
    return _line(custom_id, _response(error.status, error.body(request_id), request_id), None)


def unanswered(custom_id: str, code: str, message: str) -> bytes:
    """A line of the error file: it was not asked, or not to its end."""
    return _line(custom_id, None, {"code": code, "message": message})


def _response(status: int, body: Any, request_id: str | None = None) -> dict[str, Any]:
    return {
        "status_code": status,
        "request_id": request_id or f"req_{uuid4().hex}",
        "body": body,
    }


def _line(custom_id: str, response: Any, error: Any) -> bytes:
    found = {
        "id": f"batch_req_{uuid4().hex}",
        "custom_id": custom_id,
        "response": response,
        "error": error,
    }
    return orjson.dumps(found) + b"\n"
