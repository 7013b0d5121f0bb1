"""The application: routes, error shapes and middleware around one engine."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from app import responses
from app.host import Host
from app.metrics import Metrics
from app.middleware import BodyLimit, RequestId
from app.routes import models, ops, solutions
from app.service import Service
from app.settings import Settings


def create_app(settings: Settings, host: Host, metrics: Metrics | None = None) -> FastAPI:
    """The ASGI application. The engine starts with its lifespan, behind answering probes."""
    metrics = metrics or Metrics()
    metrics.engine_unfinished.set_function(host.engine.unfinished)
    service = Service(settings, host, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        app.state.started_at = time.time()
        host.start()
        yield
        await service.stop()
        await host.stop()

    app = FastAPI(
        title="Statewise",
        version=version("statewise"),
        description="State-Transition Reasoners: every step of a solution as a checked event.",
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.host = host
    app.state.service = service
    app.state.metrics = metrics
    responses.install(app)
    for router in (ops.router, models.router, solutions.router):
        app.include_router(router)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(RequestId)
    return app
