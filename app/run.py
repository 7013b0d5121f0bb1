"""One solution from request to end: a strategy's steps become numbered events.

The run is a task of its own, so that a deadline, a cancel or a lost client ends it at any point;
what had been solved by then stays in its record.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any

import orjson
import structlog

from app import sse
from app.channel import Channel
from app.deltas import DeltaThrottle
from app.engines.base import Engine
from app.errors import AppError
from app.metrics import Metrics
from app.record import Record
from app.strategies.base import PathEnded, Problem, Step, Strategy
from statespace.reader import Closed, Grown, Opened
from statespace.solutions import Failure, IncompleteReason, Solution, Status

logger = structlog.get_logger(__name__)


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
        self._written: list[orjson.Fragment] = []
        self._deltas = DeltaThrottle(self._delta)
        self._began = time.perf_counter()

    async def execute(self, engine: Engine, strategy: Strategy, timeout_s: float) -> Solution:
        """Solve. Ends with exactly one end event, also when cancelled; returns the solution."""
        record = self.record
        self._send_solution("solution.created")
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
        self.record.status = Status.IN_PROGRESS
        self._send_solution("solution.in_progress")
        async with aclosing(strategy(engine, self._problem)) as steps:
            async for step in steps:
                self._take(step)

    def _take(self, step: Step) -> None:
        match step:
            case Grown():
                self._deltas.add(step)
            case Opened(node, path):
                self._send(
                    "transition.started",
                    id=node.id,
                    parent=node.parent,
                    path=path,
                    number=node.number,
                    action=node.action,
                )
                if not self.record.transitions:
                    self._metrics.first_transition.observe(time.perf_counter() - self._began)
            case Closed(transition):
                self._deltas.flush()
                self.record.transitions.append(transition)
                self._metrics.count(transition)
                if self._channel is not None:
                    self._written.append(sse.written(transition))
                    self._send("transition.completed", transition=self._written[-1])
            case PathEnded(ended, text, _):
                self.record.end_path(step)
                if text is not None:
                    self._send("text.completed", text=text, answer=ended.answer)

    def _delta(self, grown: Grown) -> None:
        if self._channel is not None:
            self._channel.send(sse.encode_delta(self.record.id, grown))

    def _end(self) -> Solution:
        self._deltas.flush()
        solution = self.record.solution()
        if self._channel is not None:
            try:
                self._send_solution(f"solution.{solution.status}", solution)
            finally:
                self._channel.close()
        self._metrics.end(solution, time.perf_counter() - self._began)
        return solution

    def _send_solution(self, kind: str, solution: Solution | None = None) -> None:
        if self._channel is not None:
            solution = solution or self.record.solution()
            self._send(kind, solution=sse.written_solution(solution, self._written))

    def _send(self, kind: str, **payload: Any) -> None:
        """The next numbered event."""
        if self._channel is not None:
            self._channel.send(sse.encode(kind, self._sequence, self.record.id, **payload))
            self._sequence += 1
