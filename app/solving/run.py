"""One solution from request to end: a strategy's steps are recorded and told to sinks.

The run is a task of its own, so that a deadline, a cancel or a lost client ends it at any point;
what had been solved by then stays in its record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import structlog

from app.engines.base import Engine
from app.errors import AppError, EngineDeadError
from app.metrics import Metrics
from app.solving import end_log
from app.solving.deltas import DeltaThrottle
from app.solving.record import Record
from app.solving.sinks import Sink, Trace
from app.strategies.base import Decided, PathEnded, Problem, Step, Strategy, Watch
from statespace.reader import Closed, Grown, Opened, node_of
from statespace.solutions import Failure, IncompleteReason, Solution, Status
from statespace.trace import Transition

logger = structlog.get_logger(__name__)

_UNPLACED: Final = {
    "queue_timeout": IncompleteReason.DEADLINE,
    "draining": IncompleteReason.SHUTDOWN,
}


class Run:
    """Drives one solution and tells `sinks` what happens."""

    def __init__(
        self,
        record: Record,
        metrics: Metrics,
        sinks: Sequence[Sink] = (),
        problem: Problem | None = None,
    ) -> None:
        """Without a `problem`, `take_up` brings it before `execute`."""
        self.record = record
        self._problem = problem
        self._metrics = metrics
        self._sinks = sinks
        self._watch: Watch | None = None
        self.shutting_down = False
        """Set before the task is cancelled because the server ends, not the client."""
        self.lost: EngineDeadError | None = None
        """Set before the task is cancelled because the engine has died."""
        self.detached = False
        """Whether it may be gone on with later, here or elsewhere: nobody's connection holds it."""
        self.deaths = 0
        """Engines that have died over it."""
        self.paused = False
        """Whether it waits for that: it has not ended, and tells nothing any more."""
        self._deltas: dict[int, DeltaThrottle] = {}
        """By path."""
        self._paths: dict[int, int] = {}
        """Open transition → its path."""
        self._began = time.perf_counter()
        self._has_begun = False
        """Whether a transition has."""
        self._planned = 1
        """Paths that it may have."""

    def traced(self, trace: Trace) -> None:
        """Have it told to `trace`, too."""
        self._sinks = (*self._sinks, trace)
        self._watch = trace.watch

    def created(self) -> None:
        """Tell that the solution exists: once, before `execute`."""
        solution = self.record.solution()
        for sink in self._sinks:
            sink.created(solution)

    def take_up(self, problem: Problem, standing: Sequence[Transition] = ()) -> None:
        """The problem of a solution that was begun before, and the transitions that count."""
        self._problem = problem
        self.paused, self.lost = False, None
        self._deltas.clear()
        self._paths.clear()
        self.record.again(problem.spent, standing)

    async def execute(self, engine: Engine, strategy: Strategy, deadline: float) -> Solution:
        """Solve until `deadline`, on the loop's clock; returns the solution.

        Ends with exactly one end event, also when cancelled.
        """
        record = self.record
        structlog.contextvars.bind_contextvars(solution_id=record.id)  # of the task's own lines
        self._began = time.perf_counter()
        if self._problem is not None:
            self._planned = strategy.paths(self._problem.options)
        try:
            async with asyncio.timeout_at(deadline):
                await self._follow(engine, strategy)
            record.end(
                Status.INCOMPLETE if record.reason else Status.COMPLETED, reason=record.reason
            )
        except TimeoutError:
            record.end(Status.INCOMPLETE, reason=IncompleteReason.DEADLINE)
        except asyncio.CancelledError:
            if self._pause():
                return record.solution()
            self._end_early()
        except EngineDeadError as error:
            self.lost = error
            if self._pause():
                return record.solution()
            self._fail(error)
        except AppError as error:
            self._fail(error)
        except Exception:
            logger.exception("solution_failed")
            record.error = Failure(message="internal error", type="server_error")
            record.end(Status.FAILED)
        return self._end()

    async def _follow(self, engine: Engine, strategy: Strategy) -> None:
        self.record.status = Status.IN_PROGRESS
        if self._sinks:
            solution = self.record.solution()
            for sink in self._sinks:
                sink.in_progress(solution)
        assert self._problem is not None
        told = {transition.id for transition in self.record.transitions}
        for transition in self._problem.given:
            if transition.id not in told:
                self._give(transition)
        problem = self._problem
        if self._watch is not None:
            problem = replace(problem, watch=self._watch)
        async with aclosing(strategy.solve(engine, problem)) as steps:
            async for step in steps:
                self._take(step)

    def _take(self, step: Step) -> None:
        match step:
            case Grown():
                path = self._paths[step.id]
                if (deltas := self._deltas.get(path)) is None:
                    deltas = self._deltas[path] = DeltaThrottle(self._delta)
                deltas.add(step)
            case Opened():
                self._paths[step.node.id] = step.path
                for sink in self._sinks:
                    sink.opened(step)
                if not self._has_begun:
                    self._has_begun = True
                    seconds = time.perf_counter() - self._began
                    self._metrics.begin(self.record.request.strategy, seconds)
            case Closed(transition):
                self._complete(transition)
            case PathEnded():
                self._end_path(step)
            case Decided():
                self.record.decide(step)

    def _complete(self, transition: Transition) -> None:
        del self._paths[transition.id]
        if (deltas := self._deltas.get(transition.path)) is not None:
            deltas.flush()
        self.record.transitions.append(transition)
        self._metrics.count(transition)
        for sink in self._sinks:
            sink.completed(transition)

    def _end_path(self, ended: PathEnded) -> None:
        self.record.end_path(ended)
        for sink in self._sinks:
            if ended.lane:
                sink.path(ended.path)
            elif ended.text is not None:
                sink.text(ended.text, ended.path.answer)

    def _give(self, transition: Transition) -> None:
        """Tell a state that a fork grows from as if it were written now; it counts as no work."""
        self.record.transitions.append(transition)
        opened = Opened(node_of(transition), transition.path)
        for sink in self._sinks:
            sink.opened(opened)
            sink.completed(transition)

    def _delta(self, grown: Grown) -> None:
        for sink in self._sinks:
            sink.grown(grown)

    def refuse(self, error: AppError) -> Solution:
        """End a run that found no place: its time was up, the server ends, or it is full."""
        self.shutting_down |= error.code == "draining"
        if self._pause():
            return self.record.solution()
        reason = _UNPLACED.get(error.code or "")
        if reason is None:
            self._fail(error)
        else:
            self.record.end(Status.INCOMPLETE, reason=reason)
        return self._end()

    def abandon(self) -> None:
        """End a run whose task was cancelled before it could begin; else do nothing."""
        if self.record.completed_at is None and not self._pause():
            self._end_early()
            self._end()

    def _pause(self) -> bool:
        """Leave it as it is, if it may be gone on with; whether it may."""
        self.paused = self.detached and (self.shutting_down or self.lost is not None)
        if self.paused:
            self._flush()
        return self.paused

    def _flush(self) -> None:
        """Tell what is held back, for good."""
        for deltas in self._deltas.values():
            deltas.flush()
        # They know this run: a circle that only a rare full collection would find.
        self._deltas.clear()

    def _fail(self, error: AppError) -> None:
        self.record.error = Failure(message=error.message, type=error.type, code=error.code)
        self.record.end(Status.FAILED)

    def _end_early(self) -> None:
        if self.lost is not None:
            self._fail(self.lost)
        elif self.shutting_down:
            self.record.end(Status.INCOMPLETE, reason=IncompleteReason.SHUTDOWN)
        else:
            self.record.end(Status.CANCELLED)

    def _end(self) -> Solution:
        self._flush()
        solution = self.record.solution()
        end_log.log(solution)
        for sink in self._sinks:
            try:
                sink.ended(solution)
            finally:
                sink.close()
        seconds = time.perf_counter() - self._began
        self._metrics.end(solution, seconds, self.record.spent, self._planned)
        return solution
