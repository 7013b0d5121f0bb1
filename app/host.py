"""Holds the engine over the life of the server: starts it behind answering probes, ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from app.engines.base import Engine
from app.errors import (
    AppError,
    EngineDeadError,
    EngineError,
    EngineStartError,
    UnavailableError,
)
from app.processes import Registration

logger = structlog.get_logger(__name__)


class Host:
    """An engine and its phase: `starting`, the engine's own, `ready`, `failed`, `stopping`."""

    def __init__(
        self,
        engine: Engine,
        registration: Registration | None = None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.engine = engine
        self.phase = "starting"
        self.error: AppError | None = None
        self._registration = registration
        self._on_failure = on_failure
        self._began = time.monotonic()
        self._ready_after: float | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @property
    def seconds(self) -> float:
        """Seconds that starting took, or has taken so far."""
        if self._ready_after is not None:
            return self._ready_after
        return time.monotonic() - self._began

    @property
    def ready(self) -> bool:
        """Whether the engine has started."""
        return self.phase == "ready"

    def start(self) -> None:
        """Begin to start the engine; returns at once."""
        self._starting = asyncio.create_task(self._start())

    async def wait_ready(self) -> None:
        """Returns once requests can be served; never, if the engine does not start."""
        await self._ready.wait()

    async def require(self) -> Engine:
        """The engine. Raises `UnavailableError` until it is ready.

        After that it raises `EngineDeadError` or, while it may come back, `EngineAwayError`.
        """
        if not self.ready:
            raise UnavailableError(
                f"the engine is not ready (phase: {self.phase}); ask /startupz for its progress",
                retry_after=5,
                code="not_ready",
            )
        await self.engine.check()
        return self.engine

    async def alive(self) -> bool:
        """Whether the engine can still come up, serve, or come back."""
        return self.phase != "failed" and not isinstance(await self._trouble(), EngineDeadError)

    async def serves(self) -> bool:
        """Whether requests can be served now."""
        return self.ready and await self._trouble() is None

    async def _trouble(self) -> EngineError | None:
        try:
            await self.engine.check()
        except EngineError as error:
            return error
        return None

    async def stop(self) -> None:
        """End the engine and whatever it has started."""
        self.phase = "stopping"
        while self._starting is not None and not self._starting.done():
            # A thread that loads weights cannot be interrupted, but its processes can be ended.
            if self._registration is not None:
                await asyncio.to_thread(self._registration.end_children)
            await asyncio.wait({self._starting}, timeout=0.2)
        await self.engine.stop()
        if self._registration is not None:
            await asyncio.to_thread(self._registration.remove)

    def _enter(self, phase: str) -> None:
        if self.phase == "stopping":
            raise EngineStartError("stopped before it had started")
        if phase == self.phase:
            return
        self.phase = phase
        logger.info("phase", phase=phase, seconds=round(self.seconds, 2))

    async def _start(self) -> None:
        watch = asyncio.create_task(self._watch_children())
        try:
            await self.engine.start(self._enter)
        except AppError as error:
            self._fail(error)
        except Exception as error:
            logger.exception("engine_start")
            self._fail(EngineStartError(f"the engine did not start: {error!r}"))
        else:
            if self.phase != "stopping":
                self._ready_after = time.monotonic() - self._began
                self._enter("ready")
                self._ready.set()
        finally:
            watch.cancel()

    def _fail(self, error: AppError) -> None:
        if self.phase == "stopping":
            return
        self.error = error
        self.phase = "failed"
        logger.error("engine_start_failed", error=error.message)
        self._on_failure()

    async def _watch_children(self) -> None:
        """Record processes as they appear, so that even a half-started engine leaves no orphan."""
        while self._registration is not None:
            try:
                await asyncio.to_thread(self._registration.record_children)
            except OSError as error:  # a full disk must not end the watch
                logger.warning("server_record", error=str(error))
            await asyncio.sleep(0.5)
