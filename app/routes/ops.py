"""Probes, metrics and versions, for operators and their tools."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.host import Host
from app.metrics import Metrics
from statespace.events import EVENTS_VERSION
from statespace.trace import TRACE_VERSION

router = APIRouter(tags=["operations"])


@router.get("/livez")
async def livez(request: Request) -> JSONResponse:
    """200 while the process can serve or still come up; 503 when only a restart helps.

    An event loop that is busy is alive; one that has stood still for longer than work can explain
    is not. That is seen on `ops_port`; on the loop's own port there is no answer then.
    """
    state = request.app.state
    lag = state.pulse.lag()
    alive = lag < state.settings.loop_stall_s and await _host(request).alive()
    return JSONResponse({"alive": alive, "loop_lag_s": round(lag, 2)}, 200 if alive else 503)


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """200 while requests can be served; 503 from the moment that the server is told to end."""
    host, draining = _host(request), request.app.state.service.draining
    ready = not draining and await host.serves()
    phase = "draining" if draining else host.phase
    return JSONResponse({"ready": ready, "phase": phase}, 200 if ready else 503)


@router.get("/startupz")
async def startupz(request: Request) -> JSONResponse:
    """200 once started; before that 503 with the phase and the seconds so far.

    It stays 200 while an engine that has died is started again: the start is over.
    """
    host = _host(request)
    body: dict[str, Any] = {
        "started": host.started,
        "phase": host.phase,
        "seconds": round(host.seconds, 2),
        "phases": host.phases,
    }
    if host.error is not None:
        body["error"] = host.error.message
    return JSONResponse(body, 200 if host.started else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus metrics: the engine's, unchanged, and the service's own."""
    told: Metrics = request.app.state.metrics
    host = _host(request)
    told.engine_ready.set(await host.serves())
    return Response(generate_latest(told.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/version")
async def versions(request: Request) -> dict[str, Any]:
    """What runs here."""
    return {
        "statewise": version("statewise"),
        "state_space": TRACE_VERSION,
        "events": EVENTS_VERSION,
        "engine": request.app.state.settings.engine,
        "model": request.app.state.settings.served_name,
        "python": platform.python_version(),
    }


def _host(request: Request) -> Host:
    host: Host = request.app.state.host
    return host
