"""The strategy `beam`, on the scripted engine: what is tried, what is kept, and how it ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from app.engines.base import Sampling
from app.engines.scripted import Script, ScriptedEngine
from app.errors import EngineError
from app.strategies.base import Decided, PathEnded, Problem, Step
from app.strategies.beam import beam
from statespace.options import BeamOptions
from statespace.reader import Closed, Opened, read
from statespace.solutions import IncompleteReason
from statespace.trace import Transition, Verdict
from tests.support.server import local_server
from tests.support.streams import check_order, events

QUESTION = "Ann sold 48 clips in April and half as many in May. How many in all?"


def state(number: int, action: str, output: str) -> str:
    """A state, with as much of the next one's header as ends it."""
    return (
        f"State {number}:\nAction: {action}\nOutput: {output}\n\n"
        f"State {number + 1}:\nAction: Verify\n"
    )


def may(clips: str) -> str:
    return state(1, "Solve Subquestion", f"m = {clips}")


def in_all(clips: str) -> str:
    return state(2, "Solve Parent", clips)


def end(number: int, answer: int) -> str:
    return f"State {number}:\nAction: Summarize\nOutput: The final answer is \\boxed{{{answer}}}."


SOLVED = {
    "48 / 2 = 24": [in_all("48 + 24 = 72")],
    "48 / 2 = 26": [in_all("48 + 26 = 74")],
    "48 + 24 = 72": [end(3, 72)],
    "48 + 26 = 74": [end(3, 74)],
}


@dataclass
class Outcome:
    """What a beam has told."""

    engine: ScriptedEngine
    problem: Problem
    steps: list[Step] = field(default_factory=list)

    @property
    def transitions(self) -> list[Transition]:
        return [step.transition for step in self.steps if isinstance(step, Closed)]

    @property
    def paths(self) -> list[PathEnded]:
        return [step for step in self.steps if isinstance(step, PathEnded)]

    @property
    def decided(self) -> Decided:
        assert isinstance(self.steps[-1], Decided)
        return self.steps[-1]

    @property
    def answer(self) -> str | None:
        return next(e.path.answer for e in self.paths if e.path.path == self.decided.path)

    def outputs(self, parent: int) -> list[str]:
        return [t.output for t in self.transitions if t.parent == parent]


def solve(
    begins: Sequence[str],
    continuations: Mapping[str, Sequence[str]] | None = None,
    *,
    engine: type[ScriptedEngine] = ScriptedEngine,
    steps: int | None = None,
    limits: Mapping[str, int] | None = None,
    seed: int | None = None,
    **options: Any,
) -> Outcome:
    """Search in a script; with `steps`, the search is closed after so many."""
    limits = limits or {}
    script = Script({QUESTION: begins}, 0.0, continuations=continuations or SOLVED)
    made = engine(script)
    problem = Problem(
        QUESTION,
        made.prompt(QUESTION),
        Sampling(limits.get("max_tokens", 4000), seed=seed),
        limits.get("max_transitions", 64),
        options=BeamOptions(**options),
    )
    outcome = Outcome(made, problem)

    async def run() -> None:
        async with aclosing(beam(made, problem)) as found:
            async for step in found:
                outcome.steps.append(step)
                if len(outcome.steps) == steps:
                    break
        assert made.unfinished() == 0

    asyncio.run(run())
    return outcome


def test_what_is_refuted_is_dropped_where_there_is_better() -> None:
    found = solve([may("48 / 2 = 26"), may("48 / 2 = 24")], width=1, candidates=2)
    first = found.transitions[:2]
    assert {t.verdict for t in first} == {Verdict.REFUTED, Verdict.VERIFIED}
    good = next(t for t in first if t.verdict is Verdict.VERIFIED)
    assert {t.parent for t in found.transitions[2:4]} == {good.id}
    assert (found.answer, found.decided.reason) == ("72", None)
    assert len(found.paths) == 1
    assert found.paths[0].lane


def test_what_is_refuted_is_gone_on_from_for_want_of_better() -> None:
    found = solve([may("48 / 2 = 26")], width=1, candidates=2)
    assert found.answer == "74"


def test_what_is_not_allowed_ranks_behind_what_is() -> None:
    verify = state(1, "Verify", "All is right.")
    found = solve([verify, may("48 / 2 = 24")], width=1, candidates=2)
    assert found.answer == "72"


def test_the_same_claim_is_gone_on_from_once() -> None:
    begins = [may("48 / 2 = 24"), may("half of 48, that is 48 ÷ 2 = 24.0"), may("48 / 2 = 26")]
    found = solve(begins, width=3, candidates=3)
    first = [t for t in found.transitions if t.parent == 0]
    assert len(first) == 3
    gone_on_from = {t.parent for t in found.transitions} - {0}
    assert len(gone_on_from & {t.id for t in first}) == 2
    assert found.answer == "72"
    assert sorted(str(ended.path.answer) for ended in found.paths) == ["72", "74"]


def test_more_candidates_that_say_the_same_count() -> None:
    begins = [may("48 * 2 = 96"), may("48 / 2 = 24"), may("48 / 2 = 24")]
    found = solve(begins, width=1, candidates=3)
    assert found.answer == "72"
    assert found.paths[0].path.weight == pytest.approx((2 / 3 + 1 + 1) / 3)


def test_states_have_ids_in_the_order_in_which_they_begin_and_their_parents() -> None:
    begins = [may("48 / 2 = 24"), may("48 / 2 = 26")]
    found = solve(begins, width=2, candidates=2)
    opened = [step.node.id for step in found.steps if isinstance(step, Opened)]
    assert opened == list(range(1, len(opened) + 1))
    by_id = {t.id: t for t in found.transitions}
    assert sorted(by_id) == opened, "each that has begun has its end"
    lanes: dict[int, list[Transition]] = {}
    for transition in found.transitions:
        lanes.setdefault(transition.path, []).append(transition)
    for lane in lanes.values():  # a lane is one line: each goes on from the one before
        assert [t.parent for t in lane[1:]] == [t.id for t in lane[:-1]]
    for ended in found.paths:
        states = ended.path.states
        assert [by_id[s].parent for s in states[1:]] == list(states[:-1])
        assert by_id[states[-1]].path == ended.path.path
    assert len({ended.path.path for ended in found.paths}) == len(found.paths) == 2


@pytest.mark.parametrize(("width", "candidates"), [(1, 1), (2, 3), (3, 2)])
def test_no_more_is_tried_than_was_asked_for(width: int, candidates: int) -> None:
    asked: list[Sequence[int]] = []

    class Heard(ScriptedEngine):
        def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            asked.append(prompt)
            return super().generate(prompt, sampling)

    begins = [may(f"{n} + {n} = {2 * n}") for n in range(9)]
    further = {f"= {2 * n}": [state(2, "Solve Subquestion", f"{n} + 1 = 1{n}")] for n in range(9)}
    found = solve(
        begins, further, engine=Heard, width=width, candidates=candidates,
        limits={"max_transitions": 2},
    )  # fmt: skip
    assert len(asked) <= candidates + 2 * width * candidates
    assert len(found.outputs(0)) == candidates
    assert len({t.parent for t in found.transitions} - {0}) == min(width, candidates)
    assert all(len(ended.path.states) == 3 for ended in found.paths)
    assert found.decided == Decided(None, IncompleteReason.MAX_TRANSITIONS)


def test_all_paths_together_stay_within_their_tokens() -> None:
    rambling = [may("48 / 2 = 24"), "State 1:\nAction: Decompose\nOutput: " + "and so on " * 500]
    endless = {"": [state(2, "Solve Subquestion", "48 / 2 = 24")]}
    found = solve(rambling, endless, width=2, candidates=2, limits={"max_tokens": 100})
    assert found.problem.spent.completion <= 100 * 4
    assert found.decided == Decided(None, IncompleteReason.MAX_TOKENS)


def test_a_search_has_no_more_than_so_many_transitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[beam.__module__], "MAX_TRANSITIONS", 20)
    begins = [may(f"{n} + {n} = {2 * n}") for n in range(9)]
    endless = {"": [state(2, "Solve Subquestion", f"{n} + 1 = {n + 1}") for n in range(97)]}
    found = solve(begins, endless, width=3, candidates=3)
    assert len(found.transitions) <= 20
    assert found.decided == Decided(None, IncompleteReason.MAX_TRANSITIONS)


def test_what_is_cut_off_is_not_built_upon() -> None:
    """`48 / 2 = 2` is no claim of the model's where a limit has cut off the 4."""
    text = "State 1:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 24"
    tokens = (len(text) - 1) // 4
    found = solve([text], width=1, candidates=1, limits={"max_tokens": tokens})
    assert len(found.transitions) == 1
    assert found.decided == Decided(None, IncompleteReason.MAX_TOKENS)


def test_a_model_that_stops_early_has_no_answer() -> None:
    found = solve([may("48 / 2 = 24")], {"48 / 2 = 24": ["\n"]}, width=2, candidates=2)
    assert found.decided == Decided(None, IncompleteReason.NO_ANSWER)
    assert [ended.path.states for ended in found.paths] == [(0, found.transitions[0].id)]


def test_a_plain_answer_is_one() -> None:
    found = solve(["Hello! How can I help?"], {}, width=2, candidates=2)
    (ended,) = found.steps
    assert isinstance(ended, PathEnded)
    assert (ended.text, ended.lane, ended.reason) == ("Hello! How can I help?", False, None)


def test_a_way_back_is_a_candidate_too() -> None:
    back = {
        "48 / 2 = 26": [state(2, "Verify", "48 / 2 = 24, not 26.")],
        "not 26.": [state(3, "Backtrack", "Backtrack to State 0.")],
        "to State 0.": [state(4, "Solve Subquestion", "m = 48 / 2 = 24")],
        "m = 48 / 2 = 24": [end(5, 24)],
    }
    found = solve([may("48 / 2 = 26")], back, width=1, candidates=1)
    assert [t.parent for t in found.transitions] == [0, 1, 2, 0, 4]
    assert found.transitions[2].target == 0
    assert found.paths[0].path.states == (0, 4, 5)
    assert found.answer == "24"


def test_what_may_follow_a_way_back_is_known() -> None:
    """A Verify cannot stand right after a Backtrack, whoever goes on from there."""
    back = {
        "48 / 2 = 26": [state(2, "Verify", "48 / 2 = 24, not 26.")],
        "not 26.": [state(3, "Backtrack", "Backtrack to State 1.")],
        "to State 1.": [state(4, "Verify", "State 1 is wrong.")],
    }
    found = solve([may("48 / 2 = 26")], back, width=1, candidates=1)
    assert [t.legal for t in found.transitions] == [True, True, True, False]


def test_it_goes_on_from_what_is_given() -> None:
    """As a fork does: what is given is on every path, and is not told again."""
    text = may("48 / 2 = 24").partition("State 2")[0]
    engine = ScriptedEngine(Script({QUESTION: ["?"]}, 0.0, continuations=SOLVED))
    problem = Problem(
        QUESTION,
        [*engine.prompt(QUESTION), *engine.encode(text)],
        Sampling(400),
        64,
        given=read(text).transitions,
    )

    async def run() -> list[Step]:
        return [step async for step in beam(engine, problem)]

    outcome = Outcome(engine, problem, asyncio.run(run()))
    assert {t.parent for t in outcome.transitions[:3]} == {1}
    assert min(t.id for t in outcome.transitions) == 2
    assert outcome.paths[0].path.states[:2] == (0, 1)
    assert outcome.answer == "72"


def test_confidence_asks_for_log_probabilities_and_ranks_by_them() -> None:
    begins = [may("48 * 2 = 96"), may("48 * 2 = 96"), may("48 / 2 = 24")]
    seen: list[float] = []

    class Sure(ScriptedEngine):
        async def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            assert sampling.logprobs
            sure = -0.25 if len(seen) % 3 == 2 else -2.0
            seen.append(sure)
            async for chunk in super().generate(prompt, sampling):
                yield replace(chunk, logprobs=(sure,) * len(chunk.token_ids))

    found = solve(begins, engine=Sure, width=1, candidates=3, confidence=True)
    assert found.answer == "72"
    assert found.paths[0].path.weight is not None
    assert -2 <= found.paths[0].path.weight <= -0.25


@pytest.mark.parametrize("steps", range(1, 12))
def test_closing_it_ends_all_that_is_generated(steps: int) -> None:
    solve([may("48 / 2 = 24"), may("48 / 2 = 26")], width=2, candidates=3, steps=steps)


def test_an_error_in_one_candidate_ends_them_all() -> None:
    class Failing(ScriptedEngine):
        """Only the second request fails."""

        asked = 0

        async def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            Failing.asked += 1
            fails = Failing.asked == 2
            async for chunk in super().generate(prompt, sampling):
                if fails:
                    raise EngineError("no more")
                yield chunk
                await asyncio.sleep(0.01)

    engine = Failing(Script({QUESTION: [may("48 / 2 = 24")]}, 0.0))
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(400), 64, options=BeamOptions())

    async def run() -> None:
        with pytest.raises(EngineError, match="no more"):
            async for _ in beam(engine, problem):
                pass
        assert engine.unfinished() == 0

    asyncio.run(run())


def test_candidates_have_seeds_of_their_own_that_repeat() -> None:
    heard: list[tuple[int | None, float]] = []

    class Heard(ScriptedEngine):
        def generate(self, prompt, sampling):  # type: ignore[no-untyped-def]
            heard.append((sampling.seed, sampling.temperature))
            return super().generate(prompt, sampling)

    for _ in range(2):
        solve([may("48 / 2 = 24")], engine=Heard, width=1, candidates=3, seed=2**63 - 1)
    half = len(heard) // 2
    assert heard[:half] == heard[half:]
    assert len({seed for seed, _ in heard}) == half
    assert all(seed is not None and 0 <= seed < 2**63 for seed, _ in heard)
    assert {temperature for _, temperature in heard} == {0.7}


def test_over_http_events_are_in_order_and_the_best_path_answers() -> None:
    script = Script({QUESTION: [may("48 / 2 = 24"), may("48 / 2 = 26")]}, 0.0, continuations=SOLVED)
    body = {"question": QUESTION, "strategy": "beam-2", "beam": {"candidates": 2}, "seed": 1}
    with local_server(ScriptedEngine(script)) as server:
        url = f"{server.url}/v1/solutions"
        response = httpx2.post(url, json={**body, "stream": True}, timeout=30)
        refused = httpx2.post(
            url, json={"question": "?", "strategy": "beam", "beam": {"reward": True}}, timeout=30
        )
        models = httpx2.get(f"{server.url}/v1/models").json()["data"]
    found = events(response.text)
    check_order(found)
    solution = found[-1]["solution"]
    assert (solution["status"], solution["answer"]) == ("completed", "72")
    told = [event for event in found if event["type"] == "path.completed"]
    assert [event["path"] for event in told] == [path["path"] for path in solution["paths"]]
    assert solution["answer_path"] in [path["path"] for path in solution["paths"]]
    usage = solution["usage"]
    held = sum(transition["tokens"] for transition in solution["transitions"])
    assert held + usage["discarded_tokens"] == usage["completion_tokens"]
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "beam.reward"
    assert "STATEWISE_REWARD_URL" in refused.json()["error"]["message"]
    assert "scripted:beam-3" in [model["id"] for model in models]
