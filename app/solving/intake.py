"""What a request must satisfy before anything is done for it: model, strategy, limits, context."""

from __future__ import annotations

import asyncio
from typing import Final

from app.engines.base import Engine, Sampling
from app.errors import RequestError, UnknownModelError
from app.settings import Settings
from app.strategies import STRATEGIES
from app.strategies.base import Problem, Strategy
from statespace.solutions import SolutionRequest

LONG_QUESTION: Final = 2_000
"""Characters from which a question is encoded in a thread, to keep the event loop free."""


class Intake:
    """Checks requests against what is served here."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def strategy(self, request: SolutionRequest) -> Strategy:
        """The strategy that was asked for.

        Raises `RequestError` naming the field, `UnknownModelError`.
        """
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
        if request.background and not request.store:
            raise RequestError(
                "store: what runs in the background is kept; leave out store or background",
                param="store",
            )
        if request.retry and not request.background:
            raise RequestError("retry: goes with background; set both", param="retry")
        return STRATEGIES[request.strategy]

    def tokens(self, request: SolutionRequest) -> int:
        """Tokens that it may generate."""
        return request.max_tokens or self._settings.default_max_tokens

    def deadline(self, request: SolutionRequest) -> float:
        """When its time is up, on the loop's clock; waiting counts."""
        timeout_s = request.timeout_s or self._settings.default_timeout_s
        return asyncio.get_running_loop().time() + timeout_s

    async def problem(self, engine: Engine, request: SolutionRequest) -> Problem:
        """The problem as the engine takes it. Raises `RequestError` if it is too long."""
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
        wanted = min(self.tokens(request), room)
        sampling = Sampling(wanted, request.temperature, request.top_p, request.seed)
        return Problem(request.question, prompt, sampling, request.max_transitions, request.deltas)
