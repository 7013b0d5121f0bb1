"""What a request must satisfy before anything is done for it: model, strategy, limits, context."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from app.engines.base import Engine, Sampling
from app.errors import RequestError, UnknownModelError
from app.settings import Settings
from app.solving.forks import Fork, written
from app.solving.resumption import used
from app.strategies import Chosen, chosen
from app.strategies.base import Problem, Spent
from app.strategies.reward import Rewards
from statespace.solutions import SolutionRequest
from statespace.trace import Transition

LONG_QUESTION: Final = 2_000
"""Characters from which a question is encoded in a thread, to keep the event loop free."""


class Intake:
    """Checks requests against what is served here."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._rewards = Rewards(settings) if settings.reward_url else None

    async def close(self) -> None:
        """No more requests."""
        if self._rewards is not None:
            await self._rewards.close()

    def serves(self, model: str | None) -> bool:
        """Whether requests may name it: None is the served model."""
        return model in (None, self._settings.served_name) or model in self._engine.adapters

    def model(self, request: SolutionRequest) -> str:
        """The name of the model that solves it."""
        return request.model or self._settings.served_name

    def strategy(self, request: SolutionRequest) -> Chosen:
        """The strategy that was asked for, with its options.

        Raises `RequestError` naming the field, `UnknownModelError`.
        """
        if not self.serves(request.model):
            names = " or ".join(map(repr, (self._settings.served_name, *self._engine.adapters)))
            raise UnknownModelError(
                f"model: {request.model!r} is not served here; use {names} or leave it out",
                param="model",
                code="model_not_found",
            )
        found = chosen(request)
        if request.beam is not None and request.beam.reward and self._rewards is None:
            raise RequestError(
                "beam.reward: this server knows no reward model; leave it out, or name one in "
                "STATEWISE_REWARD_URL",
                param="beam.reward",
            )
        if request.background and not request.store:
            raise RequestError(
                "store: what runs in the background is kept; leave out store or background",
                param="store",
            )
        if request.retry and not request.background:
            raise RequestError("retry: goes with background; set both", param="retry")
        return found

    def tokens(self, request: SolutionRequest, strategy: Chosen) -> int:
        """Tokens that it may generate on all paths."""
        return self._limit(request) * strategy.paths

    def _limit(self, request: SolutionRequest) -> int:
        """Tokens that one path may take."""
        return request.max_tokens or self._settings.default_max_tokens

    def deadline(self, request: SolutionRequest) -> float:
        """When its time is up, on the loop's clock; waiting counts."""
        timeout_s = request.timeout_s or self._settings.default_timeout_s
        return asyncio.get_running_loop().time() + timeout_s

    async def problem(
        self,
        engine: Engine,
        request: SolutionRequest,
        strategy: Chosen,
        fork: Fork | None = None,
        standing: Sequence[Transition] = (),
    ) -> Problem:
        """The problem as the engine takes it. Raises `RequestError` if it is too long.

        A solution that goes on has `standing` transitions, those of its fork among them.
        """
        given = standing or (() if fork is None else fork.given)
        adapter = None if self.model(request) == self._settings.served_name else request.model
        encode = partial(engine.prompt, request.question, plain=request.plain, adapter=adapter)
        if len(request.question) < LONG_QUESTION:
            prompt = encode()
        else:
            prompt = await asyncio.to_thread(encode)
        if given:
            prompt += await asyncio.to_thread(engine.encode, written(given))
        sampling = Sampling(
            max(self._limit(request) - used(standing), 1),
            request.temperature,
            request.top_p,
            request.seed,
            adapter=adapter,
            plain=request.plain,
        )
        room = engine.max_context - len(prompt)
        opening = "" if given else engine.opening(sampling)
        if room <= len(opening):  # else there is room for it, whatever its tokens are
            room -= len(engine.encode(opening))
        if room < 1:
            raise RequestError(
                f"question: it takes {engine.max_context - room} tokens and the model's context "
                f"holds {engine.max_context} with the solution; shorten it",
                param="question",
                code="context_length_exceeded",
            )
        return Problem(
            request.question,
            prompt,
            replace(sampling, max_tokens=min(sampling.max_tokens, room)),
            request.max_transitions,
            request.deltas,
            given=given,
            options=strategy.options,
            rewards=self._rewards,
            spent=Spent(completion=used(standing)),
        )
