"""One vLLM server for the whole session: the real engine, on a CPU, as a user starts it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from app.engines import cpu
from app.processes import ServerRecord
from tests.conftest import skip
from tests.support.server_process import ServerProcess, start


def engine_processes(record: ServerRecord) -> list[psutil.Process]:
    """The processes of a recorded server's engine that still run."""
    return [found for child in record.children if (found := child.find()) is not None]


@pytest.fixture(scope="session", autouse=True)
def _needs_engine() -> None:
    if not cpu.is_cpu():
        skip("vLLM's CPU build is not installed; run `make install`")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The session's server, on the shipped checkpoint."""
    server = start(tmp_path_factory.mktemp("state"))
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)
