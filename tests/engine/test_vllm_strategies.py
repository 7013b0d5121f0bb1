"""Going back and going on from a state, on the real engine."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from statespace import repair
from statespace.trace import Check
from tests.engine.test_vllm_server import LONG, solve, stream, until_idle
from tests.support.server_process import ServerProcess
from tests.support.streams import check_order

pytestmark = pytest.mark.engine

HARD = (
    "A box is 9 meters long, 9 meters wide and 3 meters high. What is its volume?",
    "A pool is five feet long, 4 feet wide and 2 feet deep. How many cubic feet is that?",
    "What is the volume of a box of 7 by 4 by 6 cm?",
    "DVDs are priced at $1.03 each. Elena gets 11 of these and a postcard that sells for $8.50. "
    "How much does it cost altogether?",
    "There are 38 boxes. Each box holds 47 pencils. 129 pencils are sold. How many are left?",
    "A pen costs 67 dollars. How much do 89 pens cost?",
    "Mia has 986 stamps and buys 757 more. She gives 398 of them to Ben. How many are left?",
    "A farmer has 47 crates of 68 apples. How many apples does the farmer have in all?",
    "Leo reads 79 pages a day for 58 days. How many pages does he read?",
)
"""Products of three numbers, and numbers larger than the shipped reasoner can be relied on with."""


def first_worded(transition: dict[str, Any]) -> tuple[str, str] | None:
    """What no retry may say again; None if the right value begins like the wrong one."""
    checks = map(Check.model_validate, transition["checks"])
    worded = (each for each in checks if each.verdict == "refuted" and repair.is_worded(each))
    check = next(worded)
    return (check.claim, check.stated) if repair.missteps(check) else None


def test_guided_goes_back_and_says_nothing_twice(server: ServerProcess) -> None:
    """After its own Verify and Backtrack the model goes on, with what it had read in the cache."""
    returned = 0
    for question in HARD:
        found = stream(server, question, strategy="guided", deltas=True)
        check_order(found)
        solution = found[-1]["solution"]
        transitions = {each["id"]: each for each in solution["transitions"]}
        backtracks = [
            each
            for each in transitions.values()
            if (each["action"], each["origin"]) == ("backtrack", "verifier")
        ]
        if not backtracks:
            continue
        returned += 1
        assert solution["usage"]["cached_tokens"] > 0
        dead = [transitions[transitions[each["parent"]]["parent"]] for each in backtracks]
        assert all(each["verdict"] == "refuted" for each in dead)
        wrong = [ruled_out for each in dead if (ruled_out := first_worded(each)) is not None]
        assert len(wrong) == len(set(wrong)), "the same dead end twice"
        for path in solution["paths"]:
            assert not {each["id"] for each in dead} & set(path["states"])
    until_idle(server)
    assert returned, "none of these problems was got wrong: they have become too easy for this test"


def test_a_fork_goes_on_from_a_corrected_state(server: ServerProcess) -> None:
    """Its path up to there is the old one, the output is the user's, the model does the rest."""
    whole = solve(server, question=LONG)
    chosen = whole["transitions"][1]
    corrected = chosen["output"] + " (looked at again)"
    body = {"state": chosen["id"], "output": corrected}
    url = f"{server.url}/v1/solutions/{whole['id']}/fork"
    answer = httpx2.post(url, json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    forked = answer.json()
    before = [each for each in whole["transitions"] if each["id"] < chosen["id"]]
    shared = forked["transitions"][: len(before)]
    assert [each["output"] for each in shared] == [each["output"] for each in before]
    mine = forked["transitions"][len(before)]
    assert (mine["origin"], mine["output"]) == ("user", corrected)
    rest = forked["transitions"][len(before) + 1 :]
    assert rest
    assert all(each["origin"] == "model" for each in rest)
    assert forked["usage"]["cached_tokens"] > 0, "the question had been read already"
