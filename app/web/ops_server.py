"""Probes and metrics on a port of their own, served by a thread with an event loop of its own.

Kubernetes restarts what does not answer within a second, three times in a row. On the server's own
loop the answer waits behind whatever the loop does; here it does not, and says how long the loop
has stood still. Only if that is longer than work can explain is the server not alive.
"""

from __future__ import annotations

import socket
import threading

import uvicorn
from fastapi import FastAPI

from app.routes import ops
from app.web.http import BoundedHttp
from app.web.middleware import RequestId

_PATIENCE_S = 5.0


class OpsServer:
    """Answers the routes of `app.routes.ops` about another application."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        """`listener` is bound; it is closed at the end."""
        own = FastAPI(openapi_url=None)
        own.state = app.state
        own.include_router(ops.router)
        own.add_middleware(RequestId)
        config = uvicorn.Config(
            own,
            http=BoundedHttp,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            limit_concurrency=64,
            timeout_graceful_shutdown=1,
        )
        self._listener = listener
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="ops", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits for answers that are under way."""
        self._server.should_exit = True
        self._thread.join(_PATIENCE_S)
        self._listener.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])
