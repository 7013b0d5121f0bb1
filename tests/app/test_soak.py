"""Full load for a while, on the scripted engine: nothing is lost, and nothing piles up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.killing import THOROUGH
from tests.support.measured import note
from tests.support.server_process import start
from tests.support.soak import soak

IN_CI = os.environ.get("CI") == "true"
SECONDS = 1_800.0 if THOROUGH else 120.0 if IN_CI else 12.0
MOST = 1.1 if THOROUGH else 1.15
"""Growth from the second quarter to the last: in a short run pools and caches still fill."""


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_memory_is_flat_and_no_event_is_lost(tmp_path: Path) -> None:
    server = start(tmp_path, "--engine", "scripted", options=("--delay-s", "0.01"), batch_slots=16)
    try:
        server.wait_ready()
        found = soak(server, SECONDS)
        assert set(found.statuses) == {"completed"}
        assert found.lines > 0
        assert found.growth() < MOST, found.memory_mib
        assert server.metric("statewise_solutions_in_flight") == 0
        assert server.metric("statewise_engine_unfinished") == 0
        note("soak", seconds=SECONDS, streams=found.streams, events=found.events,
             lines=found.lines, growth=round(found.growth(), 3))  # fmt: skip
    finally:
        server.process.terminate()
        assert server.process.wait(60) == 0
