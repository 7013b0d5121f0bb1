"""What a model is given of its answer: it reads as if it had been written, and costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from app.engines.base import Chunk, Sampling
from app.engines.scripted import END, Script, ScriptedEngine
from app.errors import RequestError
from app.settings import Settings
from app.solving.forks import Fork
from app.solving.intake import Intake
from app.strategies import STRATEGIES
from app.strategies.base import Decided, PathEnded, Problem, Step
from statespace.actions import Action
from statespace.reader import Closed, Grown, Opened
from statespace.solutions import SolutionRequest, Source
from statespace.text import header, render
from statespace.trace import Transition

QUESTION = "Ann sold 48 clips in April and half as many in May. How many in all?"
GIVEN = header(1, Action.FORMALIZE)
# From there on each state has a multiple of the characters that a token of the script spells.
WRITTEN = render(
    [
        (Action.FORMALIZE, "m are the clips sold in June."),
        (Action.SOLVE_SUBQUESTION, "m = 48 / 2 = 24"),
        (Action.SUMMARIZE, r"It is \boxed{24}."),
    ]
)
WRONG = WRITTEN.replace("24", "26")
BACK = {"Backtrack to State 1.": ["State 5:\nAction: Summarize\nOutput: It is \\boxed{24}."]}


class Given(ScriptedEngine):
    """An engine whose model has always begun in one way."""

    def __init__(self, text: str, more: dict[str, Sequence[str]] | None = None) -> None:
        after = {GIVEN: [text.removeprefix(GIVEN)], **(more or {})}
        super().__init__(Script({QUESTION: text}, 0.0, continuations=after))
        self.prompts: list[Sequence[int]] = []

    def opening(self, sampling: Sampling) -> str:
        return "" if sampling.plain else GIVEN

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        async with aclosing(super().generate(prompt, sampling)) as chunks:
            async for chunk in chunks:
                yield chunk


def solve(
    engine: ScriptedEngine, strategy: str, *, plain: bool = False
) -> tuple[list[Step], Problem]:
    problem = Problem(
        QUESTION, engine.prompt(QUESTION), Sampling(4000, plain=plain), 64, deltas=True
    )

    async def run() -> list[Step]:
        async with aclosing(STRATEGIES[strategy].solve(engine, problem)) as steps:
            return [step async for step in steps]

    return asyncio.run(run()), problem


def closed(steps: Sequence[Step]) -> list[Transition]:
    """The transitions, without what depends on the clock and on who wrote the header."""
    found = [step.transition for step in steps if isinstance(step, Closed)]
    return [each.model_copy(update={"seconds": 0.0, "tokens": 0}) for each in found]


@pytest.mark.parametrize("strategy", ["single", "guided", "vote"])
@pytest.mark.parametrize("text", [WRITTEN, WRONG])
def test_a_given_header_reads_as_if_it_had_been_written(strategy: str, text: str) -> None:
    written = ScriptedEngine(Script({QUESTION: text}, 0.0, continuations=BACK))
    steps, problem = solve(Given(text, BACK), strategy)
    expected, _ = solve(written, strategy)
    assert closed(steps) == closed(expected)
    assert steps[-1] == expected[-1]
    if strategy == "single":  # the others leave tokens unread
        tokens = sum(step.transition.tokens for step in steps if isinstance(step, Closed))
        assert tokens == problem.spent.completion


def test_every_candidate_of_a_beam_goes_on_from_it() -> None:
    engine = Given(WRITTEN)
    steps, _ = solve(engine, "beam")
    given = [*engine.prompt(QUESTION), *engine.encode(GIVEN)]
    assert len(engine.prompts) == 9
    assert all(list(prompt[: len(given)]) == given for prompt in engine.prompts)
    assert {each.output for each in closed(steps) if each.number == 1} == {
        "m are the clips sold in June."
    }
    assert isinstance(steps[-2], PathEnded)
    assert steps[-2].path.answer == "24"


@pytest.mark.parametrize("silent", [1, 3])
def test_a_candidate_that_says_nothing_more_ends_nothing_else(silent: int) -> None:
    """Its model ends its turn at once."""

    class Silent(Given):
        async def generate(
            self, prompt: Sequence[int], sampling: Sampling
        ) -> AsyncGenerator[Chunk, None]:
            number = len(self.prompts)
            async with aclosing(super().generate(prompt, sampling)) as chunks:
                async for chunk in chunks:
                    if number < silent:
                        yield Chunk("", (END,), "stop")
                        return
                    yield chunk

    steps, _ = solve(Silent(WRITTEN), "beam")
    assert isinstance(steps[-1], Decided)
    empty = [each for each in closed(steps) if each.number == 1 and not each.output]
    assert len(empty) == silent


def test_it_is_given_once_and_counts_as_prompt() -> None:
    engine = Given(WRONG, BACK)
    steps, problem = solve(engine, "guided")
    first, second = engine.prompts
    assert list(first) == [*engine.prompt(QUESTION), *engine.encode(GIVEN)]
    assert list(second[: len(first)]) == list(first)
    assert engine.encode(GIVEN)[:6] not in [
        list(second[at : at + 6]) for at in range(len(first), len(second))
    ]
    assert problem.spent.first == len(first)
    assert isinstance(steps[-1], PathEnded)
    assert steps[-1].path.answer == "24"


def test_the_first_state_begins_with_the_first_token() -> None:
    steps, _ = solve(Given(WRITTEN), "single")
    assert isinstance(steps[0], Opened)
    grown = "".join(step.text for step in steps if isinstance(step, Grown) and step.id == 1)
    assert grown == "m are the clips sold in June."


def test_what_is_asked_plainly_or_goes_on_is_given_nothing() -> None:
    engine = Given(WRITTEN)
    steps, problem = solve(engine, "single", plain=True)
    assert list(engine.prompts[0]) == engine.prompt(QUESTION)
    known = tuple(step.transition for step in steps if isinstance(step, Closed))[:1]
    onward = replace(problem, given=known, sampling=Sampling(50))

    async def run() -> None:
        async with aclosing(STRATEGIES["single"].solve(engine, onward)) as found:
            async for _ in found:
                pass

    asyncio.run(run())
    assert list(engine.prompts[1]) == list(problem.prompt)


@pytest.mark.parametrize(("spare", "fits"), [(0, False), (1, True)])
async def test_what_has_no_room_beside_it_is_too_long(spare: int, fits: bool) -> None:
    engine = Given(WRITTEN)
    prompt = [*engine.prompt(QUESTION), *engine.encode(GIVEN)]
    request = SolutionRequest(question=QUESTION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Given, "max_context", len(prompt) + spare)
        intake = Intake(Settings(), engine)
        strategy = intake.strategy(request)
        if fits:
            problem = await intake.problem(engine, request, strategy)
            assert problem.sampling.max_tokens == spare
        else:
            with pytest.raises(RequestError, match=f"it takes {len(prompt)} tokens"):
                await intake.problem(engine, request, strategy)


async def test_a_fork_of_the_question_is_given_it_again() -> None:
    engine = Given(WRITTEN)
    request = SolutionRequest(question=QUESTION)
    intake = Intake(Settings(), engine)
    fork = Fork(source=Source(solution_id="sol_1", state=0), given=())
    problem = await intake.problem(engine, request, intake.strategy(request), fork)
    async with aclosing(STRATEGIES["single"].solve(engine, problem)) as steps:
        assert isinstance(await anext(steps), Opened)
    assert list(engine.prompts[0]) == [*engine.prompt(QUESTION), *engine.encode(GIVEN)]
