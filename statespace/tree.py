"""The tree of states: where each transition grows from, and whether it was allowed there.

A Backtrack names an earlier state and the next transition grows from that one, so a run is a tree;
its `path` is the chain from state 0 to the newest state. States are named by ids that the tree
gives out; the numbers that a model writes may repeat and are resolved against the current path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from statespace.actions import START_SUCCESSORS, SUCCESSORS, Action
from statespace.trace import State

_STATE: Final = r"\bstate\s{1,4}([0-9]{1,9})\b"
_TARGETS: Final = (
    # "State 3 is wrong. Backtrack to State 2." also names the state that it leaves.
    re.compile(
        r"\b(?:back|backtrack|go|return|revert)\s{1,4}to\s{1,4}[*_]{0,3}" + _STATE, re.A | re.I
    ),
    re.compile(_STATE, re.A | re.I),
)
"""What names a Backtrack's target, the plainest wording first."""


@dataclass(frozen=True, slots=True)
class Node:
    """A placed transition: its state id, what it grows from and whether that is allowed."""

    id: int
    parent: int
    number: int | None
    action: Action
    legal: bool


class StateTree:
    """Places transitions one after another. State 0, the question, is there from the start."""

    def __init__(self) -> None:
        self._nodes: dict[int, Node] = {}
        self._successors: dict[int, frozenset[Action]] = {0: START_SUCCESSORS}
        self._tip = 0  # the state that the next transition grows from
        self._newest = 0

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def tip(self) -> int:
        """The state that the next transition will grow from."""
        return self._tip

    def node(self, state: int) -> Node:
        """The transition that made `state`. Raises `KeyError` for 0 and for unknown states."""
        return self._nodes[state]

    def ancestors(self, state: int) -> Iterator[Node]:
        """The transitions that led to `state`, newest first."""
        while state:
            node = self._nodes[state]
            yield node
            state = node.parent

    def state(self, state: int | None = None) -> State:
        """`state` with its chain; by default the newest one, whose chain is the path."""
        newest = self._tip if state is None else state
        chain = [node.id for node in self.ancestors(newest)]
        return State(id=newest, chain=(0, *reversed(chain)))

    def add(self, action: Action, number: int | None = None) -> Node:
        """Place a transition that begins. A Backtrack must be ended by `backtrack`."""
        node = Node(self._newest + 1, self._tip, number, action, self._allows(action))
        self._nodes[node.id] = node
        # Verify, a lost Backtrack and unknown actions are transparent.
        self._successors[node.id] = SUCCESSORS.get(action, self._successors[node.parent])
        self._tip = self._newest = node.id
        return node

    def backtrack(self, output: str) -> int | None:
        """End the newest transition, a Backtrack, with its output; returns the state it names.

        The number is looked up on the path that led to the Backtrack, latest first; 0 is the
        question. If it names none of them the answer is None and the path goes on.
        """
        source = self._nodes[self._tip]
        target = self._resolve(output, source.parent)
        if target is not None:
            self._tip = target
        return target

    def _resolve(self, output: str, state: int) -> int | None:
        found = next((found for pattern in _TARGETS if (found := pattern.search(output))), None)
        if found is None:
            return None
        number = int(found[1])
        for node in self.ancestors(state):
            if node.number == number:
                return node.id
        return 0 if number == 0 else None

    def _allows(self, action: Action) -> bool:
        previous = self._nodes[self._newest].action if self._newest else None
        if action is Action.BACKTRACK:
            return previous is Action.VERIFY
        if action is Action.VERIFY and previous is Action.BACKTRACK:
            return False
        return action in self._successors[self._tip]
