"""Holds the engine over the life of the server: starts it behind answering probes, watches over
it, starts it again if it has died and that is wanted, ends it.

    starting → the engine's phases → warming … → ready → stopping
                                       ↑           ↓
                                   restarting ← it died      → failed: the server ends
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from app.engines import heap
from app.engines.base import Engine, Phase
from app.engines.canary import Canary
from app.errors import (
    AppError,
    EngineAwayError,
    EngineDeadError,
    EngineError,
    EngineStartError,
    UnavailableError,
)
from app.processes import Registration

logger = structlog.get_logger(__name__)

LOOK_S: Final = 0.25
"""Between two looks whether the engine lives."""
WINDOW_S: Final = 600.0
"""The time over which restarts are counted."""
BACKOFF_S: Final = 1.0, 30.0
"""Before a restart, at first and at most; each wait is twice the last."""
_RETRY_S: Final = 5.0

Warm = Callable[[Engine, Phase], Awaitable[None]]


class Host:
    """An engine and its phase."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        engine: Engine,
        registration: Registration | None = None,
        on_failure: Callable[[], None] = lambda: None,
        warm: Warm | None = None,
        restarts: int = 0,
        canary: Canary | None = None,
    ) -> None:
        """`warm` uses what is slow when first used; `on_failure` is called when all is over."""
        self.engine = engine
        self.phase = "starting"
        self.phases: dict[str, float] = {}
        """The phases that are over, with the seconds that each took."""
        self.error: AppError | None = None
        self.died: Callable[[EngineDeadError], None] = lambda _: None
        """Told when the engine is found dead or hanging: what it was doing will not go on."""
        self._registration = registration
        self._on_failure = on_failure
        self._warm = warm
        self._most_restarts = restarts
        self._restarted: list[float] = []
        self._canary = canary
        self._began = self._entered = time.monotonic()
        self._ready_after: float | None = None
        self._starting: asyncio.Task[AppError | None] | None = None
        self._life: asyncio.Task[None] | None = None
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

    @property
    def started(self) -> bool:
        """Whether the engine has been ready once, and the end of it is not known."""
        return self._ready_after is not None and self.error is None

    @property
    def restarts(self) -> int:
        """How often the engine was started again."""
        return len(self._restarted)

    def start(self) -> None:
        """Begin to start the engine; returns at once."""
        self._life = asyncio.create_task(self._live())

    async def wait_ready(self) -> None:
        """Returns once requests can be served; never, if the engine does not start."""
        await self._ready.wait()

    async def returned(self) -> Engine:
        """The engine once it can be asked, however often it has died. Raises as `require` does."""
        while True:
            await self.wait_ready()
            try:
                return await self.require()
            except (UnavailableError, EngineAwayError):
                await asyncio.sleep(LOOK_S)  # it has died, which was not noticed yet, or is away

    def may_return(self) -> bool:
        """Whether an engine that has died is started again here."""
        if self.phase in ("failed", "stopping"):
            return False
        return self.phase not in ("ready", "died") or self._may_restart()

    async def require(self) -> Engine:
        """The engine. Raises `UnavailableError` until it is ready.

        After that it raises `EngineDeadError` or, while it may come back, `EngineAwayError`.
        """
        if not self.ready:
            raise self._not_ready()
        try:
            await self.engine.check()
        except EngineDeadError:
            if self.may_return():
                raise self._not_ready() from None
            raise
        return self.engine

    async def alive(self) -> bool:
        """Whether the engine can still come up, serve, or come back."""
        if self.phase == "failed":
            return False
        return self.may_return() or not isinstance(await self._trouble(), EngineDeadError)

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
            await self._end_children()
            await asyncio.wait({self._starting}, timeout=0.2)
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        if self.error is not None:  # one that hangs would not end when it is asked to
            await self._end_children()
        await self.engine.stop()
        if self._registration is not None:
            await asyncio.to_thread(self._registration.remove)

    async def _live(self) -> None:
        """Start the engine, and again when it has died, until that does not help any more."""
        while True:
            self._starting = asyncio.create_task(self._start())
            try:
                await asyncio.wait({self._starting})
                error = self._starting.result() or await self._watch()
            except Exception as unforeseen:  # a watch that has ended would watch no more
                logger.exception("engine_watch")
                error = EngineError(f"the engine could not be watched: {unforeseen!r}")
            if self.phase == "stopping":
                return
            came_up = self._ready_after is not None
            self._ready.clear()
            if not (came_up and self._may_restart()):
                self._fail(error)
                return
            await self._recover(error)

    async def _start(self) -> AppError | None:
        """Start the engine; what has gone wrong, if something has."""
        watch = asyncio.create_task(self._watch_children())
        try:
            await self.engine.start(self._enter)
            if self._warm is not None:
                await self._warm(self.engine, self._enter)
            heap.settle()
            self._enter("ready")
        except AppError as error:
            return error
        except Exception as error:
            logger.exception("engine_start")
            return EngineStartError(f"the engine did not start: {error!r}")
        finally:
            watch.cancel()
        self._ready_after = self._ready_after or time.monotonic() - self._began
        self._ready.set()
        return None

    async def _watch(self) -> AppError:
        """Returns how the engine has died."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await (self.engine.check() if self._canary is None else self._canary.check())
            except EngineDeadError as error:
                logger.error("engine_died", error=error.message)
                self._enter("died")
                self.died(error)
                return error
            except EngineError:
                continue  # it is away and may come back

    async def _recover(self, error: AppError) -> None:
        """Clear away what is left of a dead engine, and wait a little."""
        self._restarted.append(time.monotonic())
        self._enter("restarting")
        logger.warning("engine_restart", number=self.restarts, error=error.message)
        await self._end_children()  # first: a process that hangs would hold up all else
        with suppress(Exception):
            await self.engine.stop()
        await asyncio.sleep(min(BACKOFF_S[0] * 2 ** (self.restarts - 1), BACKOFF_S[1]))

    def _may_restart(self) -> bool:
        now = time.monotonic()
        return sum(now - at < WINDOW_S for at in self._restarted) < self._most_restarts

    def _enter(self, phase: str) -> None:
        if self.phase == "stopping":
            raise EngineStartError("stopped before it had started")
        if phase == self.phase:
            return
        now = time.monotonic()
        self.phases[self.phase] = round(self.phases.get(self.phase, 0.0) + now - self._entered, 3)
        self.phase, self._entered = phase, now
        logger.info("phase", phase=phase, seconds=round(now - self._began, 2))

    def _fail(self, error: AppError) -> None:
        self.error = error
        self.phase = "failed"
        logger.error("engine_failed", error=error.message)
        self._on_failure()

    def _not_ready(self) -> UnavailableError:
        return UnavailableError(
            f"the engine is not ready (phase: {self.phase}); ask /startupz for its progress",
            retry_after=_RETRY_S,
            code="not_ready",
        )

    async def _end_children(self) -> None:
        if self._registration is not None:
            await asyncio.to_thread(self._registration.end_children)

    async def _watch_children(self) -> None:
        """Record processes as they appear, so that even a half-started engine leaves no orphan."""
        while self._registration is not None:
            try:
                await asyncio.to_thread(self._registration.record_children)
            except OSError as error:  # a full disk must not end the watch
                logger.warning("server_record", error=str(error))
            await asyncio.sleep(0.5)
