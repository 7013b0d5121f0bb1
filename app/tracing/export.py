"""Sends spans without the server noticing: a bounded queue, one warning, an end that is not waited
for."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Final

import structlog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from app.tracing.environment import GRPC, protocol

logger = structlog.get_logger(__name__)

CLOSE_S: Final = 1.0
"""What sending the last spans may take at the end of the server."""
MAX_TOLD: Final = 300
_SECRET: Final = re.compile(r"(?<=//)[^/@\s]*@|\?[^\s'\"]*")
"""What of an address may be one."""


def provider() -> TracerProvider:
    """Makes tracers whose spans are sent to the collector that the environment names."""
    found = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    found.add_span_processor(BatchSpanProcessor(Watched(_exporter(), _Silenced.install())))
    return found


async def close(found: TracerProvider) -> None:
    """Send what is left, for `CLOSE_S` seconds at most: a collector may hang."""
    loop, sent = asyncio.get_running_loop(), asyncio.Event()

    def shut() -> None:
        found.shutdown()
        with suppress(RuntimeError):  # the loop has not waited
            loop.call_soon_threadsafe(sent.set)

    threading.Thread(target=shut, name="traces-end", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await sent.wait()


def _resource() -> Resource:
    """Who sends; what the environment says of it is read by the library."""
    ours = {"service.version": version("statewise")}
    named = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in named:
        ours["service.name"] = "statewise"
    return Resource.create(ours)


def _exporter() -> SpanExporter:
    if protocol(os.environ) == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter as GrpcExporter,
        )

        return GrpcExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter()


class Watched(SpanExporter):
    """An exporter; when it works again after a failure, it is told how many spans were lost."""

    def __init__(self, exporter: SpanExporter, silenced: _Silenced) -> None:
        self._exporter = exporter
        self._silenced = silenced
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Called in a thread of its own."""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost += len(spans)
        elif self._silenced.told:
            logger.info("traces_sent_again", lost=self._lost)
            self._silenced.told, self._lost = False, 0
        return result

    def shutdown(self) -> None:
        """No more spans."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)


class _Silenced(logging.Handler):
    """Takes the library's lines: the first of a failure is told, the others are not."""

    told = False

    @classmethod
    def install(cls) -> _Silenced:
        found = cls(logging.WARNING)
        library = logging.getLogger("opentelemetry")
        library.handlers, library.propagate = [found], False
        return found

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the library, in whatever thread."""
        if not self.told:
            self.told = True
            why = _SECRET.sub("", record.getMessage())[:MAX_TOLD]
            logger.warning("traces_not_sent", error=why)
