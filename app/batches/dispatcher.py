"""Has lines answered in places that nobody else wants.

A line is leased, asked in this process, and its answer kept before its place is counted as free
again. What dies in between leaves a lease that runs out; another replica then asks the line anew.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog

from app.access.admission import Admission
from app.batches import answers
from app.batches.endpoints import ENDPOINTS
from app.batches.validation import parse
from app.errors import (
    AppError,
    EngineAwayError,
    EngineError,
    RateLimitError,
    StoreError,
    UnavailableError,
)
from app.host import Host
from app.keeping.replica import Lease
from app.metrics import Metrics
from app.settings import Settings
from app.solving.service import Service
from app.store.batches import Batch
from app.store.blobs import Blobs
from app.store.lines import Answered, Key, Line, LineStore
from app.tracing.current import BATCH_LINE, BatchLine

logger = structlog.get_logger(__name__)

CHUNK: Final = 16
"""Lines that are leased at a time."""
PAUSE_S: Final = 1.0
"""How long nothing is asked after the engine or the store has failed."""
MAX_ATTEMPTS: Final = 10
"""How often a line is asked whose servers die: it may be what kills them."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A line with its text, and what it has of its batch."""

    line: Line
    batch: Batch
    data: bytes


class Dispatcher:
    """Asks the lines of all batches, a few of each in turn."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        settings: Settings,
        host: Host,
        service: Service,
        admission: Admission,
        lines: LineStore,
        blobs: Blobs,
        lease: Lease,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._host = host
        self._service = service
        self._admission = admission
        self._lines = lines
        self._blobs = blobs
        self._lease = lease
        self.drained: Callable[[], None] = lambda: None
        """Called when the last line of a batch may have been answered here."""
        self._ready: deque[_Ready] = deque()
        self._asked: dict[Key, asyncio.Task[None]] = {}
        self._answered: set[str] = set()
        """Batches that have had lines answered here since they were last looked at."""
        self._answers = _Answers(lines, lease.name, metrics)
        self._going: list[Batch] = []
        """In progress, oldest first."""
        self._open: list[Batch] = []
        """Those of them whose turn is still to come."""
        self._paused_until = 0.0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask, once the engine is ready."""
        self._task = asyncio.create_task(_forever(self._fill_and_ask, self._host.wait_ready))
        self._answers.start()

    async def stop(self) -> None:
        """End what is being asked, and give its lines back."""
        if self._task is not None:
            await _end([self._task])
        held = self._held()
        await _end(list(self._asked.values()))
        await self._answers.stop()
        with suppress(StoreError):  # the leases run out by themselves
            await self._lines.release(held, self._lease.name)

    def look(self, going: Sequence[Batch]) -> None:
        """These are in progress; lines of others, which have ended, are not asked any more."""
        # A server of another model may share the store: its answers would be another's.
        mine = self._settings.served_name
        self._going = [batch for batch in going if batch.model == mine]
        ids = {batch.id for batch in self._going}
        self._open = [batch for batch in self._open if batch.id in ids]
        self._answered &= ids
        for batch_id in {key[0] for key in self._held()} - ids:
            self.drop(batch_id)
        if self._going:
            self._wake.set()

    async def renew(self) -> None:
        """Keep hold of the lines that are being asked here."""
        if held := self._held():
            await self._lines.renew(held, self._lease.name, self._lease.until())

    def drop(self, batch_id: str) -> None:
        """End the lines of a batch that are being asked here: it is in progress no more."""
        self._going = [batch for batch in self._going if batch.id != batch_id]
        self._open = [batch for batch in self._open if batch.id != batch_id]
        self._ready = deque(ready for ready in self._ready if ready.line.batch_id != batch_id)
        for (of, _), task in self._asked.items():
            if of == batch_id:
                task.cancel()

    def _held(self) -> set[Key]:
        return {*self._asked, *(ready.line.key for ready in self._ready)}

    @property
    def _room(self) -> int:
        """How many lines may be asked now, so that the reserved places stay free."""
        width = min(self._host.engine.width, self._settings.max_in_flight)
        slots = self._settings.batch_slots or width
        # However narrow the engine is, a line at a time must be answered.
        reserved = min(math.ceil(width * self._settings.batch_reserved_share), width - 1)
        if self._admission.interactive_waits or time.monotonic() < self._paused_until:
            return 0
        free = width - reserved - self._admission.running
        return min(slots - len(self._asked), max(free, 0))

    async def _fill_and_ask(self) -> None:
        if not self._ready and not self._going:
            await self._woken()
        elif self._room < 1:
            await _first_of(self._admission.changed(), self._woken())
        elif self._ready or await self._fill():
            ready = self._ready.popleft()
            task = asyncio.create_task(self._ask(ready))
            self._asked[ready.line.key] = task
            task.add_done_callback(lambda _: self._asked_one(ready.line.key))
            await asyncio.sleep(0)  # it takes its place before the room is counted again
        else:
            await self._woken()

    async def _woken(self) -> None:
        """Returns when a line was answered, or it was looked what is in progress."""
        await self._wake.wait()
        self._wake.clear()

    async def _fill(self) -> bool:
        """Lease the next lines of the batch whose turn it is; whether there were any."""
        if not self._open:
            self._open = list(self._going)
        while self._open:
            batch = self._open.pop(0)
            found = await self._lines.claim(batch.id, self._lease.name, self._lease.until(), CHUNK)
            if found:
                await self._take(batch, found)
                return bool(self._ready)
            if batch.id in self._answered:
                self._answered.discard(batch.id)
                self.drained()
        return False

    async def _take(self, batch: Batch, found: list[Line]) -> None:
        spans = [(line.offset, line.length) for line in found]
        try:
            texts = await self._blobs.parts(batch.input_file_id, spans)
        except FileNotFoundError:
            texts = [b""] * len(found)
        except StoreError:
            await self._lines.release([line.key for line in found], self._lease.name)
            raise
        held = self._held()  # after a long silence of the store a lease of our own may have run out
        self._ready.extend(
            _Ready(line, batch, text)
            for line, text in zip(found, texts, strict=True)
            if line.key not in held
        )

    async def _ask(self, ready: _Ready) -> None:
        """Have a line answered and keep the answer, or give the line back."""
        line, made_in = ready.line, ready.batch.traceparent
        BATCH_LINE.set(BatchLine(line.batch_id, line.line, made_in))  # of this task alone
        structlog.contextvars.bind_contextvars(batch_id=line.batch_id, line=line.line)
        try:
            answered = await self._answer(ready)
        except AppError as error:
            self._pause(error)
            answered = None
        if answered is None:
            with suppress(StoreError):
                await self._lines.release([line.key], self._lease.name)
        else:
            await self._answers.keep(answered)

    async def _answer(self, ready: _Ready) -> Answered:
        """Raises what says nothing of the line, only of the server."""
        line = ready.line
        usage = None
        try:
            if not ready.data:
                raise AppError("the input file is gone", code="input_file_gone")
            if line.attempt > MAX_ATTEMPTS:
                raise AppError(
                    f"{MAX_ATTEMPTS} servers have died while they answered it", code="interrupted"
                )
            url = ready.batch.endpoint
            request = parse(ready.data, url).body
            found = await ENDPOINTS[url].answer(self._service, self._settings, request)
        except (UnavailableError, RateLimitError, StoreError, EngineAwayError):
            raise
        except AppError as error:
            if isinstance(error, EngineError):
                await self._host.require()  # if the engine is dead, the line is not to blame
            state, result = answers.FAILED, answers.refused(line.custom_id, error)
        except Exception:
            logger.exception("batch_line")
            refusal = AppError("internal error")
            state, result = answers.FAILED, answers.refused(line.custom_id, refusal)
        else:
            state, result = answers.COMPLETED, answers.answered(line.custom_id, found)
            usage = found.usage
        return Answered(line.batch_id, line.line, state, result, usage)

    def _pause(self, error: AppError) -> None:
        """Ask nothing for a while, so that it does not fail in the same way."""
        seconds = error.retry_after or PAUSE_S
        self._paused_until = time.monotonic() + min(seconds, 10 * PAUSE_S)

    def _asked_one(self, key: Key) -> None:
        self._asked.pop(key, None)
        self._answered.add(key[0])
        self._wake.set()


class _Answers:
    """Keeps answers, those that come together in one transaction."""

    def __init__(self, lines: LineStore, replica: str, metrics: Metrics) -> None:
        self._lines = lines
        self._replica = replica
        self._metrics = metrics
        self._waiting: list[tuple[Answered, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(_forever(self._keep_next))

    async def stop(self) -> None:
        """Keep what is left, if the store can be reached."""
        if self._task is not None:
            await _end([self._task])
        if self._waiting:
            self._wake.set()  # it may have been ended while it wrote
            try:
                await self._keep_next()
            except StoreError:
                logger.error("batch_answers_lost", lines=len(self._waiting))

    async def keep(self, answered: Answered) -> None:
        """Returns once it is kept."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((answered, kept))
        self._wake.set()
        await kept

    async def _keep_next(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        taken = list(self._waiting)
        try:
            await self._lines.answer([answered for answered, _ in taken], self._replica)
        except StoreError:
            self._wake.set()
            raise
        del self._waiting[: len(taken)]
        for answered, kept in taken:
            self._metrics.batch_lines.labels(answered.state).inc()
            if not kept.done():
                kept.set_result(None)


Step = Callable[[], Coroutine[Any, Any, None]]


async def _forever(step: Step, first: Step | None = None) -> None:
    if first is not None:
        await first()
    while True:
        try:
            await step()
        except StoreError:
            await asyncio.sleep(PAUSE_S)  # it was logged where it happened
        except Exception:
            logger.exception("batches")
            await asyncio.sleep(PAUSE_S)


async def _first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
