"""ASGI middleware: a span for each request, in the client's trace if it is in one."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.access_log import MAX_HEADER, MAX_PATH, POLLED

_ERRORS: Final = 500
"""The first status that is the server's fault: a refusal is no error of the span."""


class TracedRequests:
    """Traces what clients ask; probes and metrics, asked for every few seconds, it leaves out."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] in POLLED:
            await self._app(scope, receive, send)
            return
        status: int | None = None
        failure: str | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        span = self._tracer.start_span(
            scope["method"], _parent(scope), SpanKind.SERVER, _attributes(scope)
        )
        token = context.attach(trace.set_span_in_context(span))
        try:
            await self._app(scope, receive, watched)
        except BaseException as error:
            status, failure = status or _ERRORS, type(error).__qualname__
            raise
        finally:
            context.detach(token)
            _end(span, scope, status, failure)


def _parent(scope: Scope) -> context.Context:
    """The trace that the client names. What else it would carry along is left behind."""
    sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    found = trace.get_current_span(propagate.extract(sent, context=context.Context()))
    return trace.set_span_in_context(found, context.Context())


def _attributes(scope: Scope) -> dict[str, Any]:
    """What is known of a request when it comes; its query may hold secrets and is left out."""
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    return {
        "http.request.method": scope["method"],
        "url.path": scope["path"][:MAX_PATH],
        "url.scheme": scope["scheme"],
        "network.protocol.version": scope["http_version"],
        "user_agent.original": agent.decode("latin-1")[:MAX_HEADER],
    }


def _end(span: Span, scope: Scope, status: int | None, failure: str | None) -> None:
    state = scope.get("state", {})
    if (route := getattr(scope.get("route"), "path", None)) is not None:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    told = {
        "http.response.status_code": status,
        "statewise.request.id": state.get("request_id"),
        "statewise.key": state.get("owner"),
        "statewise.refused": state.get("refused"),
    }
    span.set_attributes({name: value for name, value in told.items() if value is not None})
    if status is not None and status >= _ERRORS:
        span.set_attribute("error.type", str(failure or state.get("refused") or status))
        span.set_status(Status(StatusCode.ERROR))
    span.end()
