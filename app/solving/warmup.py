"""Uses once, before the server is ready, what is slow when it is first used.

Kernels, the sampler's branches and the grammar compiler are loaded where they are first needed, and
so are parts of the parser and of the verifier: the first client would wait for them.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

import structlog

from app.engines.base import Engine, Phase, Sampling
from app.errors import EngineAwayError, RequestError, UnavailableError
from app.strategies import STRATEGIES
from app.strategies.base import Problem
from statespace.grammar import continuation
from statespace.options import BeamOptions, GuidedOptions, Options, VoteOptions
from statespace.tree import StateTree

logger = structlog.get_logger(__name__)

QUESTION: Final = "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"
_FEW: Final = 4
_SOME: Final = 24
"""Tokens of a path: enough for a header and some of an output."""

SAMPLINGS: Final = {
    "greedy": Sampling(_FEW),
    "sampling": Sampling(_FEW, temperature=0.7, top_p=0.9, seed=1),
    "log-probabilities": Sampling(_FEW, logprobs=True),
    "grammar": Sampling(_FEW, grammar=continuation(StateTree())),
    "bans": Sampling(_FEW, banned=("State 9",)),
}
"""What the engine can be asked for."""
OPTIONS: Final[dict[str, Options | None]] = {
    "single": None,
    "guided": GuidedOptions(),
    "vote": VoteOptions(paths=2),
    "beam": BeamOptions(width=2, candidates=2, confidence=True),
}
"""How each strategy is tried."""


async def warm(engine: Engine, phase: Phase) -> None:
    """Use everything once, each as a phase of its own.

    What cannot be used here is left out: a context that is too short, servers that are away.
    """
    for name, sampling in SAMPLINGS.items():
        await _used(engine, phase, name, sampling)
    for name in STRATEGIES:
        await _used(engine, phase, name, None)


async def _used(engine: Engine, phase: Phase, name: str, sampling: Sampling | None) -> None:
    phase(f"warming: {name}")
    try:
        if sampling is None:
            await strategy(engine, name)
        else:
            await generation(engine, sampling)
    except (RequestError, UnavailableError, EngineAwayError) as error:
        logger.warning("warm_up", feature=name, error=error.message)


async def generation(engine: Engine, sampling: Sampling) -> None:
    """Generate a little."""
    async with aclosing(engine.generate(engine.prompt(QUESTION), sampling)) as chunks:
        async for _ in chunks:
            pass


async def strategy(engine: Engine, name: str) -> None:
    """Solve a problem as far as it goes."""
    problem = Problem(
        QUESTION, engine.prompt(QUESTION), Sampling(_SOME), 64, deltas=True, options=OPTIONS[name]
    )
    async with aclosing(STRATEGIES[name].solve(engine, problem)) as steps:
        async for _ in steps:
            pass
