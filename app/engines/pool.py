"""The servers of the remote engine: which one is asked next, and which can be asked at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import structlog

from app.engines.affinity import Affinity
from app.engines.upstream import LostError, Upstream
from app.errors import EngineStartError

logger = structlog.get_logger(__name__)

EVERY_S: Final = 2.0
"""Between two probes of a server that answers."""
BACKOFF_S: Final = 0.25, 8.0
"""Between probes of one that does not, at first and at most; each wait is twice the last."""
MISSES: Final = 2
"""Probes in a row that are missed before a server is left out: it may just be busy."""
SLACK: Final = 2
"""Streams that a server whose cache holds a prompt may have more than the least busy one; or a
quarter of these, if that is more."""

Check = Callable[[Upstream], Awaitable[None]]


class Pool:
    """Servers that serve the same model."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self.upstreams = tuple(upstreams)
        self._affinity: Affinity[Upstream] = Affinity()
        self._turns = 0
        self._suspected = {upstream: asyncio.Event() for upstream in upstreams}
        self._watches: list[asyncio.Task[None]] = []

    @property
    def up(self) -> int:
        """Servers that can be asked."""
        return sum(upstream.up for upstream in self.upstreams)

    def offers(self, prompt: Sequence[int], most: int) -> Iterator[Upstream]:
        """Servers to ask, the best first, each once; none if none can be asked.

        The best is the least busy one, or one whose cache holds more and that is little busier.
        """
        blocks = self._affinity.blocks(prompt) if len(self.upstreams) > 1 else ()
        tried: set[Upstream] = set()
        while len(tried) < most:
            free = [one for one in self.upstreams if one.up and one not in tried]
            if not free:
                return
            chosen = min(free, key=lambda one: (one.busy, one.turn))
            near = self._affinity.reader(blocks)
            if near in free and near.busy <= chosen.busy + max(SLACK, chosen.busy // 4):
                chosen = near
            self._affinity.note(blocks, chosen)
            self._turns += 1
            chosen.turn = self._turns
            tried.add(chosen)
            yield chosen

    def suspect(self, upstream: Upstream, why: str) -> None:
        """It failed at work: it is left out for a while, and until it has answered a probe."""
        upstream.failures += 1
        self._away(upstream, why)
        self._suspected[upstream].set()

    async def open(self, check: Check) -> None:
        """Look which servers are there, and go on looking.

        `check` raises `LostError` for one that is not, and `EngineStartError` for one that is not
        what it must be; the latter ends the start.
        """
        for upstream in self.upstreams:
            try:
                await check(upstream)
            except LostError as error:
                self._away(upstream, str(error))
            else:
                upstream.up = True
        self._watches = [
            asyncio.create_task(self._watch(upstream, check)) for upstream in self.upstreams
        ]

    async def stop(self) -> None:
        """Probe no more."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def _watch(self, upstream: Upstream, check: Check) -> None:
        suspected = self._suspected[upstream]
        while True:
            if upstream.up:
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY_S):  # `wait_for` may swallow a cancellation
                        await suspected.wait()
            if not upstream.up:
                suspected.clear()
                await asyncio.sleep(backoff(upstream.failures))
            await self._probe(upstream, check)

    async def _probe(self, upstream: Upstream, check: Check) -> None:
        try:
            await (upstream.probe() if upstream.up else check(upstream))
        except Exception as error:  # whatever it is, the next probe must come
            if not isinstance(error, (LostError, EngineStartError)):
                logger.exception("upstream_probe", url=upstream.url)
            upstream.failures += 1
            if upstream.failures >= MISSES:
                self._away(upstream, str(error))
        else:
            if upstream.up:
                upstream.failures = 0  # it was, and still is
            else:
                upstream.up = True
                logger.info("upstream_up", url=upstream.url)

    def _away(self, upstream: Upstream, why: str) -> None:
        if upstream.up or why != upstream.trouble:
            logger.warning("upstream_away", url=upstream.url, error=why)
        upstream.up, upstream.trouble = False, why


def backoff(failures: int) -> float:
    """Seconds until a server that has failed is probed again."""
    first_s, most_s = BACKOFF_S
    return float(min(first_s * 2 ** min(failures, 10), most_s))
