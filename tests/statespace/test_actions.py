"""The transition table, row by row as the design states it, and the labels of actions."""

from __future__ import annotations

import pytest

from statespace.actions import FORWARD, LABELS, START_SUCCESSORS, SUCCESSORS, Action, parse_label
from statespace.tree import StateTree

# Action, label, aliases, what may follow it. A copy of the design's table, so not imported.
TABLE = [
    (
        "formalize",
        "Formalize",
        ["Formalise"],
        {"decompose", "solve_subquestion", "solve_parent", "verify"},
    ),
    ("decompose", "Decompose", [], {"formalize", "solve_subquestion", "verify"}),
    (
        "solve_subquestion",
        "Solve Subquestion",
        ["Solve Subques", "Solve Subproblem"],
        {"solve_subquestion", "decompose", "solve_parent", "summarize", "verify"},
    ),
    ("solve_parent", "Solve Parent", [], {"summarize", "verify"}),
    ("summarize", "Summarize", ["Summarise"], {"verify"}),
]
START = {"formalize", "decompose", "solve_subquestion", "solve_parent"}
EVERY = ["formalize", "decompose", "solve_subquestion", "solve_parent", "verify", "backtrack",
         "summarize", "other"]  # fmt: skip
LABELLED = [(action, label, aliases) for action, label, aliases, _ in TABLE] + [
    ("verify", "Verify", ["Check"]),
    ("backtrack", "Backtrack", []),
]


def test_the_action_set_is_the_designs() -> None:
    assert {action.value for action in Action} == set(EVERY)
    assert {action.value for action in FORWARD} == {action for action, *_ in TABLE}


@pytest.mark.parametrize(("action", "label", "aliases"), LABELLED)
def test_labels_and_aliases_name_their_action(action: str, label: str, aliases: list[str]) -> None:
    assert LABELS[Action(action)] == label
    for written in [label, *aliases]:
        for variant in (
            written,
            written.upper(),
            written.lower(),
            f"  {written.replace(' ', '  ')}\t",
        ):
            assert parse_label(variant) == action


@pytest.mark.parametrize(
    "label",
    ["", "other", "Solve", "Solve Sub", "Verify it", "ſolve parent", "solve_parent", "\x00"],
)
def test_what_is_no_label_is_other(label: str) -> None:
    assert parse_label(label) is Action.OTHER


def test_start_row() -> None:
    assert {action.value for action in START_SUCCESSORS} == START


@pytest.mark.parametrize(("action", "successors"), [(row[0], row[3]) for row in TABLE])
def test_forward_rows(action: str, successors: set[str]) -> None:
    assert {after.value for after in SUCCESSORS[Action(action)]} == successors


def test_the_shared_tables_cannot_be_changed() -> None:
    """One module that edits the table would change the law for all others."""
    with pytest.raises(TypeError):
        SUCCESSORS[Action.SUMMARIZE] = frozenset()  # type: ignore[index]
    with pytest.raises(TypeError):
        LABELS[Action.VERIFY] = "Check"  # type: ignore[index]


def legal_after(*actions: str | tuple[str, str]) -> set[str]:
    """What the tree allows after these actions; a pair is a Backtrack and its output."""
    allowed = set()
    for candidate in EVERY:
        tree = StateTree()
        for number, action in enumerate(actions, 1):
            if isinstance(action, tuple):
                tree.add(Action(action[0]), number)
                tree.backtrack(action[1])
            else:
                tree.add(Action(action), number)
        if tree.add(Action(candidate), len(actions) + 1).legal:
            allowed.add(candidate)
    return allowed


def test_the_tree_applies_the_start_row() -> None:
    assert legal_after() == START


@pytest.mark.parametrize(("action", "successors"), [(row[0], row[3]) for row in TABLE])
def test_the_tree_applies_every_forward_row(action: str, successors: set[str]) -> None:
    assert legal_after(action) == successors


@pytest.mark.parametrize(("action", "successors"), [(row[0], row[3]) for row in TABLE])
def test_verify_allows_backtrack_or_what_the_checked_state_allows(
    action: str, successors: set[str]
) -> None:
    assert legal_after(action, "verify") == successors | {"backtrack"}
    assert legal_after(action, "verify", "verify") == successors | {"backtrack"}


@pytest.mark.parametrize(("action", "successors"), [(row[0], row[3]) for row in TABLE])
def test_backtrack_allows_what_its_target_allows_but_no_verify(
    action: str, successors: set[str]
) -> None:
    run = [action, "solve_subquestion", "verify", ("backtrack", "Backtrack to State 1.")]
    assert legal_after(*run) == successors - {"verify"}


def test_backtrack_to_the_question_allows_what_the_start_allows() -> None:
    run = ["formalize", "verify", ("backtrack", "Backtrack to State 0.")]
    assert legal_after(*run) == START


def test_backtrack_to_a_verify_allows_what_the_checked_state_allows() -> None:
    run = ["decompose", "verify", "solve_subquestion", "verify", ("backtrack", "to State 2")]
    assert legal_after(*run) == {"formalize", "solve_subquestion"}


def test_a_lost_backtrack_leaves_what_the_path_allows() -> None:
    run = ["solve_parent", "verify", ("backtrack", "somewhere")]
    assert legal_after(*run) == {"summarize"}


@pytest.mark.parametrize(("action", "successors"), [(row[0], row[3]) for row in TABLE])
def test_an_unknown_action_is_illegal_and_transparent(action: str, successors: set[str]) -> None:
    assert legal_after(action, "other") == successors
    assert legal_after("other") == START


def test_backtrack_is_legal_after_verify_only() -> None:
    for action in EVERY:
        assert ("backtrack" in legal_after("solve_parent", action)) == (action == "verify")
