"""Probes, metrics and versions."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from app.engines.base import Phase
from app.engines.scripted import Script, ScriptedEngine
from app.errors import EngineStartError
from app.host import Host
from app.openai.model_names import names
from tests.support.server import local_server

SCRIPT = Script({"q": "State 1:\nAction: Summarize\nOutput: \\boxed{1}"}, delay_s=0)


class FailingEngine(ScriptedEngine):
    async def start(self, phase: Phase) -> None:
        phase("loading")
        raise EngineStartError("no such weights; name another folder")


class SlowEngine(ScriptedEngine):
    async def start(self, phase: Phase) -> None:
        phase("loading")
        await asyncio.Event().wait()


def test_a_ready_server_says_so() -> None:
    with local_server(ScriptedEngine(SCRIPT)) as server:
        for probe in ("livez", "readyz", "startupz"):
            assert httpx2.get(f"{server.url}/{probe}").status_code == 200
        startup = httpx2.get(f"{server.url}/startupz").json()
        assert startup["phase"] == "ready"
        assert startup["seconds"] >= 0


def test_metrics_count_what_happened() -> None:
    with local_server(ScriptedEngine(SCRIPT)) as server:
        httpx2.post(f"{server.url}/v1/solutions", json={"question": "q"}).raise_for_status()
        text = httpx2.get(f"{server.url}/metrics").text
        assert 'statewise_solutions_total{status="completed",strategy="single"} 1.0' in text
        assert 'statewise_transitions_total{action="summarize",verdict="unchecked"} 1.0' in text
        assert 'statewise_first_transition_seconds_count{strategy="single"} 1.0' in text
        assert "statewise_engine_unfinished 0.0" in text


def test_version_and_models_name_what_is_served() -> None:
    with local_server(ScriptedEngine(SCRIPT)) as server:
        version = httpx2.get(f"{server.url}/version").json()
        models = httpx2.get(f"{server.url}/v1/models").json()["data"]
        assert version["engine"] == "scripted"
        assert [model["id"] for model in models] == names(version["model"])


def test_a_failed_start_is_told() -> None:
    with local_server(FailingEngine(SCRIPT)) as server:
        startup = httpx2.get(f"{server.url}/startupz")
        assert startup.status_code == 503
        assert startup.json()["error"] == "no such weights; name another folder"
        assert httpx2.get(f"{server.url}/livez").status_code == 503


async def test_requests_wait_for_no_engine_that_is_loading() -> None:
    host = Host(SlowEngine(SCRIPT))
    host.start()
    await asyncio.sleep(0.05)
    assert host.phase == "loading"
    assert await host.alive()
    with pytest.raises(Exception, match="phase: loading") as refused:
        await host.require()
    assert refused.value.retry_after <= 120  # type: ignore[attr-defined]
    assert host._starting is not None
    host._starting.cancel()
