"""What the terminal shows of several paths, and of states that the model has not written."""

from __future__ import annotations

import io

from rich.console import Console

from app.engines.scripted import Script, ScriptedEngine
from statespace.solutions import Solution, SolutionRequest
from statewise.client import Client
from statewise.view import SolutionView, holds
from tests.support.server import local_server

QUESTION = "How many?"
RIGHT = (
    "State 1:\nAction: Solve Subquestion\nOutput: 2 + 2 = 4\n\n"
    "State 2:\nAction: Summarize\nOutput: \\boxed{4}"
)
WRONG = RIGHT.replace("= 4", "= 5").replace("{4}", "{5}")


def shown(script: Script, **request: object) -> tuple[str, Solution]:
    console = Console(file=io.StringIO(), width=100)
    with (
        local_server(ScriptedEngine(script)) as server,
        Client(server.url) as client,
        SolutionView(console) as view,
    ):
        asked = SolutionRequest(question=QUESTION, deltas=True, **request)
        for event in client.stream(asked):
            view.show(event)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    return output, event.solution  # type: ignore[union-attr]


def test_paths_are_told_apart() -> None:
    output, solution = shown(Script({QUESTION: [RIGHT, WRONG]}, 0.0), strategy="vote-3")
    for lane in range(3):
        assert f"Path {lane} · State 1" in output
    assert "Path 1: 5" in output
    assert "Answer: 4" in output
    # A refuted state of another path is nothing that the answer rests on.
    assert solution.verification.refuted == 1
    assert holds(solution)
    assert "do not trust it" not in output


def test_who_has_written_a_state_is_told() -> None:
    script = Script({QUESTION: WRONG}, 0.0, continuations={"Backtrack to State 0.": [RIGHT]})
    output, solution = shown(script, strategy="guided")
    assert output.count("by the verifier") == 2
    assert "State 1 says 2 + 2 = 5, but 2 + 2 = 4." in output
    assert "Path" not in output
    assert holds(solution)
