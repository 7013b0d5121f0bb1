"""The strategy `vote` on the real engine: lanes share the prompt, stop early and leave nothing."""

from __future__ import annotations

import pytest

from tests.engine.test_vllm_server import LONG, PROBLEMS, stream, until_idle
from tests.support.server_process import ServerProcess
from tests.support.streams import check_order

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("question", [LONG, next(iter(PROBLEMS))])
def test_a_vote_streams_in_order_and_leaves_the_engine_idle(
    server: ServerProcess, question: str
) -> None:
    found = stream(server, question, strategy="vote-4", seed=1, deltas=True)
    check_order(found)
    until_idle(server)
    solution = found[-1]["solution"]
    assert solution["status"] in ("completed", "incomplete")
    begun = {event["path"] for event in found if event["type"] == "transition.started"}
    ended = {event["path"] for event in found if event["type"] == "path.completed"}
    assert begun <= ended == {path["path"] for path in solution["paths"]}
    usage = solution["usage"]
    held = sum(transition["tokens"] for transition in solution["transitions"])
    assert held + usage["discarded_tokens"] == usage["completion_tokens"]
    assert usage["prompt_tokens"] == len(ended) * usage["first_prompt_tokens"]


def test_the_paths_of_a_vote_share_the_prompt(server: ServerProcess) -> None:
    """A second wave finds what the first has read."""
    question = LONG.replace("Tom", "Tim")
    options = {"stop": "never", "waves": [1, 2]}
    solution = stream(server, question, strategy="vote-3", vote=options)[-1]["solution"]
    assert solution["usage"]["cached_tokens"] >= 2 * 32
