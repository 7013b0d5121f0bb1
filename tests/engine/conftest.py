"""One vLLM server for the whole session: the real engine, on a CPU, as a user starts it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from app.engines import cpu
from app.processes import ServerRecord
from tests.conftest import skip
from tests.support.otlp import Collector, collector
from tests.support.server_process import ServerProcess, start


def engine_processes(record: ServerRecord) -> list[psutil.Process]:
    """The processes of a recorded server's engine that still run."""
    return [found for child in record.children if (found := child.find()) is not None]


@pytest.fixture(scope="session", autouse=True)
def _needs_engine() -> None:
    if not cpu.is_cpu():
        skip("vLLM's CPU build is not installed; run `make install`")


@pytest.fixture(scope="session")
def sent() -> Iterator[Collector]:
    """What the session's server sends of traces."""
    with collector() as found:
        yield found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, sent: Collector) -> Iterator[ServerProcess]:
    """The session's server, on the shipped checkpoint; it and vLLM are traced."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sent.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        server = start(
            tmp_path_factory.mktemp("state"),
            options=["--otlp-traces-endpoint", f"{sent.url}/v1/traces"],
        )
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.terminate()
        assert server.process.wait(30) == 0
