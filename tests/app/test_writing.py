"""Where a path goes on, its context is what a model has learnt to go on from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from app.engines.base import Chunk, FinishReason, Sampling
from app.engines.decoding import cut
from app.engines.scripted import Script, ScriptedEngine
from app.strategies.base import PathEnded, Problem
from app.strategies.beam import beam
from app.strategies.guided import guided
from app.strategies.single import single
from statespace.reader import Closed
from statespace.solutions import IncompleteReason

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


class Whole(ScriptedEngine):
    """Says all of it in one chunk, and why it ends there."""

    def __init__(self, text: str, finish: FinishReason) -> None:
        super().__init__(Script({QUESTION: text}, 0.0))
        self._why = finish

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        chunks = [chunk async for chunk in super().generate(prompt, sampling)]
        ids = [token for chunk in chunks for token in chunk.token_ids]
        yield Chunk("".join(chunk.text for chunk in chunks), ids, self._why)


def solve(
    text: str, *, transitions: int = 64, finish: FinishReason = "stop"
) -> tuple[list[int], PathEnded]:
    """The ids of the transitions that were told of, and how the path ended."""
    engine = Whole(text, finish)
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(4000), transitions)

    async def run() -> list[Any]:
        return [step async for step in single(engine, problem)]

    *steps, ended = asyncio.run(run())
    return [step.transition.id for step in steps if isinstance(step, Closed)], ended


BACKTRACKED = [
    *WRITTEN[:2],
    "State 3:\nAction: Verify\nOutput: State 2 is wrong.\n\n",
    "State 4:\nAction: Backtrack\nOutput: Backtrack to State 1.\n\n",
    REPAIRED,
]


@pytest.mark.parametrize(("limit", "states"), [(1, (0, 1)), (2, (0, 1, 2)), (4, (0, 1))])
def test_a_path_ends_with_the_last_state_that_was_told_of(
    limit: int, states: Sequence[int]
) -> None:
    """All of it may come in one chunk, and be read, before the limit is noticed."""
    told, ended = solve("".join(BACKTRACKED) + "\n\nThat is all.", transitions=limit)
    assert told == [*range(1, limit + 1)]
    assert (ended.path.states, ended.path.answer, ended.path.resolved) == (states, None, False)
    assert ended.reason is IncompleteReason.MAX_TRANSITIONS


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (r"\boxed{24}", None),
        (r"\boxed{\frac{1}{2}", IncompleteReason.MAX_TOKENS),
        (r"\boxed{\frac{1}{2", IncompleteReason.MAX_TOKENS),
        (r"\boxed{24", IncompleteReason.MAX_TOKENS),
    ],
)
def test_only_a_box_that_is_closed_completes_an_answer_at_the_limit_of_tokens(
    end: str, reason: IncompleteReason | None
) -> None:
    text = f"State 1:\nAction: Summarize\nOutput: The final answer is {end}"
    _, ended = solve(text, finish="length")
    assert ended.reason is reason
