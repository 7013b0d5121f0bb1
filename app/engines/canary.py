"""Tells an engine that hangs from one that is slow, by asking it for a single token.

It is asked only if nothing has come from it for a while although requests are in hand: an engine
that works costs nothing extra, and one that has nothing to do may be silent.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Final

import structlog

from app.engines.base import Engine, Sampling
from app.errors import EngineDeadError, EngineError

logger = structlog.get_logger(__name__)

LAST_S: Final = 1.0
"""When time is up this much more is waited: after a pause of the whole machine the engine's answer
may be there and only not be read yet."""


class Canary:
    """Watches one engine."""

    def __init__(self, engine: Engine, after_s: float, limit_s: float) -> None:
        self._engine = engine
        self._after_s = after_s
        self._limit_s = limit_s
        self._busy_since: float | None = None

    async def check(self) -> None:
        """Raises `EngineDeadError` if the engine hangs or is dead; may take `limit_s`."""
        await self._engine.check()
        if not self._engine.unfinished():
            self._busy_since = None
            return
        self._busy_since = self._busy_since or time.monotonic()
        if self._silence() < self._after_s:
            return
        asked_at = time.monotonic()
        logger.warning("canary", silence_s=round(self._silence(), 1))
        try:
            await asyncio.wait_for(self._ask(), self._limit_s)
        except TimeoutError:
            await asyncio.sleep(LAST_S)
            if self._engine.heard() < asked_at:
                raise EngineDeadError(
                    f"the engine hangs: nothing has come from it for {self._silence():.0f} s; "
                    "restart the server"
                ) from None
        except EngineDeadError:
            raise
        except EngineError as error:
            logger.warning("canary", error=error.message)  # it says no, but it speaks

    async def _ask(self) -> None:
        prompt = self._engine.prompt("1 + 1?", plain=True)
        async with aclosing(self._engine.generate(prompt, Sampling(max_tokens=1))) as chunks:
            async for _ in chunks:
                return

    def _silence(self) -> float:
        return time.monotonic() - max(self._engine.heard(), self._busy_since or 0.0)
