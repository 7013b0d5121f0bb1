"""Prompted mode on the scripted engine: a path goes on where only a grammar has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from app.engines.base import Chunk, FinishReason, Sampling
from app.engines.scripted import Script, ScriptedEngine
from app.strategies import STRATEGIES
from app.strategies.base import PathEnded, Problem
from statespace import grammar
from statespace.actions import Action
from statespace.reader import Closed
from statespace.solutions import IncompleteReason
from statespace.text import SEPARATOR, render
from statespace.trace import Transition
from statespace.tree import StateTree

QUESTION = "A box holds 12 eggs. Lea buys 7 boxes. How many eggs does she have?"
WRONG = (Action.SOLVE_SUBQUESTION, "b = 7 * 12 eggs, so 94 eggs")
CHECK = (Action.VERIFY, "State 1 is wrong: 7 * 12 = 84.")
BACK = (Action.BACKTRACK, "Backtrack to State 0.")
REST = [(Action.SOLVE_SUBQUESTION, "b = 7 * 12 = 84"), (Action.SUMMARIZE, r"It is \boxed{84}.")]


class Prompted(ScriptedEngine):
    """Speaks as an engine whose model follows the grammar."""

    def __init__(self, *texts: str, finish: FinishReason | None = None) -> None:
        pieces = [text + SEPARATOR for text in texts[:-1]] + [texts[-1]]
        after = {before: [text] for before, text in zip(texts, pieces[1:], strict=False)}
        super().__init__(Script({QUESTION: pieces[0]}, 0.0, continuations=after))
        self.asked: list[str | None] = []
        self.finish = finish

    def grammar(self, tree: StateTree, sampling: Sampling) -> str | None:
        return None if sampling.plain else grammar.continuation(tree)

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        self.asked.append(sampling.grammar)
        async for chunk in super().generate(prompt, sampling):
            ends = chunk.finish_reason and self.finish
            yield Chunk(chunk.text, chunk.token_ids, ends or chunk.finish_reason)


def solve(engine: Prompted, strategy: str = "single", **sampling: Any) -> tuple[Any, PathEnded]:
    limits = Sampling(**{"max_tokens": 4000, **sampling})
    problem = Problem(QUESTION, engine.prompt(QUESTION), limits, 64)

    async def run() -> list[Any]:
        return [step async for step in STRATEGIES[strategy].solve(engine, problem)]

    *steps, ended = asyncio.run(run())
    transitions: list[Transition] = [s.transition for s in steps if isinstance(s, Closed)]
    assert isinstance(ended, PathEnded)
    assert ended.text or sum(t.tokens for t in transitions) == problem.spent.completion
    return transitions, ended


@pytest.mark.parametrize("strategy", ["single", "guided"])
def test_a_path_goes_on_where_only_the_grammar_has_ended(strategy: str) -> None:
    engine = Prompted(render([WRONG, CHECK]), render([BACK], first=3), render(REST, first=4))
    transitions, ended = solve(engine, strategy)
    assert [(t.id, t.parent, t.target) for t in transitions] == [
        (1, 0, None),
        (2, 1, None),
        (3, 2, 0),
        (4, 0, None),
        (5, 4, None),
    ]
    assert all(t.legal for t in transitions)
    assert ended.path.answer == "84"
    start, checked, back = engine.asked
    assert "Backtrack" not in (start or "")
    assert "Backtrack to State 1." in (checked or "")
    assert "Verify" not in (back or "").splitlines()[0]


@pytest.mark.parametrize("strategy", ["single", "guided"])
def test_a_path_that_has_no_tokens_left_ends_with_its_grammar(strategy: str) -> None:
    text = render([WRONG, CHECK]) + SEPARATOR
    engine = Prompted(text, render([BACK], first=3))
    _, ended = solve(engine, strategy, max_tokens=-(-len(text) // 4))
    assert len(engine.asked) == 1
    assert ended.reason is IncompleteReason.MAX_TOKENS


def test_a_path_that_repeats_itself_ends_with_its_grammar() -> None:
    engine = Prompted(render([WRONG, CHECK]), render([BACK], first=3), finish="repetition")
    _, ended = solve(engine)
    assert len(engine.asked) == 1
    assert ended.reason is IncompleteReason.REPETITION


def test_what_is_plain_has_no_grammar() -> None:
    engine = Prompted("Hello!")
    _, ended = solve(engine, plain=True)
    assert engine.asked == [None]
    assert ended.text == "Hello!"
