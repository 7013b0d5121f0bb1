"""The application: routes, error shapes and middleware around one engine."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.middleware.cors import CORSMiddleware

from app import responses
from app.admission import Admission
from app.auth import Auth
from app.host import Host
from app.keys import KeyRing
from app.metrics import Metrics
from app.middleware import BodyLimit, RequestId
from app.routes import models, ops, solutions
from app.service import Service
from app.settings import Settings

EXPOSED_HEADERS: Final = (
    "x-request-id",
    "retry-after",
    "retry-after-ms",
    *(
        f"x-ratelimit-{what}-{of}"
        for what in ("limit", "remaining", "reset")
        for of in ("requests", "tokens")
    ),
)
"""What a page of another origin may read of an answer, beside the body."""


def create_app(settings: Settings, host: Host, metrics: Metrics | None = None) -> FastAPI:
    """The ASGI application. The engine starts with its lifespan, behind answering probes.

    Raises `KeysError` if the file of API keys cannot be read.
    """
    ring = KeyRing(settings.keys_file)
    metrics = metrics or Metrics()
    metrics.engine_unfinished.set_function(host.engine.unfinished)
    admission = Admission(settings, metrics)
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
    app.state.admission = admission
    app.state.keys = ring
    app.state.metrics = metrics
    responses.install(app)
    app.include_router(ops.router)
    # Says so in OpenAPI; what refuses is `Auth`.
    needs_key = [Security(HTTPBearer(auto_error=False))] if ring.required else []
    for router in (models.router, solutions.router):
        app.include_router(router, dependencies=needs_key)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(
        Auth,
        ring=ring,
        metrics=metrics,
        limit_headers=admission.limit_headers,
        metrics_need_key=settings.metrics_need_key,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(RequestId)
    return app
