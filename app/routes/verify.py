"""`/v1/verify`: checking without a model."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.web.bodies import described, read_body
from statespace.checking import CheckRequest, CheckResult, check

router = APIRouter(prefix="/v1", tags=["verification"])

LONG: Final = 4_000
"""Characters from which a text is checked in a thread, to keep the event loop free."""
EXAMPLES: Final[dict[str, Any]] = {
    "line": {"value": {"line": "48 / 2 = 26"}},
    "trace": {
        "value": {
            "trace": "State 1:\nAction: Solve Subquestion\nOutput: 48 / 2 = 24\n\n"
            "State 2:\nAction: Summarize\nOutput: The final answer is \\boxed{24}."
        }
    },
}


@router.post("/verify", response_model=CheckResult, openapi_extra=described(CheckRequest, EXAMPLES))
async def verify(request: Request) -> Response:
    """Check a trace or a line of arithmetic: verdicts, and what is wrong where."""
    wanted = await read_body(request, CheckRequest)
    if len(wanted.trace or wanted.line or "") < LONG:
        found = check(wanted)
    else:
        found = await asyncio.to_thread(check, wanted)
    return Response(found.model_dump_json(), media_type="application/json")
