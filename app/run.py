"""One solution from request to end: a strategy's steps become numbered events.

The run is a task of its own, so that a deadline, a cancel or a lost client ends it at any point;
what had been solved by then stays in its record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, Final

import structlog

from app import sse
from app.channel import Channel
from app.deltas import DeltaThrottle
from app.engines.base import Engine
from app.errors import AppError
from app.metrics import Metrics
from app.record import Record
from app.strategies.base import PathEnded, Problem, Step, Strategy
from statespace.events import (
    Ended,
    NumberedEvent,
    SolutionCancelled,
    SolutionCompleted,
    SolutionCreated,
    SolutionFailed,
    SolutionIncomplete,
    SolutionInProgress,
    TextCompleted,
    TransitionCompleted,
    TransitionStarted,
)
from statespace.reader import Closed, Grown, Opened
from statespace.solutions import Failure, IncompleteReason, Solution, Status

logger = structlog.get_logger(__name__)

_ENDS: Final[Mapping[Status, Callable[..., Ended]]] = {
    Status.COMPLETED: SolutionCompleted,
    Status.INCOMPLETE: SolutionIncomplete,
    Status.FAILED: SolutionFailed,
    Status.CANCELLED: SolutionCancelled,
}


class Run:
    """Drives one solution and sends its events into `channel`, if there is one."""

    def __init__(
        self,
        record: Record,
        problem: Problem,
        metrics: Metrics,
        channel: Channel | None = None,
    ) -> None:
        self.record = record
        self._problem = problem
        self._metrics = metrics
        self._channel = channel
        self.shutting_down = False
        """Set before the task is cancelled because the server ends, not the client."""
        self._sequence = 0
        self._deltas = DeltaThrottle(self._delta)
        self._began = time.perf_counter()

    async def execute(self, engine: Engine, strategy: Strategy, timeout_s: float) -> Solution:
        """Solve. Ends with exactly one end event, also when cancelled; returns the solution."""
        record = self.record
        self._send(SolutionCreated(**self._numbered(), solution=record.solution()))
        try:
            async with asyncio.timeout(timeout_s):
                await self._follow(engine, strategy)
            record.end(
                Status.INCOMPLETE if record.reason else Status.COMPLETED, reason=record.reason
            )
        except TimeoutError:
            record.end(Status.INCOMPLETE, reason=IncompleteReason.DEADLINE)
        except asyncio.CancelledError:
            if not self.shutting_down:
                record.end(Status.CANCELLED)
                raise
            record.end(Status.INCOMPLETE, reason=IncompleteReason.SHUTDOWN)
        except AppError as error:
            record.error = Failure(message=error.message, type=error.type, code=error.code)
            record.end(Status.FAILED)
        except Exception:
            logger.exception("solution_failed", solution_id=record.id)
            record.error = Failure(message="internal error", type="server_error")
            record.end(Status.FAILED)
        finally:
            solution = self._end()
        return solution

    async def _follow(self, engine: Engine, strategy: Strategy) -> None:
        record = self.record
        record.status = Status.IN_PROGRESS
        self._send(SolutionInProgress(**self._numbered(), solution=record.solution()))
        async with aclosing(strategy(engine, self._problem)) as steps:
            async for step in steps:
                self._take(step)

    def _take(self, step: Step) -> None:
        match step:
            case Grown():
                self._deltas.add(step)
            case Opened(node, path):
                if self._channel is not None:
                    event = TransitionStarted(
                        **self._numbered(),
                        id=node.id,
                        parent=node.parent,
                        path=path,
                        number=node.number,
                        action=node.action,
                    )
                    self._send(event)
                if not self.record.transitions:
                    self._metrics.first_transition.observe(time.perf_counter() - self._began)
            case Closed(transition):
                self._deltas.flush()
                self.record.transitions.append(transition)
                self._metrics.count(transition)
                if self._channel is not None:
                    self._send(TransitionCompleted(**self._numbered(), transition=transition))
            case PathEnded(ended, text, _):
                self.record.end_path(step)
                if text is not None:
                    self._send(TextCompleted(**self._numbered(), text=text, answer=ended.answer))

    def _delta(self, grown: Grown) -> None:
        if self._channel is not None:
            self._channel.send(sse.encode_delta(self.record.id, grown))

    def _end(self) -> Solution:
        self._deltas.flush()
        solution = self.record.solution()
        self._send(_ENDS[solution.status](**self._numbered(), solution=solution))
        if self._channel is not None:
            self._channel.close()
        self._metrics.end(solution, time.perf_counter() - self._began)
        return solution

    def _numbered(self) -> dict[str, Any]:
        number = self._sequence
        self._sequence += 1
        return {"sequence_number": number, "solution_id": self.record.id}

    def _send(self, event: NumberedEvent) -> None:
        if self._channel is not None:
            self._channel.send(sse.encode(event))
