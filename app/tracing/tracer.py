"""Makes the spans of this process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, Tracer

from app.settings import Settings
from app.tracing import export
from app.tracing.current import BATCH_LINE, Current
from app.tracing.environment import captures_content
from app.tracing.requests import TracedRequests
from app.tracing.solutions import SolutionTrace
from statespace.solutions import SolutionRequest

PROVIDERS: Final = {"vllm": "vllm", "remote": "vllm"}
"""Engine → its name in the GenAI conventions, if that is another."""


class Tracing:
    """A tracer and what it needs to know."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.provider = export.provider()
        self._content = captures_content(os.environ)
        self._unfinished: set[SolutionTrace] = set()
        self.tracer: Tracer = self.provider.get_tracer("statewise", version("statewise"))
        Current.ids = _ids

    def add_to(self, app: FastAPI) -> None:
        """Trace its requests."""
        app.add_middleware(TracedRequests, tracer=self.tracer)

    def solution(
        self, solution_id: str, request: SolutionRequest, model: str, began_ns: int
    ) -> SolutionTrace:
        """The trace of a solution that is begun in the running task, and was ordered `began_ns`."""
        links, attributes = _batch()
        return SolutionTrace(
            self.tracer,
            solution_id,
            request,
            model,
            began_ns=began_ns,
            attributes=attributes,
            links=links,
            provider=PROVIDERS.get(self._settings.engine, self._settings.engine),
            remote=self._settings.engine == "remote",
            content=self._content,
            unfinished=self._unfinished,
        )

    async def close(self) -> None:
        """End what goes on elsewhere, and send what is left, if that can be done soon."""
        for found in list(self._unfinished):
            found.close()
        await export.close(self.provider)


def _batch() -> tuple[Sequence[Link], Mapping[str, str | int]]:
    """The link to the batch of whose lines one is answered, and what it is."""
    line = BATCH_LINE.get()
    if line is None:
        return (), {}
    links = []
    if line.traceparent is not None:
        found = propagate.extract({"traceparent": line.traceparent}, context=Context())
        maker = trace.get_current_span(found).get_span_context()
        if maker.is_valid:
            links.append(Link(maker))
    return links, {"statewise.batch.id": line.batch_id, "statewise.batch.line": line.line}


def _ids() -> Mapping[str, str]:
    """Where the running task is in a trace."""
    here: SpanContext = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(here.trace_id),
        "span_id": trace.format_span_id(here.span_id),
    }
