"""Growing outputs, sent at most once in `INTERVAL_S`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

from statespace.reader import Grown

INTERVAL_S: Final = 0.05


class DeltaThrottle:
    """Joins what one path writes into deltas; a timer sends the rest if the model falls silent."""

    def __init__(self, send: Callable[[Grown], None]) -> None:
        self._send = send
        self._held: Grown | None = None
        self._sent = -math.inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, grown: Grown) -> None:
        """Take more output; it is sent now or with what follows."""
        held = self._held
        self._held = grown if held is None else Grown(held.id, held.offset, held.text + grown.text)
        loop = asyncio.get_running_loop()
        wait = self._sent + INTERVAL_S - loop.time()
        if wait <= 0:
            self.flush()
        elif self._timer is None:
            self._timer = loop.call_later(wait, self.flush)

    def flush(self) -> None:
        """Send what is held, if anything: before the transition is completed, and at the end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held is not None:
            held, self._held = self._held, None
            self._sent = asyncio.get_running_loop().time()
            self._send(held)
