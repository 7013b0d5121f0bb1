"""The line that says how a solution has ended."""

from __future__ import annotations

from typing import Any

import structlog

from app.logs import Content
from statespace.solutions import Solution, Status

logger = structlog.get_logger(__name__)


def log(solution: Solution) -> None:
    """Also of what no request waits for. A failure is an error, all else is as it should be."""
    told: dict[str, Any] = {
        "solution_id": solution.id,
        "model": solution.model,
        "strategy": solution.strategy,
        "status": solution.status.value,
        "answered": solution.answer is not None,
        "transitions": len(solution.transitions),
        "refuted": solution.verification.refuted,
        "tokens": solution.usage.completion_tokens,
        "seconds": round((solution.completed_at or 0.0) - solution.created_at, 4),
        "asked": Content(solution.question),
        "said": Content(solution.text if solution.text is not None else solution.answer),
    }
    if solution.incomplete_reason is not None:
        told["reason"] = solution.incomplete_reason.value
    if solution.error is not None:
        told["error"] = solution.error.code or solution.error.type
    if solution.status is Status.FAILED:
        logger.error("solution", **told)
    else:
        logger.info("solution", **told)
