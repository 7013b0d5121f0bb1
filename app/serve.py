"""Runs the server: one process, one engine, until a signal or the engine's failure ends it."""

from __future__ import annotations

import errno
import logging
import signal
import socket
from collections.abc import Callable, Sequence

import structlog
import uvicorn

from app.engines.launch import build
from app.errors import AppError, EngineStartError
from app.host import Host
from app.main import create_app
from app.processes import Registration, end_orphans
from app.settings import Settings


def serve(
    settings: Settings,
    options: Sequence[str] = (),
    *,
    on_bound: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGINT or SIGTERM. `on_bound` is told the URL once the port is taken.

    Raises `EngineStartError` if the port is taken, or if the engine does not start.
    """
    _configure_logging(settings)
    end_orphans(settings.state_dir)
    listener = bind(settings.host, settings.port)
    url = f"http://{_shown(settings.host)}:{listener.getsockname()[1]}"
    registration = Registration(
        settings.state_dir, url=url, model=settings.served_name, engine=settings.engine
    )
    registration.write()
    try:
        engine = build(settings, options)
        server: uvicorn.Server
        host = Host(engine, registration, on_failure=lambda: _leave(server))
        app = create_app(settings, host)
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=round(settings.shutdown_grace_s),
        )
        server = uvicorn.Server(config)
        on_bound(url)
        # uvicorn raises the signal again once it has drained; by then there is nothing left to do.
        signal.signal(signal.SIGTERM, lambda *_: None)
        server.run(sockets=[listener])
    finally:
        registration.remove()
        listener.close()
    if isinstance(host.error, AppError):
        raise host.error


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `EngineStartError` naming the remedy if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise EngineStartError(
                f"port {port} on {host} is taken by another program; "
                "choose another with --port, or 0 for a free one"
            ) from error
        raise EngineStartError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def _leave(server: uvicorn.Server) -> None:
    server.should_exit = True


def _shown(host: str) -> str:
    """The address as it stands in a URL that this machine can reach."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _configure_logging(settings: Settings) -> None:
    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
    )
