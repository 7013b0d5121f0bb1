"""The strategy `vote`, on the scripted engine: waves, live lanes, early stop, abort."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import httpx2
import orjson
import pytest

from app.engines.base import Chunk, Sampling
from app.engines.scripted import Script, ScriptedEngine
from app.errors import EngineError
from app.openai import chat_text
from app.settings import Settings
from app.strategies.base import Decided, PathEnded, Problem, Step
from app.strategies.vote import vote
from statespace.options import VoteOptions
from statespace.reader import Closed, Grown, Opened
from statespace.solutions import IncompleteReason, Solution, Status, Usage
from statespace.trace import Transition
from tests.support.server import LocalServer, local_server, scripted_tokens
from tests.support.streams import check_order, events

QUESTION = "Ann sold 48 clips in April and half as many in May. How many in all?"
STEP = "State {}:\nAction: Solve Subquestion\nOutput: {}\n\n"
END = "State {}:\nAction: Summarize\nOutput: The final answer is \\boxed{{{}}}."


def says(answer: str, *steps: str) -> str:
    """A path that comes to `answer`."""
    written = "".join(STEP.format(number, step) for number, step in enumerate(steps, 1))
    return written + END.format(len(steps) + 1, answer)


RIGHT = says("72", "48 / 2 = 24", "48 + 24 = 72")
WRONG = says("74", "48 / 2 = 26", "48 + 26 = 74")
LONG = says("72", *(f"{n} + {n} = {n + n}" for n in range(2, 60)))
BACK = (
    STEP.format(1, "48 / 2 = 26")
    + "State 2:\nAction: Verify\nOutput: State 1 says 48 / 2 = 26, but 48 / 2 = 24.\n\n"
    + "State 3:\nAction: Backtrack\nOutput: Backtrack to State 0.\n\n"
    + STEP.format(4, "48 / 2 = 24")
    + END.format(5, "72")
)


class Heard(ScriptedEngine):
    """Counts who writes at the same time, and keeps how each was asked to."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.asked: list[Sampling] = []
        self.most = 0

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        """As scripted."""
        self.asked.append(sampling)
        async with aclosing(super().generate(prompt, sampling)) as chunks:
            async for chunk in chunks:
                self.most = max(self.most, self.unfinished())
                yield chunk


def prepared(texts: Sequence[str], **sampling: Any) -> tuple[Heard, Problem]:
    engine = Heard(Script({QUESTION: texts}, 0.0))
    asked = Sampling(**{"max_tokens": 4000, **sampling})
    return engine, Problem(QUESTION, engine.prompt(QUESTION), asked, 64)


def solve(
    texts: Sequence[str], options: VoteOptions | None = None, **sampling: Any
) -> tuple[list[Step], Heard, Problem]:
    """What the strategy makes of paths that say `texts`, one after another."""
    engine, problem = prepared(texts, **sampling)
    if options is not None:
        problem = Problem(
            QUESTION, problem.prompt, problem.sampling, 64, deltas=True, options=options
        )

    async def run() -> list[Step]:
        async with aclosing(vote(engine, problem)) as steps:
            return [step async for step in steps]

    steps = asyncio.run(run())
    assert engine.unfinished() == 0
    assert isinstance(steps[-1], Decided)
    return steps, engine, problem


def lanes(steps: Sequence[Step]) -> dict[int, PathEnded]:
    """How each path has ended."""
    ended = [step for step in steps if isinstance(step, PathEnded)]
    found = {step.path.path: step for step in ended}
    assert len(found) == len(ended)
    assert all(step.lane for step in ended)
    return found


def closed(steps: Sequence[Step]) -> list[Transition]:
    return [step.transition for step in steps if isinstance(step, Closed)]


@pytest.mark.parametrize(
    ("waves", "paths", "most"), [((3, 2), 8, 3), ((2,), 5, 2), ((64,), 4, 4), ((1, 5), 3, 2)]
)
def test_paths_begin_in_waves(waves: tuple[int, ...], paths: int, most: int) -> None:
    steps, engine, problem = solve(
        [RIGHT], VoteOptions(paths=paths, waves=waves, stop="never"), seed=7
    )
    assert engine.most == most
    assert len(engine.asked) == len(lanes(steps)) == paths
    assert len({sampling.seed for sampling in engine.asked}) == paths
    assert {sampling.temperature for sampling in engine.asked} == {0.7}
    assert problem.spent.prompt == paths * len(problem.prompt)


def test_the_temperature_that_was_asked_for_is_taken() -> None:
    _, engine, _ = solve([RIGHT], temperature=0.3)
    assert {sampling.temperature for sampling in engine.asked} == {0.3}
    assert {sampling.seed for sampling in engine.asked} == {None}


def test_a_wave_waits_until_the_one_before_has_ended() -> None:
    steps, *_ = solve([RIGHT, WRONG], VoteOptions(paths=5, stop="never"))
    fifth = next(at for at, step in enumerate(steps) if isinstance(step, Opened) and step.path == 4)
    ended = {step.path.path for step in steps[:fifth] if isinstance(step, PathEnded)}
    assert ended == {0, 1, 2, 3}


def test_states_come_live_and_have_ids_in_the_order_in_which_they_begin() -> None:
    steps, *_ = solve([RIGHT, WRONG], VoteOptions(paths=3, stop="never"))
    opened = [step for step in steps if isinstance(step, Opened)]
    assert [step.node.id for step in opened] == list(range(1, len(opened) + 1))
    assert {step.path for step in opened[:3]} == {0, 1, 2}
    written: dict[int, str] = {}
    for step in steps:
        if isinstance(step, Grown):
            assert step.offset == len(written.setdefault(step.id, ""))
            written[step.id] += step.text
    for transition in closed(steps):
        assert written[transition.id] == transition.output


@pytest.mark.parametrize(("stop", "voted"), [("never", 8), ("certain", 5), ("likely", 4)])
def test_a_vote_stops_as_soon_as_it_is_decided(stop: Any, voted: int) -> None:
    steps, *_ = solve([RIGHT], VoteOptions(stop=stop))
    ended = lanes(steps)
    assert [one.path.weight for one in ended.values()].count(1.0) == voted
    assert steps[-1] == Decided(0)


def test_the_others_are_aborted_at_once() -> None:
    options = VoteOptions(paths=4, waves=(4,), stop="certain")
    steps, _, problem = solve([RIGHT, RIGHT, RIGHT, LONG], options)
    stopped = lanes(steps)[3]
    assert (stopped.path.answer, stopped.path.resolved, stopped.path.weight) == (None, False, None)
    of_it = [transition for transition in closed(steps) if transition.path == 3]
    assert stopped.path.states == (0, *(transition.id for transition in of_it))
    assert 0 < len(of_it) < 10, "it was heard while it wrote, and cut off"
    held = sum(transition.tokens for transition in closed(steps))
    assert held <= problem.spent.completion < held + 20


def test_a_path_that_rests_on_what_is_refuted_weighs_less() -> None:
    steps, *_ = solve([WRONG, WRONG, RIGHT], VoteOptions(paths=3, stop="never"))
    assert {lane: one.path.weight for lane, one in lanes(steps).items()} == {0: 0.25, 1: 0.25, 2: 1}
    assert steps[-1] == Decided(2)


def test_a_dead_end_that_was_gone_back_from_does_not_count() -> None:
    steps, *_ = solve([BACK], VoteOptions(paths=1))
    assert any(transition.verdict == "refuted" for transition in closed(steps))
    assert lanes(steps)[0].path.weight == 1


def test_equal_answers_are_one() -> None:
    texts = [says("0.5", "1 / 2 = 0.5"), says("74"), says("1/2"), says("74"), says("\\frac{1}{2}")]
    steps, *_ = solve(texts, VoteOptions(paths=5, stop="never"))
    assert steps[-1] == Decided(0)


def test_without_an_answer_the_commonest_reason_is_the_solutions() -> None:
    steps, *_ = solve([RIGHT, "Hello."], VoteOptions(paths=3, stop="never"), max_tokens=20)
    assert steps[-1] == Decided(None, IncompleteReason.MAX_TOKENS)
    assert [one.path.weight for one in lanes(steps).values()] == [0.0] * 3
    steps, *_ = solve(["Hello."], VoteOptions(paths=2))
    assert steps[-1] == Decided(None, IncompleteReason.NO_ANSWER)


def test_plain_text_votes_with_the_answer_that_it_states() -> None:
    steps, *_ = solve(["The answer is 72.", RIGHT], VoteOptions(paths=2, stop="never"))
    assert steps[-1] == Decided(0)
    assert {one.path.weight for one in lanes(steps).values()} == {1.0}


def test_limits_are_for_each_path() -> None:
    _, _, problem = solve([LONG], VoteOptions(paths=3, stop="never"), max_tokens=30)
    assert problem.spent.completion == 90


def test_an_error_on_one_path_ends_all() -> None:
    class Failing(Heard):
        async def generate(
            self, prompt: Sequence[int], sampling: Sampling
        ) -> AsyncGenerator[Chunk, None]:
            """Fails on the third path."""
            if len(self.asked) == 2:
                raise EngineError("it failed")
            async with aclosing(super().generate(prompt, sampling)) as chunks:
                async for chunk in chunks:
                    yield chunk

    engine = Failing(Script({QUESTION: LONG}, 0.0))
    problem = Problem(QUESTION, engine.prompt(QUESTION), Sampling(4000), 64)

    async def run() -> None:
        async with aclosing(vote(engine, problem)) as steps:
            async for _ in steps:
                pass

    with pytest.raises(EngineError, match="it failed"):
        asyncio.run(run())
    assert len(engine.asked) == 2
    assert engine.unfinished() == 0


@pytest.mark.parametrize("taken", [0, 1, 5, 40])
def test_a_client_that_goes_leaves_an_idle_engine(taken: int) -> None:
    """Whether the steps are closed between two of them, or cancelled while one is awaited."""
    engine, problem = prepared([LONG])

    async def leave() -> int:
        async with aclosing(vote(engine, problem)) as steps:
            for _ in range(taken):
                await anext(steps)
        return engine.unfinished()

    async def cancel() -> int:
        async def follow() -> None:
            async with aclosing(vote(engine, problem)) as steps:
                async for _ in steps:
                    pass

        task = asyncio.create_task(follow())
        for _ in range(taken):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return engine.unfinished()

    assert asyncio.run(leave()) == 0
    assert asyncio.run(cancel()) == 0


SPLIT = [RIGHT, WRONG, BACK]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    script = Script({QUESTION: SPLIT}, 0.001)
    with local_server(ScriptedEngine(script), Settings(engine="scripted")) as server:
        yield server


def ask(server: LocalServer, path: str, **body: Any) -> httpx2.Response:
    response = httpx2.post(f"{server.url}/v1/{path}", json=body, timeout=30)
    assert response.status_code == 200, response.text
    return response


def test_a_vote_over_the_api_is_one_ordered_stream(server: LocalServer) -> None:
    body = {"question": QUESTION, "vote": {"stop": "never"}, "stream": True, "deltas": True}
    found = events(ask(server, "solutions", strategy="vote-6", **body).text)
    check_order(found)
    assert found[-1]["type"] == "solution.completed"
    solution = found[-1]["solution"]
    assert (solution["answer"], solution["answer_path"]) == ("72", 0)
    assert sorted(path["path"] for path in solution["paths"]) == list(range(6))
    ends = [event for event in found if event["type"] == "path.completed"]
    assert [end["path"] for end in ends] == [path["path"] for path in solution["paths"]]
    usage = solution["usage"]
    assert usage["prompt_tokens"] == 6 * usage["first_prompt_tokens"]
    held = sum(transition["tokens"] for transition in solution["transitions"])
    assert held + usage["discarded_tokens"] == usage["completion_tokens"]


def test_a_deadline_keeps_what_was_said_on_all_paths() -> None:
    with local_server(ScriptedEngine(Script({QUESTION: LONG}, 0.01))) as server:
        body = {"question": QUESTION, "strategy": "vote-4", "timeout_s": 0.5, "stream": True}
        found = events(ask(server, "solutions", **body).text)
        check_order(found)
        solution = found[-1]["solution"]
        assert solution["incomplete_reason"] == "deadline"
        assert {transition["path"] for transition in solution["transitions"]} == {0, 1, 2, 3}
        assert server.host.engine.unfinished() == 0


def test_a_chat_shows_each_path_and_the_vote() -> None:
    script = Script({QUESTION: SPLIT}, 0.0)
    # One after another, so that both chats are told the same in the same order.
    with local_server(ScriptedEngine(script), Settings(engine="scripted")) as server:
        model = f"{Settings(engine='scripted').served_name}:vote-3"
        body = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
        plain = ask(server, "chat/completions", **body).json()
        options = {"stream": True, "stream_options": {"include_usage": True}}
        streamed = ask(server, "chat/completions", **body, **options).text
        chunks = [
            line.removeprefix("data: ")
            for line in streamed.splitlines()
            if line.startswith("data: {")
        ]
    message = plain["choices"][0]["message"]
    assert message["content"] == "The final answer is \\boxed{72}."
    reasoning = message["reasoning_content"]
    blocks = reasoning.split("\n\n")
    assert all(block.startswith("Path ") for block in blocks)
    assert blocks[-1] == (
        "Path 0: 72 (weight 1)\nPath 1: 74 (weight 0.25)\nPath 2: 72 (weight 1)\n"
        "The answer is that of Path 0.\n"
    )
    told = [orjson.loads(chunk) for chunk in chunks]
    deltas = [chunk["choices"][0]["delta"] for chunk in told if chunk["choices"]]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == reasoning
    assert "".join(delta.get("content", "") for delta in deltas) == message["content"]
    usage = plain["usage"]
    assert told[-1]["usage"] == usage
    assert usage["prompt_tokens"] == scripted_tokens(QUESTION)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_responses_say_which_path_an_item_is_on(server: LocalServer) -> None:
    body = {"model": "scripted:vote-3", "input": QUESTION}
    plain = ask(server, "responses", **body).json()
    *items, message = plain["output"]
    assert message["content"][0]["text"] == "The final answer is \\boxed{72}."
    for item in items:
        assert item["content"][0]["text"].startswith(f"Path {item['transition']['path']} · State ")
    streamed = ask(server, "responses", **body, stream=True).text
    ended = orjson.loads(streamed.split("data: ")[-1])["response"]
    assert {item["content"][0]["text"] for item in ended["output"]} == {
        item["content"][0]["text"] for item in plain["output"]
    }


@pytest.mark.parametrize(
    ("cached", "told"),
    [(0, 0), (60, 0), (80, 8), (90, 18)],
)
def test_a_chat_counts_the_prompt_once(cached: int, told: int) -> None:
    """Five paths that read 18 tokens each: what was read again had to be in the cache."""
    usage = Usage(prompt_tokens=90, first_prompt_tokens=18, cached_tokens=cached)
    solution = Solution(
        id="sol_1",
        status=Status.COMPLETED,
        question="?",
        model="m",
        strategy="vote-5",
        usage=usage,
        created_at=1.0,
    )
    found = chat_text.usage([solution], plain=False)
    assert found["prompt_tokens"] == 18
    assert found["prompt_tokens_details"] == {"cached_tokens": told}
