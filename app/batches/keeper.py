"""Takes batches from one status to the next.

    validating → in_progress → finalizing → completed, or expired if its time was up
    validating → failed; validating, in_progress → cancelling → cancelled

Every replica looks at all batches; who makes a step is settled in the database. The work of
`validating`, `finalizing` and `cancelling` needs a lease, so that one replica does it, and another
if that one dies.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from app.batches.results import Results
from app.batches.validation import Checker, Good, Problem
from app.errors import StoreError
from app.keeping.replica import Lease
from app.settings import Settings
from app.store.batches import IN_PROGRESS, KEPT_WORK, VALIDATING, Batch, BatchStore
from app.store.blobs import Blobs
from app.store.lines import LineStore

logger = structlog.get_logger(__name__)

POLL_S: Final = 1.0
"""How often is looked for what other replicas have begun, ended or left."""
AT_A_TIME: Final = 2
"""Batches that are checked or written at a time."""


class Keeper:
    """The life of batches, but for the answers."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        settings: Settings,
        batches: BatchStore,
        lines: LineStore,
        blobs: Blobs,
        results: Results,
        lease: Lease,
    ) -> None:
        self._longest = settings.max_body_bytes
        self._batches = batches
        self._lines = lines
        self._blobs = blobs
        self._results = results
        self._lease = lease
        self.looked: Callable[[Sequence[Batch]], None] = lambda _: None
        """Told every `POLL_S` which batches are in progress, oldest first."""
        self.stopped: Callable[[str], None] = lambda _: None
        """Told ids of batches whose lines are not to be answered any more."""
        self._working: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after batches."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the work, and let go of it: what was begun is begun anew."""
        working = dict(self._working)
        tasks = [task for task in (self._task, *working.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if working:
            with suppress(StoreError):  # the leases run out by themselves
                await self._batches.release(list(working), self._lease.name)

    def wake(self) -> None:
        """Something may have changed: look now."""
        self._wake.set()

    async def renew(self) -> None:
        """Keep hold of the batches that are worked on here."""
        if self._working:
            ids = list(self._working)
            await self._batches.renew(ids, self._lease.name, self._lease.until())

    async def _run(self) -> None:
        while True:
            try:
                unfinished = await self._batches.unfinished()
                self.looked([batch for batch in unfinished if batch.status == IN_PROGRESS])
                for batch in unfinished:
                    await self._look_after(batch)
            except StoreError:
                pass  # it was logged where it happened, and is tried again
            except Exception:
                logger.exception("batches")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_S)
            self._wake.clear()

    async def _look_after(self, batch: Batch) -> None:
        if batch.status == IN_PROGRESS:
            if batch.expires_at <= time.time():
                stepped = await self._batches.expire(batch)
            else:
                stepped = not await self._batches.has_pending(batch.id)
                stepped = stepped and await self._batches.finish(batch)
            if stepped:
                self.stopped(batch.id)
                self.wake()
            return
        busy = batch.id in self._working or len(self._working) >= AT_A_TIME
        held = batch.leased_until is not None and batch.leased_until >= self._lease.clock()
        if batch.status not in KEPT_WORK or busy or held:
            return
        if await self._batches.claim(batch, self._lease.name, self._lease.until()):
            task = asyncio.create_task(self._work(batch))
            self._working[batch.id] = task
            task.add_done_callback(lambda _: self._worked(batch.id))

    def _worked(self, batch_id: str) -> None:
        del self._working[batch_id]
        self.wake()

    async def _work(self, batch: Batch) -> None:
        try:
            if batch.status == VALIDATING:
                await self._validate(batch)
            else:
                self.stopped(batch.id)
                ended = await self._results.finalize(batch, self._lease.name)
                logger.info("batch_ended", batch_id=batch.id, here=ended)
        except StoreError:
            await self._let_go(batch)
        except Exception:
            logger.exception("batch", batch_id=batch.id, status=batch.status)
            await self._let_go(batch)

    async def _let_go(self, batch: Batch) -> None:
        await asyncio.sleep(POLL_S)
        with suppress(StoreError):
            await self._batches.release([batch.id], self._lease.name)

    async def _validate(self, batch: Batch) -> None:
        """Check the input file, keep its lines, and begin the batch or fail it."""
        await self._lines.clear(batch.id)  # of one who has died over it
        checker = Checker(batch.endpoint, self._longest)
        try:
            async for piece in self._blobs.read(batch.input_file_id):
                await self._keep(batch.id, await asyncio.to_thread(checker.feed, piece))
                if checker.given_up:
                    break
            else:
                await self._keep(batch.id, checker.end())
        except FileNotFoundError:
            gone = "the input file is gone; upload it again"
            checker.problems.append(Problem("input_file_gone", gone, param="input_file_id"))
        if checker.problems:
            told = [problem.told() for problem in checker.problems]
            if await self._batches.fail(batch, self._lease.name, told):
                await self._lines.clear(batch.id)
        else:
            await self._batches.begin(batch, self._lease.name, checker.lines)

    async def _keep(self, batch_id: str, good: list[Good]) -> None:
        if good:
            await self._lines.insert(
                [
                    {
                        "batch_id": batch_id,
                        "line": one.line,
                        "custom_id": one.custom_id,
                        "offset": one.offset,
                        "length": one.length,
                    }
                    for one in good
                ]
            )
