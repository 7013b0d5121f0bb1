"""A scripted server that has solved something with every strategy, and what it measures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.engines.scripted import Script, ScriptedEngine
from app.settings import Settings
from tests.support.server import LocalServer, local_server

STATE = "State {}:\nAction: {}\nOutput: {}\n\n"
SPLIT, ASTRAY, LONG = "Who is right?", "How many clips?", "And then?"
"""Questions: sampled paths do not agree; the first path goes astray; one that takes long."""
HALF, WRONG_HALF = "48 / 2 = 24", "48 / 2 = 26"


def says(answer: str, *steps: str) -> str:
    """A trace that comes to `answer`."""
    written = [STATE.format(n, "Solve Subquestion", step) for n, step in enumerate(steps, 1)]
    end = STATE.format(len(steps) + 1, "Summarize", f"The final answer is \\boxed{{{answer}}}.")
    return "".join(written) + end.rstrip()


RECORDINGS = {
    SPLIT: [says("24", HALF), says("26", WRONG_HALF), says("24", HALF)],
    ASTRAY: says("26", "m = 48", f"m / 2 = {WRONG_HALF}"),
    LONG: says("118", *(f"{n} + {n} = {n + n}" for n in range(2, 60))),
}
AFTER = {
    "Backtrack to State 1.": [
        STATE.format(5, "Solve Subquestion", HALF)
        + STATE.format(6, "Summarize", "The final answer is \\boxed{24}.")
    ],
    HALF: [STATE.format(2, "Summarize", "The final answer is \\boxed{24}.")],
    WRONG_HALF: [STATE.format(2, "Summarize", "The final answer is \\boxed{26}.")],
}


@contextmanager
def measured(delay_s: float = 0.001, **settings: Any) -> Iterator[LocalServer]:
    """A server with the recordings above, one token each `delay_s`."""
    engine = ScriptedEngine(Script(RECORDINGS, delay_s, continuations=AFTER))
    with local_server(engine, Settings(engine="scripted", **settings)) as server:
        yield server


def solve(server: LocalServer, question: str, strategy: str = "single", **more: Any) -> Any:
    """A solution."""
    body = {"question": question, "strategy": strategy, **more}
    return httpx2.post(f"{server.url}/v1/solutions", json=body, timeout=30).json()


def solve_with_every_strategy(server: LocalServer) -> None:
    """One solution by each."""
    for question, strategy in (
        (SPLIT, "single"),
        (ASTRAY, "guided"),
        (SPLIT, "vote-8"),
        (SPLIT, "beam-2"),
    ):
        assert solve(server, question, strategy)["status"] == "completed"


def families(server: LocalServer) -> dict[str, Metric]:
    """What `/metrics` gives, by name."""
    text = httpx2.get(f"{server.url}/metrics").text
    return {family.name: family for family in text_string_to_metric_families(text)}
