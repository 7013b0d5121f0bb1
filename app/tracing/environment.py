"""Which of OpenTelemetry's variables are read here; all others are read by its library."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import structlog

from app.errors import EngineStartError
from app.settings import Settings

if TYPE_CHECKING:
    from app.tracing.tracer import Tracing

logger = structlog.get_logger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP: Final = "http/protobuf"
GRPC: Final = "grpc"
_PACKAGES: Final = {
    HTTP: "opentelemetry.exporter.otlp.proto.http",
    GRPC: "opentelemetry.exporter.otlp.proto.grpc",
}
_CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def tracing(settings: Settings) -> Tracing | None:
    """What makes traces, if the environment asks for them and it is installed.

    Raises `EngineStartError` for a variable whose value is not known here.
    """
    if not is_on(os.environ):
        return None
    package = _PACKAGES[protocol(os.environ)]
    if not _is_installed(package):
        logger.warning(
            "tracing_off", error=f"{package} is missing; install '.[otel]' in a checkout"
        )
        return None
    from app.tracing.tracer import Tracing  # noqa: PLC0415

    return Tracing(settings)


def is_on(environment: Mapping[str, str]) -> bool:
    """Whether traces are wanted: a collector is named, or its kind."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter not in ("", "otlp", "none"):
        raise EngineStartError(f"OTEL_TRACES_EXPORTER: {exporter!r} is not known; use otlp or none")
    if exporter == "none":
        return False
    return exporter == "otlp" or any(environment.get(name, "").strip() for name in ENDPOINTS)


def protocol(environment: Mapping[str, str]) -> str:
    """How spans are sent."""
    for name in PROTOCOLS:
        if found := environment.get(name, "").strip().lower():
            if found not in _PACKAGES:
                raise EngineStartError(f"{name}: {found!r} is not known; use {HTTP} or {GRPC}")
            return found
    return HTTP


def captures_content(environment: Mapping[str, str]) -> bool:
    """Whether questions and answers may be in spans."""
    wanted = environment.get(_CONTENT, "").strip().lower()
    return wanted in {"true", "span_only", "span_and_event"}


def for_engine(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables with which vLLM's own spans are sent as ours are: by itself it takes gRPC."""
    return {PROTOCOLS[0]: protocol(environment)} if is_on(environment) else {}


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is part of
        return False
