"""Runs the server: one process, one engine, until a signal or the engine's failure ends it."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

import uvicorn

from app import logs
from app.engines.canary import Canary
from app.engines.launch import build
from app.errors import AppError, EngineStartError
from app.host import Host
from app.main import create_app
from app.processes import Registration, end_orphans
from app.settings import Settings
from app.solving.service import Service
from app.solving.warmup import warm
from app.store.database import Database
from app.web.http import BoundedHttp
from app.web.ops_server import OpsServer

LAST_WORDS_S: Final = 2
"""What a client has, after the grace, to read its end event."""
KEEP_ALIVE_S: Final = 75
"""How long a connection waits for its next request.

Longer than clients (5 s) and proxies (60 s) keep theirs: if the server closes first, a request that
is sent at that moment is lost.
"""
FLUSH_S: Final = 0.2
"""What an end event has to leave the process after a second Ctrl-C."""


def serve(
    settings: Settings,
    options: Sequence[str] = (),
    *,
    on_bound: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGINT or SIGTERM. `on_bound` is told the URL once the port is taken.

    Raises `EngineStartError` if the port is taken, or if the engine does not start, and
    `StoreError` if the database cannot be used.
    """
    logs.configure(settings)
    asyncio.run(_check_store(settings))
    end_orphans(settings.state_dir)
    listener = bind(settings.host, settings.port)
    ops_listener = None if settings.ops_port is None else bind(settings.host, settings.ops_port)
    url = f"http://{_shown(settings.host)}:{listener.getsockname()[1]}"
    registration = Registration(
        settings.state_dir, url=url, model=settings.served_name, engine=settings.engine
    )
    try:
        registration.write()
    except OSError as error:
        listener.close()
        raise EngineStartError(
            f"cannot write to the state folder {settings.state_dir}: {error.strerror}; "
            "name another in STATEWISE_STATE_DIR"
        ) from error
    try:
        server: _Server
        host = _host(settings, options, registration, on_failure=lambda: server.leave(now=True))
        app = create_app(settings, host)
        ops = None if ops_listener is None else OpsServer(app, ops_listener)
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=BoundedHttp,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=LAST_WORDS_S,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        server = _Server(config, app.state.service, settings.shutdown_grace_s)
        # uvicorn takes SIGTERM over while it serves and raises it again once it has drained; this
        # is for the moments before and after. A terminal that closes sends SIGHUP.
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: server.leave())
        on_bound(url)
        if ops is not None:
            ops.start()
        try:
            server.run(sockets=[listener])
        finally:
            if ops is not None:
                ops.stop()
    finally:
        registration.remove()
        listener.close()
    if isinstance(host.error, AppError):
        raise host.error


async def _check_store(settings: Settings) -> None:
    """Raises `StoreError` if the database cannot be used: before anything else is begun."""
    database = Database(settings.database)
    await database.open()
    await database.close()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `EngineStartError` naming the remedy if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise EngineStartError(f"cannot listen on {host}: {error.strerror}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except UnicodeError as error:
        listener.close()
        raise EngineStartError(f"cannot listen on {host}: that is no address") from error
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise EngineStartError(
                f"port {port} on {host} is taken by another program; "
                "choose another with --port, or 0 for a free one"
            ) from error
        raise EngineStartError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


class _Server(uvicorn.Server):
    """Goes in good order: until what runs has ended, or the grace is over, it stays on its port.

    uvicorn alone would close the port first, so that probes and clients find nobody who tells them
    to go elsewhere, and cut what takes too long.
    """

    def __init__(self, config: uvicorn.Config, service: Service, grace_s: float) -> None:
        super().__init__(config)
        self._service = service
        self._grace_s = grace_s
        self._leaving = False
        self._drain: asyncio.Task[None] | None = None

    def leave(self, *, now: bool = False) -> None:
        """Refuse what is new from this moment on, and end; `now` gives what runs no time."""
        self._leaving = True
        self._service.refuse()
        if now:
            self._service.hurry()

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        """A second signal ends everything now."""
        self._captured_signals.append(sig)
        self.force_exit = self._leaving
        self.leave(now=self._leaving)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if self._leaving and self._drain is None:
            self._drain = asyncio.create_task(self._drained())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called when the port can be closed."""
        await super().shutdown(sockets)
        if self.force_exit:  # uvicorn skips the lifespan's end
            await self.lifespan.shutdown()
            await asyncio.sleep(FLUSH_S)

    async def _drained(self) -> None:
        try:
            await self._service.drain(self._grace_s)
        finally:
            self.should_exit = True


def _host(
    settings: Settings,
    options: Sequence[str],
    registration: Registration,
    on_failure: Callable[[], None],
) -> Host:
    """What holds the engine that the settings ask for. Raises `EngineStartError`."""
    engine = build(settings, options)
    warms = settings.warm_up and settings.engine != "scripted"
    return Host(
        engine,
        registration,
        on_failure,
        warm if warms else None,
        settings.engine_restarts,
        Canary(engine, settings.canary_after_s, settings.canary_limit_s),
    )


def _shown(host: str) -> str:
    """The address as it stands in a URL that this machine can reach."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host
