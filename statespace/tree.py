"""The tree of states: where each transition grows from, and whether it was allowed there.

A Backtrack names an earlier state and the next transition grows from that one, so a run is a tree;
its `path` is the chain from state 0 to the newest state. States are named by ids that the tree
gives out; the numbers that a model writes may repeat and are resolved against the current path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
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


_NONE: Final[frozenset[Action]] = frozenset()


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

    def __init__(self, ids: Iterator[int] | None = None) -> None:
        """`ids` gives the states' ids; trees of one solution share it."""
        self._ids = count(1) if ids is None else ids
        self._nodes: dict[int, Node] = {}
        self._successors: dict[int, frozenset[Action]] = {0: START_SUCCESSORS}
        self._tip = 0  # the state that the next transition grows from
        self._previous: Action | None = None  # what was written last

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
        node = Node(next(self._ids), self._tip, number, action, self._allows(action))
        self.place(node)
        return node

    def place(self, node: Node, target: int | None = None) -> None:
        """Put in a transition that has its place; `target` is a Backtrack's."""
        self._nodes[node.id] = node
        # Verify, a lost Backtrack and unknown actions are transparent.
        self._successors[node.id] = SUCCESSORS.get(node.action, self._successors[node.parent])
        self._tip = node.id if target is None else target
        self._previous = node.action

    def branch(self, state: int) -> StateTree:
        """Another tree that holds what led to `state` and grows from there, with the same ids."""
        other = StateTree(self._ids)
        for node in reversed(list(self.ancestors(state))):
            other.place(node)
        if state == self._tip:  # it may be a Backtrack that was written last, and that led here
            other._previous = self._previous
        return other

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

    def allowed(self) -> frozenset[Action]:
        """What the next transition may be."""
        return frozenset(action for action in Action if self._allows(action))

    def targets(self) -> Iterator[int]:
        """What a Backtrack could name to go on from: written numbers on the path, newest first."""
        seen: set[int | None] = {None, 0}
        for node in self.ancestors(self._tip):
            if node.number not in seen and SUCCESSORS.get(node.action, _NONE) > {Action.VERIFY}:
                yield node.number or 0
            seen.add(node.number)
        yield 0

    def named(self, number: int, state: int) -> int | None:
        """The state that is written as `number` on the path to `state`, the latest if several."""
        for node in self.ancestors(state):
            if node.number == number:
                return node.id
        return 0 if number == 0 else None

    def _resolve(self, output: str, state: int) -> int | None:
        found = next((found for pattern in _TARGETS if (found := pattern.search(output))), None)
        if found is None:
            return None
        return self.named(int(found[1]), state)

    def _allows(self, action: Action) -> bool:
        if action is Action.BACKTRACK:
            return self._previous is Action.VERIFY
        if action is Action.VERIFY and self._previous is Action.BACKTRACK:
            return False
        return action in self._successors[self._tip]
