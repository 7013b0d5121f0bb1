"""A server on a real socket, in a thread, over any engine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from prometheus_client import CollectorRegistry

from app.engines.base import Engine
from app.engines.scripted import Script, ScriptedEngine
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from app.solving.service import Service


@dataclass
class LocalServer:
    """A running server and what a test may look at behind its back."""

    url: str
    host: Host
    metrics: Metrics
    service: Service


@contextmanager
def local_server(
    engine: Engine, settings: Settings | None = None, *, restarts: int = 0
) -> Iterator[LocalServer]:
    """Serve `engine` until the block ends."""
    metrics = Metrics(CollectorRegistry())
    host = Host(engine, restarts=restarts)
    settings = settings or Settings(engine="scripted")
    folder = TemporaryDirectory(prefix="statewise-test-")
    if "state_dir" not in settings.model_fields_set:
        settings = settings.model_copy(update={"state_dir": Path(folder.name)})
    if "shutdown_grace_s" not in settings.model_fields_set:
        settings = settings.model_copy(update={"shutdown_grace_s": 0.3})
    app = create_app(settings, host, metrics)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        # Until its last line is logged: a test that captures logs changes the loggers under it.
        while not host._ready.is_set() and host.error is None and thread.is_alive():
            time.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield LocalServer(url, host, metrics, app.state.service)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        folder.cleanup()


def scripted_tokens(question: str) -> int:
    """Tokens of the scripted engine's prompt for a question."""
    return len(ScriptedEngine(Script({}, 0.0)).prompt(question))
