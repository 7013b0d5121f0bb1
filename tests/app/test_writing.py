"""Where a path goes on, its context is what a model has learnt to go on from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from app.engines.base import Chunk, Sampling
from app.engines.decoding import cut
from app.engines.scripted import Script, ScriptedEngine
from app.strategies.base import Problem
from app.strategies.beam import beam
from app.strategies.guided import guided

STARTER = Path(__file__).parents[2] / "checkpoints" / "starter" / "tokenizer.json"
QUESTION = "How many are 48 / 2?"
WRITTEN = [
    "State 1:\nAction: Formalize\nOutput: m = 48 / 2\n\n",
    "State 2:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 26\n\n",
    "State 3:\nAction: Summarize\nOutput: The final answer is \\boxed{26}.",
]
REPAIRED = "State 5:\nAction: Summarize\nOutput: The final answer is \\boxed{24}."


class Tokenized(ScriptedEngine):
    """Writes with a real tokenizer, in whose vocabulary a token may hold the end of one state and
    the beginning of the next."""

    def __init__(self, core: Tokenizer) -> None:
        super().__init__(Script({}))
        self._core = core
        self.contexts: list[tuple[str, Sequence[int]]] = []

    def prompt(self, question: str, **_: Any) -> list[int]:
        return []

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._core.encode(text, add_special_tokens=False).ids
        return ids

    def cut(self, prompt: Sequence[int], ids: Sequence[int], characters: int) -> list[int]:
        kept, rest = cut(self._core, prompt, ids, characters)
        return [*prompt, *kept, *self.encode(rest)]

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        known = self._core.decode(list(prompt))
        self.contexts.append((known, list(prompt)))
        following = "".join(WRITTEN) if "Backtrack" not in known else known.rstrip() + "\n\n"
        if "Backtrack" in known:
            following += REPAIRED
        ids = self.encode(following)[len(self.encode(known)) :]
        for token in ids:
            yield Chunk(self._core.decode([token]), [token])
        yield Chunk("", [], "stop")


@pytest.mark.parametrize("strategy", [guided, beam])
def test_no_token_is_one_that_a_model_would_not_have_written(strategy: Any) -> None:
    core = Tokenizer.from_file(str(STARTER))
    engine = Tokenized(core)
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(400), 64)

    async def run() -> None:
        async for _ in strategy(engine, problem):
            pass

    asyncio.run(run())
    assert len(engine.contexts) > 1
    whole = engine.encode("".join(WRITTEN))
    for known, context in engine.contexts:
        assert context == engine.encode(known)
        if "Backtrack" not in known:
            assert context == whole[: len(context)]
        else:
            longer = engine.encode(known + "\n\nState 6")
            assert context == longer[: len(context)]
