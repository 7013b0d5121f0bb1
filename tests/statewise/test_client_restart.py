"""A client whose server is killed in the middle of a stream and started again elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from statespace.events import Event, SolutionInProgress, TransitionCompleted
from statespace.solutions import Status
from statewise import Client
from tests.support.cutting import bad_line
from tests.support.server_process import start

QUESTION = "What is 12 * 7?"
OPTIONS = ("--delay-s", "0.1")
LEASE_S = 1.5


def test_a_stream_outlives_its_server(tmp_path: Path) -> None:
    """Begun anew with `retry`, else ended as failed; without a gap either way."""
    begun = Barrier(3, timeout=60)

    def read(url: str, retry: bool) -> list[Event]:
        events = []
        with Client(url) as client:
            for event in client.stream(QUESTION, retry=retry):
                events.append(event)
                if isinstance(event, TransitionCompleted) and len(events) < 5:
                    begun.wait()
        return events

    servers = [start(tmp_path, "--engine", "scripted", options=OPTIONS, lease_s=LEASE_S)]
    try:
        servers[0].wait_ready()
        with bad_line(servers[0].url) as line, ThreadPoolExecutor(2) as pool:
            readers = [pool.submit(read, line.url, retry) for retry in (True, False)]
            begun.wait()
            servers[0].process.kill()
            servers.append(start(tmp_path, "--engine", "scripted", lease_s=LEASE_S))
            servers[1].wait_ready()
            line.target = servers[1].url
            again, ended = (reader.result(60) for reader in readers)
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()
    for events in (again, ended):
        numbers = [event.sequence_number for event in events]  # type: ignore[union-attr]
        assert numbers == list(range(len(events)))
    assert again[-1].solution.answer == "84"  # type: ignore[union-attr]
    assert len([event for event in again if isinstance(event, SolutionInProgress)]) == 2
    failed = ended[-1].solution  # type: ignore[union-attr]
    assert failed.status is Status.FAILED
    assert failed.error.code == "interrupted"
