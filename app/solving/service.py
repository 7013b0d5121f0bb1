"""Takes requests in: checks them against model and limits, and starts their runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from app.access.admission import Admission, Entry, Place, Priority
from app.access.keys import NOBODY
from app.engines.base import Engine
from app.errors import AppError, EngineDeadError, UnavailableError
from app.host import Host
from app.keeping.library import Library
from app.metrics import Metrics
from app.settings import Settings
from app.solving.forks import Fork
from app.solving.intake import Intake
from app.solving.order import Order, Running, same
from app.solving.record import Record
from app.solving.resumption import MAX_ATTEMPTS, interrupt, may_go_on, standing
from app.solving.run import Run
from app.solving.sinks import NativeSink, Stream
from app.store.solutions import Kept
from app.strategies import Chosen
from app.strategies.base import Problem
from statespace.solutions import Solution, SolutionRequest, Status

if TYPE_CHECKING:
    from app.tracing.tracer import Tracing

_HURRY_S: Final = 0.2
"""How soon a drain notices that there is no more grace."""
_AWAY_S: Final = 5.0
_SOON_S: Final = 0.02
"""How soon it notices that what was being taken in has begun or was refused."""


class Service:
    """Everything that a request needs, for the life of the server."""

    def __init__(
        self,
        settings: Settings,
        host: Host,
        metrics: Metrics,
        admission: Admission,
        library: Library,
    ) -> None:
        self._settings = settings
        self._intake = Intake(settings, host.engine)
        self._host = host
        self._metrics = metrics
        self._admission = admission
        self.library = library
        self.tracing: Tracing | None = None
        self._runs: dict[str, Running] = {}
        self._beginning = 0
        """Requests that are taken in and do not run yet."""
        self._draining = False
        self._ends_at: float | None = None
        library.settled = self._settled

    async def begin(self, order: Order) -> Running | Kept:
        """Check a request and start to solve it; waits for a place unless it is in the background.

        Returns what was kept before if the idempotency key was used. Raises `RequestError` naming
        the field, `UnknownModelError`, `ConflictError`, `RateLimitError` or `UnavailableError`.
        """
        self._beginning += 1
        try:
            return await self._begin(order)
        finally:
            self._beginning -= 1

    async def _begin(self, order: Order) -> Running | Kept:
        request = order.request
        deadline = self._intake.deadline(request)
        strategy = self._intake.strategy(request)
        if self._draining:
            raise UnavailableError("the server is shutting down", retry_after=10, code="draining")
        await self._host.require()
        if order.idempotency is not None:
            known = await self.library.store.by_key(order.key.name, order.idempotency.key)
            if known is not None:
                return same(known, order)
        if request.store:
            self.library.check_room()
        if request.background:
            return await self._in_background(order, strategy)
        place = await self._admission.acquire(
            order.key, self._intake.tokens(request, strategy), order.priority, request.timeout_s
        )
        try:
            engine = await self._host.require()
            problem = await self._intake.problem(engine, request, strategy, order.fork)
            run = self._run(f"sol_{uuid4().hex}", order, problem)
            if (known := await self._keep(run, order)) is not None:
                place.release(None)
                return same(known, order)
        except BaseException:
            place.release(None)
            raise
        run.created()
        running = self._start(run, order, self._placed(run, strategy, engine, place, deadline))
        # Its own `finally` is not reached if it is cancelled before it began.
        running.task.add_done_callback(lambda _: place.release(run.record.tokens))
        return running

    def running(self, solution_id: str, owner: str, kind: str = "solution") -> Running | None:
        """The solution, if it is being made or written here and belongs to `owner`."""
        found = self._runs.get(solution_id)
        if found is None or (found.owner, found.kind) != (owner, kind):
            return None
        return found

    async def solution(self, kept: Kept) -> Solution:
        """A kept solution as it stands now."""
        if (running := self._runs.get(kept.id)) is not None:
            return running.run.record.solution()
        return await self.library.solution(kept)

    async def cancel(self, solution_id: str, owner: str, kind: str = "solution") -> Solution:
        """End it, wherever it is made; returns it as it ended, or as it stands if that takes long.

        Raises `NotFoundError`.
        """
        if (running := self.running(solution_id, owner, kind)) is not None:
            running.cancel()
            return await running.solution()
        kept = await self.library.get(solution_id, owner, kind)
        if not kept.over:
            await self.library.store.request_cancel(solution_id)
            kept = await self.library.ended(kept, self._settings.lease_s)
        return await self.solution(kept)

    async def delete(self, solution_id: str, owner: str, kind: str = "solution") -> None:
        """Delete it; if it is being made, end it first. Raises `NotFoundError`."""
        if self.running(solution_id, owner, kind) is not None:
            await self.cancel(solution_id, owner, kind)
            await self.library.written(solution_id, self._settings.lease_s)
        kept = await self.library.get(solution_id, owner, kind)
        if not kept.over:
            await self.cancel(solution_id, owner, kind)
        await self.library.store.delete(solution_id)

    @property
    def draining(self) -> bool:
        """Whether nothing is begun any more."""
        return self._draining

    def ids(self) -> Sequence[str]:
        """Ids of all kept solutions that are made or written here."""
        return [each.id for each in self._runs.values() if each.run.record.request.store]

    def stop_one(self, solution_id: str) -> None:
        """Cancel a run of this process, if there is one: somebody asked another replica to."""
        if (running := self._runs.get(solution_id)) is not None:
            running.cancel()

    async def adopt(self, kept: Kept) -> None:
        """Go on with what a dead process has left: begin it anew if it may be, else end it."""
        request = SolutionRequest.model_validate_json(kept.request)
        sequence = await self.library.store.last_sequence(kept.id) + 1
        solution = await self.library.solution(kept)
        # Last: from now on readers here wait for what is told to it.
        sink = NativeSink(kept.id, [self.library.journal(kept.id, sequence)], sequence)
        if not may_go_on(kept) or not self._intake.serves(kept.model):
            interrupt(sink, kept, solution)
            return
        # It was counted when it was taken in.
        order = Order(request, NOBODY, kind=kept.kind, extra=kept.extra, owner=kept.owner)
        record = Record(kept.id, request, self._intake.model(request), Fork.source_of(kept.extra))
        record.created_at = kept.created_at
        record.transitions = list(solution.transitions)
        run = Run(record, self._metrics, [sink])
        self._trace(run, order)
        run.detached = True
        self._start(run, order, self._again(run, order))

    async def drain(self, grace_s: float) -> None:
        """Take nothing more in, let what runs finish for `grace_s` seconds, then end it.

        Called again, it waits for the same end.
        """
        loop = asyncio.get_running_loop()
        self.refuse()
        self._admission.drain()
        if self._ends_at is None:
            self._ends_at = loop.time() + grace_s
        while (left := self._ends_at - loop.time()) > 0:
            tasks = {running.task for running in self._runs.values() if not running.task.done()}
            if tasks:
                await asyncio.wait(tasks, timeout=min(left, _HURRY_S))
            elif self._beginning:
                await asyncio.sleep(min(left, _SOON_S))
            else:
                break
        await self.stop()

    def engine_died(self, error: EngineDeadError) -> None:
        """End what the engine was at work on; what is detached may go on if it comes back."""
        for running in self._runs.values():
            run = running.run
            if run.record.status is Status.IN_PROGRESS and not run.paused:
                run.lost = error
                running.cancel()

    def refuse(self) -> None:
        """Take nothing more in."""
        self._draining = True

    def hurry(self) -> None:
        """No more grace."""
        self._ends_at = 0.0

    async def stop(self) -> None:
        """End what still runs, as incomplete; its clients are told.

        What is detached is let go of instead: the next server goes on with it.
        """
        self._draining = True
        tasks = []
        for running in self._runs.values():
            running.run.shutting_down = True
            running.cancel()
            tasks.append(running.task)
        await asyncio.gather(*tasks, return_exceptions=True)
        paused = [running.id for running in self._runs.values() if running.run.paused]
        await self.library.hand_over(paused)
        await self._intake.close()

    async def _in_background(self, order: Order, strategy: Chosen) -> Running | Kept:
        engine = await self._host.require()
        problem = await self._intake.problem(engine, order.request, strategy, order.fork)
        entry = self._enter(order, strategy)
        try:
            run = self._run(f"sol_{uuid4().hex}", order, problem)
            known = await self._keep(run, order)
        except BaseException:
            entry.leave()
            raise
        if known is not None:
            entry.leave()
            return same(known, order)
        run.detached = True
        run.created()
        running = self._start(run, order, self._waiting(run, order, entry, strategy))
        # If it is cancelled before it began it cannot give up its place in the queue itself.
        running.task.add_done_callback(lambda _: entry.leave())
        return running

    def _enter(self, order: Order, strategy: Chosen) -> Entry:
        """Count what nobody waits for, behind what somebody does: a stream has a reader."""
        tokens = self._intake.tokens(order.request, strategy)
        return self._admission.enter(order.key, tokens, _priority(order))

    def _run(self, solution_id: str, order: Order, problem: Problem) -> Run:
        name, source = self._intake.model(order.request), Fork.source_of(order.extra)
        record = Record(solution_id, order.request, name, source, problem.spent)
        streams: list[Stream] = []
        if order.stream is not None:
            streams.append(order.stream(solution_id))
        if order.request.store:
            streams.append(self.library.journal(solution_id))
        native = [NativeSink(solution_id, streams)] if streams else []
        run = Run(record, self._metrics, [*native, *order.sinks(solution_id)], problem)
        self._trace(run, order)
        return run

    def _trace(self, run: Run, order: Order) -> None:
        if self.tracing is not None:
            record = run.record
            trace = self.tracing.solution(record.id, order.request, record.model, order.began_ns)
            run.traced(trace)

    async def _keep(self, run: Run, order: Order) -> Kept | None:
        """Keep a solution that is to be kept; returns the earlier one of the same request.

        What somebody waits for is written behind, unless another request may be the same.
        """
        if not order.request.store:
            return None
        kept = self._kept(run, order)
        if order.idempotency is None and not order.request.background:
            self.library.insert_behind(kept)
            return None
        return await self.library.insert(kept)

    def _kept(self, run: Run, order: Order) -> Kept:
        request = order.request
        return self.library.keep(
            id=run.record.id,
            owner=order.key.name,
            kind=order.kind,
            status=Status.QUEUED.value,
            model=run.record.model,
            strategy=request.strategy,
            background=request.background,
            retry=request.retry,
            request=request.model_dump_json(exclude_unset=True),
            body=run.record.solution().model_dump_json(),
            extra=order.extra
            if order.fork is None
            else {"fork": order.fork.model_dump(mode="json")},
            idempotency_key=order.idempotency and order.idempotency.key,
            request_hash=order.idempotency and order.idempotency.request_hash,
        )

    def _start(self, run: Run, order: Order, work: Coroutine[Any, Any, Solution]) -> Running:
        task = asyncio.create_task(work)
        running = Running(run.record.id, order.owner or order.key.name, order.kind, run, task)
        self._runs[running.id] = running
        task.add_done_callback(lambda _: self._done(running))
        return running

    def _done(self, running: Running) -> None:
        # A task that was cancelled before it began has told nobody.
        running.run.abandon()
        self._settled(running.id)

    def _settled(self, solution_id: str) -> None:
        """Forget a run that has ended, once the store can answer for it."""
        running = self._runs.get(solution_id)
        if running is not None and running.task.done() and self.library.is_settled(solution_id):
            del self._runs[solution_id]

    async def _placed(
        self, run: Run, strategy: Chosen, engine: Engine, place: Place, deadline: float
    ) -> Solution:
        try:
            return await run.execute(engine, strategy.strategy, deadline)
        finally:
            place.release(run.record.tokens)

    async def _waiting(self, run: Run, order: Order, entry: Entry, strategy: Chosen) -> Solution:
        """Wait for a place as long as the request may take, and solve, whatever engine dies."""
        deadline = self._intake.deadline(order.request)
        wait_s = deadline - asyncio.get_running_loop().time()
        place: Place | None = None
        try:
            place = await entry.place(wait_s, patient=True)
            engine = await self._returned(deadline)
        except BaseException as error:
            if place is not None:
                place.release(None)
            if not isinstance(error, AppError):
                raise
            return run.refuse(error)
        solution = await self._placed(run, strategy, engine, place, deadline)
        if run.lost is not None and run.paused and not run.shutting_down:
            return await self._survive(run, order, run.lost)
        return solution

    async def _returned(self, deadline: float) -> Engine:
        """The engine, which may have died while a place was waited for."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._host.returned()
        except TimeoutError:
            told = "the engine did not come back in time"
            raise UnavailableError(told, retry_after=_AWAY_S, code="queue_timeout") from None

    async def _survive(self, run: Run, order: Order, death: EngineDeadError) -> Solution:
        """Go on when the engine has come back; if it does not, let go of it or end it."""
        run.deaths += 1
        run.lost = None
        if self._host.may_return() and run.deaths < MAX_ATTEMPTS:
            return await self._again(run, order)
        if order.request.retry and run.deaths < MAX_ATTEMPTS:
            self.refuse()  # else this server, which ends, might take it back
            run.lost = death
            await self.library.hand_over([run.record.id], died=True)
            return run.record.solution()
        run.detached = False
        return run.refuse(death)

    async def _again(self, run: Run, order: Order) -> Solution:
        """Solve what another process or engine had begun, as soon as the engine is ready."""
        try:
            engine = await self._host.returned()
            strategy = self._intake.strategy(order.request)
            stand = standing(order.request, run.record.transitions)
            problem = await self._intake.problem(engine, order.request, strategy, order.fork, stand)
            run.take_up(problem, stand)
            # It was counted when it was taken in, and must not be lost to those who came since.
            entry = self._admission.enter(NOBODY, 0, _priority(order), bounded=False)
        except AppError as error:
            return run.refuse(error)
        return await self._waiting(run, order, entry, strategy)


def _priority(order: Order) -> Priority:
    """A background solution that is streamed has a reader."""
    return Priority.INTERACTIVE if order.request.stream else Priority.BACKGROUND
