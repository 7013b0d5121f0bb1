"""The application: routes, error shapes and middleware around one engine."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import State
from starlette.middleware.cors import CORSMiddleware

from app.access.admission import Admission
from app.access.auth import Auth
from app.access.keys import KeyRing
from app.batches.office import Office
from app.host import Host
from app.keeping.commits import Commits
from app.keeping.library import Library
from app.keeping.replica import Lease, Replica
from app.metrics import Metrics
from app.page import router as page
from app.pulse import Pulse
from app.routes import (
    adapters,
    batches,
    chat,
    files,
    models,
    ops,
    responses as responses_api,
    solutions,
    verify,
)
from app.settings import Settings
from app.solving.service import Service
from app.store.database import Database
from app.store.solutions import SolutionStore
from app.tracing.environment import tracing
from app.web import description, failures as responses
from app.web.middleware import BodyLimit, NoNul, RequestId

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

    Raises `KeysError` if the file of API keys cannot be read, `StoreError` for a bad address.
    """
    ring = KeyRing(settings.keys_file)
    metrics = metrics or Metrics()
    admission = Admission(settings, metrics)
    database = Database(settings.database)
    store = SolutionStore(database)
    lease = Lease(settings.lease_s, clock=database.now)
    commits = Commits(database, lease.name)
    library = Library(store, commits, lease, settings.retention_s)
    service = Service(settings, host, metrics, admission, library)
    service.tracing = traces = tracing(settings)
    host.died = service.engine_died
    pulse = Pulse()
    commits.lost = service.stop_one
    office = Office(settings, host, service, admission, database, lease, metrics)
    metrics.watch(host)
    _measure(metrics, settings, database, commits, pulse)
    replica = Replica(store, lease, runs=service, chores=office.chores)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        app.state.started_at = time.time()
        pulse.start()
        await database.open()
        commits.start()
        replica.start()
        host.start()
        office.start()
        yield
        # What runs in the background has no connection that uvicorn would wait for.
        await service.drain(settings.shutdown_grace_s)
        await office.stop()
        await replica.stop()
        await commits.stop()
        await database.close()
        await host.stop()
        await pulse.stop()
        if traces is not None:
            await traces.close()

    app = FastAPI(
        title="Statewise",
        version=version("statewise"),
        description="State-Transition Reasoners: every step of a solution as a checked event.",
        lifespan=lifespan,
    )
    app.state = State(
        {
            "settings": settings,
            "host": host,
            "service": service,
            "admission": admission,
            "keys": ring,
            "office": office,
            "metrics": metrics,
            "pulse": pulse,
        }
    )
    responses.install(app)
    description.install(app)
    app.include_router(ops.router)
    if settings.page:
        app.include_router(page.router)
    # Says so in OpenAPI; what refuses is `Auth`.
    needs_key = [Security(HTTPBearer(auto_error=False))] if ring.required else []
    for router in (
        models.router,
        solutions.router,
        chat.router,
        responses_api.router,
        files.router,
        batches.router,
        verify.router,
        adapters.router,
    ):
        app.include_router(router, dependencies=needs_key)
    _add_middleware(app, settings, ring, admission, service)
    if traces is not None:
        traces.add_to(app)
    return app


def _add_middleware(
    app: FastAPI, settings: Settings, ring: KeyRing, admission: Admission, service: Service
) -> None:
    """The last one added is the outermost."""
    uploads = {files.PATH: settings.max_file_bytes + files.MARGIN}
    app.add_middleware(NoNul)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, others=uploads)
    app.add_middleware(
        Auth,
        ring=ring,
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
    app.add_middleware(RequestId, leaving=lambda: service.draining)


def _measure(
    metrics: Metrics, settings: Settings, database: Database, commits: Commits, pulse: Pulse
) -> None:
    """Connect what is measured with what is asked, or tells of itself."""
    metrics.info.labels(version("statewise"), settings.engine, settings.served_name).set(1)
    metrics.loop_lag_seconds.set_function(pulse.lag)
    metrics.store_waiting.set_function(lambda: commits.waiting)
    metrics.store_lag_seconds.set_function(lambda: commits.lag_s)
    commits.took = metrics.commit_seconds.observe
    commits.refused = metrics.store_errors.labels("refused").inc
    database.failed = metrics.store_errors.labels("unavailable").inc
