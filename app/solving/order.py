"""What a request has ordered, and what is made of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.access.admission import Priority
from app.access.keys import NOBODY, Key
from app.errors import ConflictError
from app.solving.forks import Fork
from app.solving.run import Run
from app.solving.sinks import Sink, Stream
from app.store.solutions import Kept
from statespace.solutions import Solution, SolutionRequest

SinkFactory = Callable[[str], Sequence[Sink]]
StreamFactory = Callable[[str], Stream]


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What makes a request one that was made before."""

    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class Order:
    """A request with what its route knows of it."""

    request: SolutionRequest
    key: Key = NOBODY
    sinks: SinkFactory = lambda _: ()
    """Makes what else is told of the run, given the solution's id."""
    stream: StreamFactory | None = None
    """Makes what takes the native frames as they come."""
    kind: str = "solution"
    extra: dict[str, Any] | None = None
    """Kept beside the solution."""
    idempotency: Idempotency | None = None
    priority: Priority = Priority.INTERACTIVE
    owner: str | None = None
    """Whose it is, if the key that made it may be gone."""
    began_ns: int = field(default_factory=time.time_ns)
    """When it was given, in nanoseconds of Unix time."""

    @property
    def fork(self) -> Fork | None:
        """What it has from another solution."""
        return Fork.kept(self.extra)


@dataclass(slots=True)
class Running:
    """A solution that is being made here."""

    id: str
    owner: str
    kind: str
    run: Run
    task: asyncio.Task[Solution]

    def cancel(self) -> None:
        """End it soon; nothing happens if it has ended."""
        self.task.cancel()

    async def solution(self) -> Solution:
        """The solution at its end. Cancelling the caller does not cancel the run."""
        await asyncio.wait({self.task})
        self.run.abandon()
        return self.run.record.solution()


def same(known: Kept, order: Order) -> Kept:
    """The solution of an earlier request, if this one is the same."""
    if order.idempotency is None or known.request_hash != order.idempotency.request_hash:
        raise ConflictError(
            "Idempotency-Key: it was used with another request; take a new key for a new request",
            param="Idempotency-Key",
            code="idempotency_conflict",
        )
    return known
