"""Many completions at once, written as they come by one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from training.errors import TeacherError
from training.rows import RejectedRow
from training.shards import Outcome
from training.traces.teacher.client import Client
from training.traces.teacher.sampling import Endpoint, Sampling, Unit

Write = Callable[[Sequence[Outcome]], None]
"""Takes outcomes; they are safe when it returns."""
Run = Callable[[Iterable[Unit], Endpoint, Sampling, Write], None]
"""Turns units into outcomes: `produce` in this process, `training.traces.teacher.cluster` on many
machines."""


def produce(units: Iterable[Unit], endpoint: Endpoint, sampling: Sampling, write: Write) -> None:
    """Asks for all units, `endpoint.concurrency` at a time, and writes outcomes as they come.

    Raises TeacherError where the endpoint refuses them all, and what `write` raises. Requests that
    are under way then are waited for, so that what they cost is not lost.
    """
    asyncio.run(_Production(endpoint, sampling, write).run(units))


class _Production:
    def __init__(self, endpoint: Endpoint, sampling: Sampling, write: Write) -> None:
        self._endpoint = endpoint
        self._sampling = sampling
        self._write = write
        self._queue: asyncio.Queue[Outcome | None] = asyncio.Queue(endpoint.concurrency)
        self._error: Exception | None = None
        self._full = False  # whether nothing more can be written
        self._failures = 0  # in a row

    async def run(self, units: Iterable[Unit]) -> None:
        source = iter(units)
        async with Client(self._endpoint, self._sampling) as client, asyncio.TaskGroup() as group:
            writing = group.create_task(self._commit())
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._endpoint.concurrency):
                    workers.create_task(self._work(source, client))
            await self._queue.put(None)
            await writing
        if self._error:
            raise self._error

    async def _work(self, source: Iterator[Unit], client: Client) -> None:
        """Takes units from the common source until there are no more, or something is wrong."""
        for unit in source:
            try:
                outcome = await client.complete(unit)
            except TeacherError as error:
                self._error = self._error or error
            else:
                await self._queue.put(outcome)
                self._count(outcome)
            if self._error:
                return

    async def _commit(self) -> None:
        """Writes what has come, in one go for all that waits: a sync takes as long as a request."""
        ended = False
        while not ended:
            waiting = [await self._queue.get()]
            while not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            ended = None in waiting
            outcomes = [outcome for outcome in waiting if outcome is not None]
            if outcomes and not self._full:
                await self._written(outcomes)

    async def _written(self, outcomes: Sequence[Outcome]) -> None:
        try:
            await asyncio.to_thread(self._write, outcomes)
        except Exception as error:  # a full disk, say: nothing more can be kept, so end
            self._error, self._full = error, True

    def _count(self, outcome: Outcome) -> None:
        failed = isinstance(outcome, RejectedRow)
        self._failures = self._failures + 1 if failed else 0
        if isinstance(outcome, RejectedRow) and self._failures >= self._endpoint.give_up_after:
            self._error = self._error or TeacherError(
                f"{self._failures} requests in a row failed, the last with: {outcome.detail}; see "
                "to the endpoint, then run again with --retry-failed"
            )
