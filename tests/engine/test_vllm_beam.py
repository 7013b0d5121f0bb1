"""The strategy `beam` on the real engine."""

from __future__ import annotations

import time

import httpx2
import pytest

from tests.support.server_process import ServerProcess
from tests.support.streams import check_order, events

pytestmark = pytest.mark.engine

QUESTION = "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?"


@pytest.mark.parametrize("confidence", [False, True])
def test_a_beam_solves_and_leaves_the_engine_idle(server: ServerProcess, confidence: bool) -> None:
    body = {
        "question": QUESTION,
        "strategy": "beam-2",
        "beam": {"candidates": 3, "confidence": confidence},
        "seed": 7,
        "stream": True,
    }
    response = httpx2.post(f"{server.url}/v1/solutions", json=body, timeout=120)
    assert response.status_code == 200, response.text
    found = events(response.text)
    check_order(found)
    solution = found[-1]["solution"]
    assert solution["status"] == "completed"
    assert solution["answer"] is not None
    assert solution["usage"]["cached_tokens"] > 0
    answer = next(p for p in solution["paths"] if p["path"] == solution["answer_path"])
    # A mean log-probability is below 0, a share of candidates above.
    assert (answer["weight"] < 0) == confidence
    deadline = time.monotonic() + 20
    while server.metric("statewise_engine_unfinished ") > 0:
        assert time.monotonic() < deadline, "the engine goes on although the beam has ended"
        time.sleep(0.05)
