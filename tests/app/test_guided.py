"""The strategy `guided`, on the scripted engine: what is refuted is gone back from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Literal

import pytest

from app.engines.base import Sampling
from app.engines.scripted import Script, ScriptedEngine, said
from app.strategies.base import PathEnded, Problem, Step
from app.strategies.guided import guided
from app.strategies.single import single
from statespace.options import GuidedOptions
from statespace.reader import Closed
from statespace.solutions import IncompleteReason
from statespace.trace import Origin, Transition, Verdict

QUESTION = "Ann sold 48 clips in April and half as many in May. How many in all?"
FIRST = "State 1:\nAction: Formalize\nOutput: m is the clips sold in May.\n\n"
WRONG = "State 2:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 26\n\n"
RIGHT = "Action: Solve Subquestion\nOutput: m = 48 / 2 = 24\n\n"
REST = "State {}:\nAction: Summarize\nOutput: The final answer is \\boxed{{{}}}."


def solve(
    text: str | Sequence[str],
    continuations: Mapping[str, Sequence[str]] | None = None,
    *,
    strategy: object = guided,
    options: GuidedOptions | None = None,
    **limits: int,
) -> tuple[list[Transition], PathEnded, Problem]:
    """What the strategy makes of a script."""
    engine = ScriptedEngine(Script({QUESTION: text}, 0.0, continuations=continuations or {}))
    sampling = Sampling(limits.get("max_tokens", 4000))
    problem = Problem(
        QUESTION,
        engine.prompt(QUESTION),
        sampling,
        limits.get("max_transitions", 64),
        options=options or GuidedOptions(),
    )

    async def run() -> list[Step]:
        async with aclosing(strategy(engine, problem)) as steps:  # type: ignore[operator]
            return [step async for step in steps]

    steps = asyncio.run(run())
    assert engine.unfinished() == 0
    ended = steps[-1]
    assert isinstance(ended, PathEnded)
    return [step.transition for step in steps if isinstance(step, Closed)], ended, problem


def test_a_refuted_state_is_gone_back_from() -> None:
    transitions, ended, problem = solve(
        FIRST + WRONG + "State 3:\nAction: Solve Parent\nOutput: 48 + 26 = 74\n\n",
        {"Backtrack to State 1.": [f"State 5:\n{RIGHT}" + REST.format(6, 24)]},
    )
    assert [(t.id, t.parent, t.number, t.action.value, t.origin.value) for t in transitions] == [
        (1, 0, 1, "formalize", "model"),
        (2, 1, 2, "solve_subquestion", "model"),
        (3, 2, 3, "verify", "verifier"),
        (4, 3, 4, "backtrack", "verifier"),
        (5, 1, 5, "solve_subquestion", "model"),
        (6, 5, 6, "summarize", "model"),
    ]
    assert transitions[1].verdict is Verdict.REFUTED
    assert transitions[2].output == "State 2 says 48 / 2 = 26, but 48 / 2 = 24."
    assert transitions[3].target == 1
    assert all(t.legal for t in transitions)
    assert (ended.path.states, ended.path.answer) == ((0, 1, 5, 6), "24")
    assert sum(t.tokens for t in transitions) <= problem.spent.completion
    assert all(t.tokens == 0 for t in transitions if t.origin is Origin.VERIFIER)


def test_the_model_goes_on_from_what_it_has_read() -> None:
    """The context of the second generation is the prompt, the dead end and what was written."""
    contexts: list[str] = []

    class Heard(ScriptedEngine):
        def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            contexts.append(said(prompt[list(prompt).index(0) + 1 :]))
            return super().generate(prompt, sampling)

    engine = Heard(Script({QUESTION: FIRST + WRONG + "State 3:\nAction: So"}, 0.0))
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(4000), 64)

    async def run() -> None:
        async for _ in guided(engine, problem):
            pass

    asyncio.run(run())
    assert contexts[0] == ""
    assert contexts[1].rstrip() == (
        f"{FIRST}{WRONG}State 3:\nAction: Verify\n"
        "Output: State 2 says 48 / 2 = 26, but 48 / 2 = 24.\n\n"
        "State 4:\nAction: Backtrack\nOutput: Backtrack to State 1."
    )


def test_dead_ends_are_dropped_from_what_the_model_reads_where_that_is_asked_for() -> None:
    contexts: list[tuple[str, float]] = []

    class Heard(ScriptedEngine):
        def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            read = said(prompt[list(prompt).index(0) + 1 :])
            contexts.append((read.rstrip() if "Backtrack" in read else read, sampling.temperature))
            return super().generate(prompt, sampling)

    def read(dead_ends: str) -> list[tuple[str, float]]:
        contexts.clear()
        wrong = f"{WRONG}State 3:\nAction: So"
        again = {"Output: m is the clips sold in May.": [wrong], "Backtrack to State 1.": [wrong]}
        engine = Heard(Script({QUESTION: FIRST + wrong}, 0.0, continuations=again))
        options = GuidedOptions(retries=2, dead_ends=dead_ends)  # type: ignore[arg-type]
        problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(4000), 64, options=options)

        async def run() -> None:
            steps = [step async for step in guided(engine, problem)]
            told = [step.transition for step in steps if isinstance(step, Closed)]
            assert sum(t.action.value == "backtrack" for t in told) == 2, "the record has them all"

        asyncio.run(run())
        return contexts[:]

    verify = "State 3:\nAction: Verify\nOutput: State 2 says 48 / 2 = 26, but 48 / 2 = 24.\n\n"
    backtrack = "State 4:\nAction: Backtrack\nOutput: Backtrack to State 1."
    dead_end = FIRST + WRONG + verify + backtrack
    assert read("drop")[:3] == [("", 0.0), (FIRST, 0.0), (FIRST, 0.7)]
    assert read("once")[:3] == [("", 0.0), (dead_end, 0.0), (FIRST, 0.7)]
    (_, _), second, (third, temperature), *_ = read("keep")
    assert second == (dead_end, 0.0)
    assert third.startswith(dead_end)
    assert len(third) > len(dead_end)
    assert temperature == 0.7


def test_no_retry_says_the_refuted_value_again() -> None:
    heard: list[tuple[str, ...]] = []

    class Heard(ScriptedEngine):
        def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            heard.append(sampling.banned)
            return super().generate(prompt, sampling)

    wrong = "State 5:\n" + RIGHT.replace("24", "17")
    again = {"Backtrack to State 1.": [wrong, f"State 8:\n{RIGHT}{REST.format(9, 24)}"]}
    engine = Heard(Script({QUESTION: FIRST + WRONG}, 0.0, continuations=again))
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(4000), 64)

    async def run() -> None:
        async for _ in guided(engine, problem):
            pass

    asyncio.run(run())
    first, second = ("48 / 2 = 26",), ("48 / 2 = 1", "48 / 2 = 17")
    assert heard[:3] == [(), first, first + second]


def test_where_nothing_is_refuted_it_is_single() -> None:
    text = FIRST + f"State 2:\n{RIGHT}" + REST.format(3, 24)
    seen = [solve(text, strategy=strategy) for strategy in (guided, single)]
    told = [
        [t.model_copy(update={"seconds": 0}) for t in transitions] for transitions, _, _ in seen
    ]
    assert told[0] == told[1]
    assert seen[0][1] == seen[1][1]
    assert seen[0][2].spent == seen[1][2].spent


def test_a_state_that_fails_again_is_sampled_and_then_left() -> None:
    """Greedy, then sampled from the same state, then from the state before."""
    heard: list[float] = []

    class Heard(ScriptedEngine):
        def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            heard.append(sampling.temperature)
            return super().generate(prompt, sampling)

    wrong = "Action: Solve Subquestion\nOutput: m = 48 / 2 = 2{}\n\n"
    engine = Heard(
        Script(
            {QUESTION: FIRST + WRONG},
            0.0,
            continuations={
                "State 4:\nAction: Backtrack\nOutput: Backtrack to State 1.": [
                    f"State 5:\n{wrong.format(7)}"
                ],
                "State 7:\nAction: Backtrack\nOutput: Backtrack to State 1.": [
                    f"State 8:\n{wrong.format(8)}"
                ],
                "Backtrack to State 0.": [f"State 11:\n{RIGHT}{REST.format(12, 24)}"],
            },
        )
    )
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(4000), 64)

    async def run() -> list[Step]:
        return [step async for step in guided(engine, problem)]

    steps = asyncio.run(run())
    transitions = [step.transition for step in steps if isinstance(step, Closed)]
    assert [t.target for t in transitions if t.target is not None] == [1, 1, 0]
    assert heard == [0.0, 0.0, 0.7, 0.0]
    assert steps[-1].path.answer == "24"  # type: ignore[union-attr]


def test_only_one_state_is_sampled() -> None:
    """What follows the state after a second failure is as the request says."""
    heard: list[float] = []

    class Heard(ScriptedEngine):
        def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            heard.append(sampling.temperature)
            return super().generate(prompt, sampling)

    again = "State 5:\n" + RIGHT.replace("24", "27")
    continuations = {
        "State 4:\nAction: Backtrack\nOutput: Backtrack to State 1.": [again],
        "State 7:\nAction: Backtrack\nOutput: Backtrack to State 1.": [
            f"State 8:\n{RIGHT}State 9:\nAction: Summarize\n"
        ],
        "m = 48 / 2 = 24": [REST.format(9, 24)],
    }
    engine = Heard(Script({QUESTION: FIRST + WRONG}, 0.0, continuations=continuations))
    options = GuidedOptions(dead_ends="keep")  # by what it has read the script tells retries apart
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(4000), 64, options=options)

    async def run() -> list[Step]:
        return [step async for step in guided(engine, problem)]

    steps = asyncio.run(run())
    assert heard == [0.0, 0.0, 0.7, 0.0]
    assert steps[-1].path.answer == "24"  # type: ignore[union-attr]


def test_when_the_retries_are_used_up_the_model_finishes() -> None:
    transitions, ended, _ = solve(
        FIRST + WRONG + "State 3:\nAction: Solve Parent\nOutput: 48 + 26 = 74\n\n",
        {
            "Backtrack to State 1.": [
                f"State 5:\n{RIGHT.replace('24', '27')}State 6:\n"
                "Action: Solve Parent\nOutput: 48 + 27 = 75\n\n" + REST.format(7, 75)
            ]
        },
        options=GuidedOptions(retries=1),
    )
    assert [t.action.value for t in transitions[-3:]] == [
        "solve_subquestion",
        "solve_parent",
        "summarize",
    ]
    assert transitions[-3].verdict is Verdict.REFUTED
    assert ended.path.answer == "75"
    assert ended.reason is None


def test_a_refuted_end_is_gone_back_from() -> None:
    transitions, ended, _ = solve(
        FIRST + "State 2:\nAction: Summarize\nOutput: 48 + 24 = 71. It is \\boxed{71}.",
        {"Backtrack to State 1.": [REST.format(5, 72)]},
    )
    assert transitions[2].output == "State 2 says 48 + 24 = 71, but 48 + 24 = 72."
    assert ended.path.answer == "72"


def test_limits_hold_over_all_retries() -> None:
    wrong = WRONG + "State 3:\nAction: So"
    _, ended, problem = solve(FIRST + wrong, max_transitions=3)
    assert ended.reason is IncompleteReason.MAX_TRANSITIONS
    assert len(ended.path.states) <= 4
    _, ended, problem = solve(
        FIRST + wrong, {"Backtrack to State 1.": ["word " * 500]}, max_tokens=60
    )
    assert ended.reason is IncompleteReason.MAX_TOKENS
    assert problem.spent.completion <= 60


def test_a_state_is_named_by_a_number_that_means_it() -> None:
    """Where the state to return to shares its number with a later one, an earlier one is named."""
    twice = "State 1:\nAction: Formalize\nOutput: m is asked.\n\nState 1:\nAction: {}\n"
    transitions, _, _ = solve(
        twice.format("Solve Subquestion") + "Output: m = 48 / 2 = 26\n\nState 3:\nAction: So"
    )
    backtrack = next(t for t in transitions if t.action.value == "backtrack")
    assert (backtrack.output, backtrack.target) == ("Backtrack to State 0.", 0)


@pytest.mark.parametrize("dead_ends", ["keep", "once", "drop"])
def test_a_model_that_counts_backwards_is_still_led_to_where_it_is_to_go_on(
    dead_ends: Literal["keep", "once", "drop"],
) -> None:
    """Else Verify took the number of the state gone back to, which Backtrack then did not mean."""
    transitions, ended, _ = solve(
        FIRST.replace("1", "3", 1)
        + WRONG
        + "State 3:\nAction: Solve Parent\nOutput: 48 + 26 = 74\n\n",
        {"Backtrack to State 3.": [f"State 6:\n{RIGHT}" + REST.format(7, 24)]},
        options=GuidedOptions(dead_ends=dead_ends),
    )
    assert [(t.id, t.parent, t.number, t.target) for t in transitions[:4]] == [
        (1, 0, 3, None), (2, 1, 2, None), (3, 2, 4, None), (4, 3, 5, 1),
    ]  # fmt: skip
    assert transitions[4].parent == 1
    assert transitions[2].output == "State 2 says 48 / 2 = 26, but 48 / 2 = 24."
    if dead_ends != "drop":  # there the script says the same again
        assert ended.path.answer == "24"
