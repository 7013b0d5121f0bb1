"""One path, greedy by default: what the model writes is what happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.engines.base import Engine
from app.strategies.base import Problem, Step
from app.strategies.path import Writing


async def single(engine: Engine, problem: Problem) -> AsyncGenerator[Step, None]:
    """Generate until the model stops, has summarized, or a limit is reached."""
    path = Writing(engine, problem)
    async with aclosing(path.write()) as readings:
        async for reading in readings:
            yield reading
    yield path.ended()
