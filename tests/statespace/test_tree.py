"""The tree of states: where transitions grow from, and where a Backtrack leads."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from statespace.actions import Action
from statespace.tree import StateTree

STEPS = st.tuples(
    st.sampled_from(list(Action)),
    st.none() | st.integers(0, 6),
    st.sampled_from(["", "Backtrack."]) | st.integers(0, 7).map("Backtrack to State {}.".format),
)


@given(st.lists(STEPS, max_size=40))
def test_any_run_is_a_tree_whose_path_leads_to_its_tip(
    steps: list[tuple[Action, int | None, str]],
) -> None:
    tree = StateTree()
    for count, (action, number, output) in enumerate(steps, 1):
        before = tree.state()
        node = tree.add(action, number)
        assert (node.id, node.parent, node.number) == (count, before.id, number)
        assert 0 <= node.parent < node.id
        assert len(tree) == count
        assert tree.node(node.id) is node
        assert tree.state().chain == (*before.chain, node.id)
        if action is Action.BACKTRACK:
            target = tree.backtrack(output)
            if target is None:
                assert tree.tip == node.id
            else:
                assert tree.tip == target
                assert target in before.chain, "a Backtrack left the path"
        chain = tree.state().chain
        assert chain[0] == 0
        assert chain[-1] == tree.tip == tree.state().id
        for parent, child in pairwise(chain):
            assert tree.node(child).parent == parent
        assert [n.id for n in tree.ancestors(tree.tip)] == list(reversed(chain[1:]))


@given(st.lists(st.none() | st.integers(0, 4), max_size=12), st.integers(0, 5))
def test_a_target_is_the_latest_state_on_the_path_that_bears_the_number(
    numbers: list[int | None], wanted: int
) -> None:
    tree = StateTree()
    for number in numbers:
        tree.add(Action.SOLVE_SUBQUESTION, number)
    tree.add(Action.BACKTRACK, wanted)
    bearers = [state for state, number in enumerate(numbers, 1) if number == wanted]
    expected = bearers[-1] if bearers else (0 if wanted == 0 else None)
    assert tree.backtrack(f"Backtrack to State {wanted}.") == expected


def test_a_number_in_a_dead_end_is_no_target() -> None:
    tree = StateTree()
    tree.add(Action.FORMALIZE, 1)
    tree.add(Action.SOLVE_SUBQUESTION, 2)
    tree.add(Action.BACKTRACK, 3)
    assert tree.backtrack("Backtrack to State 1.") == 1
    tree.add(Action.BACKTRACK, 4)
    assert tree.backtrack("Backtrack to State 2.") is None
    assert tree.state().chain == (0, 1, 4)


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("Backtrack to State 2.", 2),
        ("backtrack to state 2", 2),
        ("**Backtrack to State 2.**", 2),
        ("Backtrack to **State 2**.", 2),
        ("State 2", 2),
        ("Return to\nState  1", 1),
        ("Backtrack to State 0.", 0),
        ("Backtrack to State 00002", 2),
        ("State 3 is wrong. Backtrack to State 1.", 1),
        ("Because State 3 and State 2 are wrong, I go back to State 1.", 1),
        ("Backtrack to State 2, since State 3 is wrong.", 2),
        ("Backtrack to State 4.", None),
        ("Backtrack to State 9.", None),
        ("Backtrack to State -1.", None),
        ("Backtrack to State two.", None),
        ("Backtrack to State ٢.", None),
        ("Backtrack to State 2000000000000000000002.", None),
        ("Backtrack to State 2x.", None),
        ("Interstate 2", None),
        ("", None),
        ("State " * 50_000, None),
        ("State" + " " * 200_000 + "2", None),
    ],
)
def test_what_a_backtrack_says_is_where_it_leads(output: str, target: int | None) -> None:
    tree = StateTree()
    for number in (1, 2, 3):
        tree.add(Action.SOLVE_SUBQUESTION, number)
    tree.add(Action.BACKTRACK, 4)
    assert tree.backtrack(output) == target
    assert tree.tip == (4 if target is None else target)


def test_states_unknown_to_the_tree_are_key_errors() -> None:
    tree = StateTree()
    with pytest.raises(KeyError):
        tree.node(0)
    with pytest.raises(KeyError):
        tree.state(5)
    assert tree.state().chain == (0,)


def test_a_side_branch_keeps_its_chain() -> None:
    tree = StateTree()
    tree.add(Action.FORMALIZE, 1)
    tree.add(Action.SOLVE_SUBQUESTION, 2)
    tree.add(Action.VERIFY, 3)
    tree.add(Action.BACKTRACK, 4)
    tree.backtrack("Backtrack to State 1.")
    tree.add(Action.SOLVE_SUBQUESTION, 5)
    assert tree.state().chain == (0, 1, 5)
    assert tree.state(4).chain == (0, 1, 2, 3, 4)
