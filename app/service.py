"""Takes requests in: checks them against model and limits, and starts their runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import uuid4

from app.channel import Channel
from app.engines.base import Engine, Sampling
from app.errors import RequestError, UnavailableError, UnknownModelError
from app.host import Host
from app.metrics import Metrics
from app.record import Record
from app.run import Run
from app.settings import Settings
from app.strategies import STRATEGIES
from app.strategies.base import Problem, Strategy
from statespace.solutions import Solution, SolutionRequest

LONG_QUESTION: Final = 2_000
"""Characters from which a question is encoded in a thread, to keep the event loop free."""


class Service:
    """Everything that a request needs, for the life of the server."""

    def __init__(self, settings: Settings, host: Host, metrics: Metrics) -> None:
        self._settings = settings
        self._host = host
        self._metrics = metrics
        self._runs: dict[asyncio.Task[Solution], Run] = {}
        self._draining = False
        self._places = 0

    async def begin(self, request: SolutionRequest) -> Running:
        """Check `request` and start to solve it.

        Raises `RequestError` naming the field, `UnknownModelError`, or `UnavailableError`.
        """
        strategy = self._check(request)
        if self._draining:
            raise UnavailableError("the server is shutting down", retry_after=10, code="draining")
        engine = await self._host.require()
        self._take_place()
        try:
            problem = await self._problem(engine, request)
        except BaseException:
            self._give_place()
            raise
        record = Record(f"sol_{uuid4().hex}", request, self._settings.served_name, problem.spent)
        channel = Channel() if request.stream else None
        run = Run(record, problem, self._metrics, channel)
        timeout_s = request.timeout_s or self._settings.default_timeout_s
        task = asyncio.create_task(run.execute(engine, strategy, timeout_s))
        self._runs[task] = run
        task.add_done_callback(partial(self._done, channel))
        return Running(task, channel)

    async def drain(self, grace_s: float) -> None:
        """Take nothing more in, let what runs finish for `grace_s` seconds, then end it."""
        self._draining = True
        if self._runs:
            await asyncio.wait(set(self._runs), timeout=grace_s)
        await self.stop()

    async def stop(self) -> None:
        """End what still runs, as incomplete; its clients are told."""
        self._draining = True
        for task, run in self._runs.items():
            run.shutting_down = True
            task.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    def _done(self, channel: Channel | None, task: asyncio.Task[Solution]) -> None:
        del self._runs[task]
        self._give_place()
        if channel is not None:
            # A run that was cancelled before it began, or failed to say its end, has not done so;
            # its reader would wait for ever.
            channel.close()

    def _take_place(self) -> None:
        limit = self._settings.max_in_flight
        if self._places >= limit:
            self._metrics.refused.labels("full").inc()
            raise UnavailableError(
                f"{limit} solutions are being made, which is the limit; try again soon",
                retry_after=2,
                code="full",
            )
        self._places += 1
        self._metrics.in_flight.set(self._places)

    def _give_place(self) -> None:
        self._places -= 1
        self._metrics.in_flight.set(self._places)

    def _check(self, request: SolutionRequest) -> Strategy:
        name = self._settings.served_name
        if request.model not in (None, name):
            raise UnknownModelError(
                f"model: {request.model!r} is not served here; use {name!r} or leave it out",
                param="model",
                code="model_not_found",
            )
        if request.strategy not in STRATEGIES:
            known = ", ".join(STRATEGIES)
            raise RequestError(
                f"strategy: {request.strategy!r} is unknown; known: {known}", param="strategy"
            )
        for field in ("background", "store"):
            if getattr(request, field):
                raise RequestError(
                    f"{field}: this version keeps no solutions; leave it out and use stream",
                    param=field,
                    code="unsupported",
                )
        return STRATEGIES[request.strategy]

    async def _problem(self, engine: Engine, request: SolutionRequest) -> Problem:
        if len(request.question) < LONG_QUESTION:
            prompt = engine.prompt(request.question)
        else:
            prompt = await asyncio.to_thread(engine.prompt, request.question)
        room = engine.max_context - len(prompt)
        if room < 1:
            raise RequestError(
                f"question: it takes {len(prompt)} tokens and the model's context holds "
                f"{engine.max_context} with the solution; shorten it",
                param="question",
                code="context_length_exceeded",
            )
        wanted = request.max_tokens or self._settings.default_max_tokens
        sampling = Sampling(min(wanted, room), request.temperature, request.top_p, request.seed)
        return Problem(request.question, prompt, sampling, request.max_transitions, request.deltas)


@dataclass(frozen=True, slots=True)
class Running:
    """A solution that is being made."""

    task: asyncio.Task[Solution]
    channel: Channel | None
    """Its events; only for requests with `stream`."""
