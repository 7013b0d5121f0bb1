"""Files and batches as the routes use them, and their chores."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from app.access.admission import Admission
from app.batches.dispatcher import Dispatcher
from app.batches.keeper import Keeper
from app.batches.results import Results
from app.errors import ConflictError, RateLimitError
from app.host import Host
from app.keeping.replica import SWEEP_S, Chore, Lease
from app.metrics import Metrics
from app.settings import Settings
from app.solving.service import Service
from app.store.batches import IN_PROGRESS, VALIDATING, Batch, BatchStore
from app.store.blobs import Blobs
from app.store.database import Database
from app.store.files import FileStore
from app.store.lines import LineStore
from app.tracing.current import traceparent

WINDOW_S: Final = {"24h": 86_400}
ORPHANS_S: Final = 3_600.0
MEASURE_S: Final = 15.0
"""As often as is usual for metrics: a count of many lines takes the database a while."""
MAX_UNFINISHED: Final = 100
"""Batches of one owner that are not over."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new batch is to do."""

    endpoint: str
    input_file_id: str
    window: str
    metadata: Mapping[str, str] | None = None
    output_expires_s: int | None = None


class Office:
    """Takes batches in and sees them through."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        settings: Settings,
        host: Host,
        service: Service,
        admission: Admission,
        database: Database,
        lease: Lease,
        metrics: Metrics,
    ) -> None:
        """Raises `StoreError` for an address of files that cannot be used."""
        blobs = Blobs(settings.files)
        self.files = FileStore(database, blobs)
        self.batches = BatchStore(database)
        lines = LineStore(database)
        results = Results(self.batches, lines, self.files, settings.retention_s)
        self._keeper = Keeper(settings, self.batches, lines, blobs, results, lease)
        self._dispatcher = Dispatcher(
            settings, host, service, admission, lines, blobs, lease, metrics
        )
        self._model = settings.served_name
        self._retention_s = settings.retention_s
        self._lease = lease
        self._metrics = metrics
        self._keeper.looked = self._dispatcher.look
        self._keeper.stopped = self._dispatcher.drop
        self._dispatcher.drained = self._keeper.wake

    def start(self) -> None:
        """Begin to work on batches."""
        self._keeper.start()
        self._dispatcher.start()

    async def stop(self) -> None:
        """Give everything back, for other replicas or for the next start."""
        await self._dispatcher.stop()
        await self._keeper.stop()

    @property
    def chores(self) -> Sequence[Chore]:
        """What is to be done now and then."""
        return (
            (self._renew, self._lease.seconds / 3),
            (self._sweep, SWEEP_S),
            (self.measure, MEASURE_S),
            (self.files.sweep_orphans, ORPHANS_S),
        )

    async def _renew(self) -> None:
        await self._keeper.renew()
        await self._dispatcher.renew()

    async def _sweep(self) -> None:
        await self.files.sweep()
        await self.batches.sweep(time.time() - self._retention_s)

    async def measure(self) -> None:
        """Tell how much is left to do, on all servers."""
        lines, since = await self.batches.backlog(self._model)
        self._metrics.batch_lines_queued.set(lines)
        age = 0.0 if since is None else max(time.time() - since, 0.0)
        self._metrics.batch_oldest_seconds.set(age)

    async def create(self, owner: str, wanted: Wanted) -> Batch:
        """A new batch. Raises `NotFoundError` for its file, `RateLimitError` for one too many."""
        await self.files.get(wanted.input_file_id, owner)
        if await self.batches.unfinished_of(owner) >= MAX_UNFINISHED:
            raise RateLimitError(
                f"{MAX_UNFINISHED} of your batches are not over, which is the limit; wait for one",
                retry_after=60,
                limit="batches",
            )
        now = time.time()
        batch = Batch(
            id=f"batch_{uuid4().hex}",
            owner=owner,
            model=self._model,
            endpoint=wanted.endpoint,
            input_file_id=wanted.input_file_id,
            completion_window=wanted.window,
            created_at=now,
            expires_at=now + WINDOW_S[wanted.window],
            metadata=None if wanted.metadata is None else dict(wanted.metadata),
            output_expires_s=wanted.output_expires_s,
            traceparent=traceparent(),
        )
        await self.batches.insert(batch)
        self._keeper.wake()
        return batch

    async def cancel(self, batch_id: str, owner: str) -> Batch:
        """End a batch; what is answered is kept. Raises `NotFoundError`, `ConflictError`."""
        while (batch := await self.batches.get(batch_id, owner)).status in (
            VALIDATING,
            IN_PROGRESS,
        ):
            if (cancelled := await self.batches.cancel(batch)) is not None:
                self._dispatcher.drop(batch_id)
                self._keeper.wake()
                return cancelled
        if batch.status not in ("cancelling", "cancelled"):
            raise ConflictError(
                f"the batch is {batch.status} and cannot be cancelled any more",
                code="batch_over",
            )
        return batch

    async def delete_file(self, file_id: str, owner: str) -> None:
        """Raises `NotFoundError`, `ConflictError` while a batch needs it."""
        await self.files.get(file_id, owner)
        if await self.files.is_needed(file_id):
            raise ConflictError(
                "a batch that is not over reads from this file; cancel it or wait for its end",
                code="file_in_use",
            )
        await self.files.delete(file_id)
