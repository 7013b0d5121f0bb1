"""What the terminal shows of several paths, and of states that the model has not written."""

from __future__ import annotations

import io
import re

from rich.console import Console

from app.engines.scripted import Script, ScriptedEngine
from statespace.events import SolutionCompleted, SolutionInProgress, TransitionCompleted
from statespace.reader import read
from statespace.solutions import Solution, SolutionRequest, Status
from statewise.client import Client
from statewise.outcome import HINT, doubts, hint, holds
from statewise.view import SolutionView
from tests.support.server import local_server

QUESTION = "How many?"
RIGHT = (
    "State 1:\nAction: Solve Subquestion\nOutput: 2 + 2 = 4\n\n"
    "State 2:\nAction: Summarize\nOutput: \\boxed{4}"
)
WRONG = RIGHT.replace("= 4", "= 5").replace("{4}", "{5}")


def shown(script: Script, terminal: bool = False, **request: object) -> tuple[str, Solution]:
    console = Console(
        file=io.StringIO(),
        width=60 if terminal else 100,
        height=40,
        force_terminal=terminal,
        color_system=None,
        _environ={},
    )
    with (
        local_server(ScriptedEngine(script)) as server,
        Client(server.url) as client,
        SolutionView(console) as view,
    ):
        asked = SolutionRequest(**{"question": QUESTION, "deltas": True, **request})
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


def test_an_answer_is_doubted_where_there_is_reason_to() -> None:
    """Nothing checked, or a vote that nobody won; and the starter says what it is for."""
    bare = "State 1:\nAction: Summarize\nOutput: \\boxed{%d}"
    output, solution = shown(Script({QUESTION: bare % 4}, 0.0))
    assert "Nothing that it rests on could be checked." in output
    assert HINT[:30] not in output
    assert hint(solution.model_copy(update={"model": "starter"})) == HINT

    alike = [RIGHT, RIGHT.replace("{4}", "{4.0}"), RIGHT.replace("{4}", "{7}")]
    vote = {"strategy": "vote-3", "vote": {"paths": 3, "waves": [3]}}
    _, solution = shown(Script({QUESTION: alike}, 0.0), **vote)
    assert doubts(solution) == []
    alike[1] = RIGHT.replace("{4}", "{9}")
    output, _ = shown(Script({QUESTION: alike}, 0.0), **vote)
    assert "Only 1 of 3 paths with an answer say this." in output


def test_a_number_that_is_passed_over_or_made_up_is_told() -> None:
    made_up = f"State 1:\nAction: Formalize\nOutput: a = 7.\n\n{RIGHT}"
    question = f"{QUESTION} There are 31 trees."
    output, solution = shown(Script({question: made_up}, 0.0), question=question)
    assert solution.grounding is not None
    assert "It takes 7 for given, not from the problem." in output
    assert "31, which the problem gives." in output


def test_who_has_written_a_state_is_told() -> None:
    script = Script({QUESTION: WRONG}, 0.0, continuations={"Backtrack to State 0.": [RIGHT]})
    output, solution = shown(script, strategy="guided")
    assert output.count("by the verifier") == 2
    assert "State 1 says 2 + 2 = 5, but 2 + 2 = 4." in output
    assert "Path" not in output
    assert holds(solution)


def test_on_a_terminal_dead_ends_branch_off_the_tree() -> None:
    script = Script({QUESTION: WRONG}, 0.0, continuations={"Backtrack to State 0.": [RIGHT]})
    output, _ = shown(script, terminal=True, strategy="guided")
    tree = re.sub(r"  \d+ tokens · [\d.]+ s", "", output).rpartition("\x1b[2K")[2]
    assert [line.rstrip() for line in tree.splitlines()][:11] == [
        "├─● State 1  Solve Subquestion  ✗ refuted",
        "│ │ 2 + 2 = 5",
        "│ │ ✗ 2 + 2 = 5  —  it is 4",
        "│ ● State 2  Verify  ✓ verified  by the verifier",
        "│ │ State 1 says 2 + 2 = 5, but 2 + 2 = 4.",
        "│ ● State 3  Backtrack  by the verifier",
        "│   Backtrack to State 0.",
        "● State 1  Solve Subquestion  ✓ verified",
        "│ 2 + 2 = 4",
        "● State 2  Summarize",
        "  \\boxed{4}",
    ]


def test_on_a_terminal_each_path_is_a_branch() -> None:
    output, _ = shown(Script({QUESTION: [RIGHT, WRONG]}, 0.0), terminal=True, strategy="vote-3")
    tree = output.rpartition("\x1b[2K")[2]
    for lane, corner in enumerate("├├╰"):
        assert f"{corner}─● Path {lane} · State 1" in tree
    assert tree.index("Path 1: 5") > tree.index("Path 2 · State 2"), "below the tree"


def test_states_that_stand_are_shown_where_another_server_goes_on() -> None:
    solution = Solution(
        id="sol_1", status=Status.IN_PROGRESS, question="?", model="m", strategy="single",
        created_at=0.0,
    )  # fmt: skip
    made = read(RIGHT).transitions
    console = Console(
        file=io.StringIO(), width=90, height=40, force_terminal=True, color_system=None, _environ={}
    )
    later = solution.model_copy(update={"transitions": made[:1]})
    over = solution.model_copy(
        update={"transitions": made, "status": Status.COMPLETED, "completed_at": 1.0}
    )
    with SolutionView(console) as view:
        for number, event in enumerate((solution, later)):
            view.show(
                SolutionInProgress(sequence_number=number, solution_id="sol_1", solution=event)
            )
        view.show(TransitionCompleted(sequence_number=2, solution_id="sol_1", transition=made[1]))
        view.show(SolutionCompleted(sequence_number=3, solution_id="sol_1", solution=over))
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "goes on from its last complete state" in output
    assert "2 + 2 = 4" in output
    assert "State 2" in output
