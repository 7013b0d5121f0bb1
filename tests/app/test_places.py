"""Places of the running service: whatever ends a run gives its place back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from app.access.keys import NOBODY
from app.engines.scripted import Script, ScriptedEngine
from app.errors import UnavailableError
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from app.solving.order import Order, Running
from statespace.solutions import SolutionRequest, Status

SCRIPT = Script({"q": "State 1:\nAction: Summarize\nOutput: \\boxed{1}"}, fault="hang", after=0)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    settings = Settings(
        engine="scripted", state_dir=tmp_path, max_in_flight=1, queue_timeout_s=0.01
    )
    host = Host(ScriptedEngine(SCRIPT))
    app = create_app(settings, host, Metrics(CollectorRegistry()))
    async with app.router.lifespan_context(app):
        await host.wait_ready()
        yield app


async def begin(app: FastAPI, **fields: object) -> Running:
    request = SolutionRequest.model_validate({"question": "q", **fields})
    running = await app.state.service.begin(Order(request, NOBODY))
    assert isinstance(running, Running)
    return running


async def test_a_run_cancelled_before_it_began_gives_its_place_back(app: FastAPI) -> None:
    """The coroutine of a task that is cancelled so early is never entered, nor its `finally`."""
    running = await begin(app)
    assert app.state.admission.running == 1
    running.cancel()
    await asyncio.wait({running.task})
    await asyncio.sleep(0)
    assert app.state.admission.running == 0


async def test_a_background_run_waits_longer_than_a_client_would(app: FastAPI) -> None:
    """It was accepted; to fail because the server is busy for a while would be no answer."""
    first = await begin(app)
    waiting = await begin(app, background=True)
    await asyncio.sleep(0.05)  # five times what a client's request may wait
    assert not waiting.task.done()
    assert app.state.admission.queued == 1
    first.cancel()
    while app.state.admission.queued:
        await app.state.admission.changed()
    waiting.cancel()
    await waiting.solution()


async def test_a_stream_of_the_background_goes_before_what_nobody_reads(app: FastAPI) -> None:
    """Our own clients' streams are such; somebody sits before them."""
    first = await begin(app)
    unread = await begin(app, background=True)
    read = await begin(app, background=True, stream=True)
    first.cancel()
    while app.state.admission.queued > 1:
        await app.state.admission.changed()
    while read.run.record.status is Status.QUEUED:
        assert unread.run.record.status is Status.QUEUED
        await asyncio.sleep(0)
    for running in (unread, read):
        running.cancel()
        await running.solution()


async def test_a_draining_service_takes_nothing_more_in(app: FastAPI) -> None:
    await app.state.service.drain(0)
    with pytest.raises(UnavailableError, match="shutting down"):
        await begin(app)
