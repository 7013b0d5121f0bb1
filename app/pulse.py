"""The event loop's pulse: how long it has stood still, as any thread can see.

A loop that is busy for seconds is no fault: what waits for it is late, and comes. One that never
comes back is a fault that only a restart ends. Whoever asks the loop itself cannot tell the two
apart before it has answered; a thread can.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

BEAT_S: Final = 0.25


class Pulse:
    """Beats on the event loop; read from any thread."""

    def __init__(self) -> None:
        self._beat_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat, on the running loop."""
        self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Beat no more; the lag is 0 from then on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._beat_at = None

    def lag(self) -> float:
        """Seconds that the loop is behind; 0 if it is not, or has not begun."""
        beat_at = self._beat_at
        return 0.0 if beat_at is None else max(time.monotonic() - beat_at - BEAT_S, 0.0)

    async def _beat(self) -> None:
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(BEAT_S)
