"""The states of a solution as a tree that grows, like a history of commits.

    ● State 1  Formalize
    │ m = 48 / 2
    ├─● State 2  Solve Subquestion  ✗ refuted
    │ │ m = 48 / 2 = 26
    │ │ ✗ 48 / 2 = 26  —  it is 24
    │ ● State 3  Backtrack
    │   Backtrack to State 1.
    ● State 4  Solve Subquestion  ✓ verified
      m = 48 / 2 = 24

A state's newest child goes on in its column; what it takes the place of, and what other paths do,
branches off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.text import Text

from statespace.actions import LABELS
from statespace.events import TransitionDelta, TransitionStarted
from statespace.trace import Origin, Transition, Verdict
from statewise.terminal import visible
from statewise.view_style import COLOURS, VERDICTS

MAX_DEPTH: Final = 12
"""Branches of branches that are shown."""
MIN_WIDTH: Final = 16
TAIL: Final = 400
"""Characters of an open output that are shown."""


@dataclass(slots=True)
class _Open:
    started: TransitionStarted
    output: str = ""


class Tree:
    """States as they come."""

    def __init__(self) -> None:
        self.several = False
        self._children: dict[int, list[int]] = {}
        self._open: dict[int, _Open] = {}
        self._done: dict[int, Transition] = {}

    def clear(self) -> None:
        """It begins anew."""
        self._children.clear()
        self._open.clear()
        self._done.clear()

    def started(self, event: TransitionStarted) -> None:
        """A state begins."""
        self._place(event.parent, event.id)
        self._open[event.id] = _Open(event)

    def grown(self, event: TransitionDelta) -> None:
        """More of a state."""
        if (found := self._open.get(event.id)) is not None:
            found.output = found.output[: event.offset] + event.delta

    def completed(self, transition: Transition) -> None:
        """A state is complete."""
        self._open.pop(transition.id, None)
        self._place(transition.parent, transition.id)
        self._done[transition.id] = transition

    def ended(self, path: int | None = None) -> None:
        """What is open is given up: all of it, or on one path."""
        for state, found in list(self._open.items()):
            if path in (None, found.started.path):
                del self._open[state]
                self._children[found.started.parent].remove(state)

    def lines(self, console: Console, kept: Callable[[int], bool] = lambda _: True) -> list[Text]:
        """The whole tree; states that are not `kept` are dim."""
        found: list[Text] = []
        first = self._children.get(0, [])
        for number, state in enumerate(first):
            last = number == len(first) - 1
            if last and not self.several:
                found += self._chain(state, "", console, kept)
            else:
                found += self._branch(state, "", console, kept, last=last)
        return found

    def _place(self, parent: int, state: int) -> None:
        siblings = self._children.setdefault(parent, [])
        if state not in siblings:
            siblings.append(state)

    def _branch(
        self, state: int, guide: str, console: Console, kept: Callable[[int], bool], *, last: bool
    ) -> Iterator[Text]:
        inner = guide + ("  " if last else "│ ")
        if len(inner) > 2 * MAX_DEPTH:
            yield Text(f"{guide}{'╰' if last else '├'}─…", "dim")
            return
        for number, line in enumerate(self._chain(state, inner, console, kept)):
            if number == 0:
                corner = Text(f"{guide}{'╰' if last else '├'}─", "dim")
                yield Text.assemble(corner, line[len(inner) :])
            else:
                yield line

    def _chain(
        self, state: int | None, guide: str, console: Console, kept: Callable[[int], bool]
    ) -> Iterator[Text]:
        """A state, its branches, and what goes on in its column."""
        while state is not None:
            children = self._children.get(state, [])
            yield from self._block(state, guide, console, kept, goes_on=bool(children))
            for other in children[:-1]:
                yield from self._branch(other, guide, console, kept, last=False)
            state = children[-1] if children else None

    def _block(
        self,
        state: int,
        guide: str,
        console: Console,
        kept: Callable[[int], bool],
        *,
        goes_on: bool,
    ) -> Iterator[Text]:
        dot = "●" if state in self._done else "○"
        head = Text.assemble((guide, "dim"), (f"{dot} ", "dim"), self._head(state))
        body = Text.assemble(*self._body(state))
        if not kept(state):
            for text in (head, body):
                text.stylize("dim strike" if text is head else "dim")
        yield head
        inside = f"{guide}{'│ ' if goes_on else '  '}"
        width = max(MIN_WIDTH, console.width - len(inside))
        for line in body.wrap(console, width, overflow="fold") if body else ():
            yield Text.assemble((inside, "dim"), line)

    def _head(self, state: int) -> Text:
        done = self._done.get(state)
        if done is None:
            started = self._open[state].started
            path, number, action = started.path, started.number, started.action
            label = LABELS.get(action, "?")
        else:
            path, number, action, label = done.path, done.number, done.action, done.label
        shown = "?" if number is None else number
        head = Text.assemble((f"State {shown}  ", ""), (visible(label), f"bold {COLOURS[action]}"))
        if self.several:
            head = Text.assemble((f"Path {path} · ", "dim"), head)
        if done is not None:
            mark, style = VERDICTS[done.verdict]
            head.append(f"  {mark}" if mark else "", style)
            if done.origin is not Origin.MODEL:
                head.append(f"  by the {done.origin}", "dim")
            if not done.legal:
                head.append("  (not allowed here)", "red")
            head.append(f"  {done.tokens} tokens · {done.seconds:.1f} s", "dim")
        return head

    def _body(self, state: int) -> Iterator[Text]:
        done = self._done.get(state)
        if done is None:
            yield Text(visible(self._open[state].output[-TAIL:]), "dim")
            return
        yield Text(visible(done.output))
        for check in done.checks:
            if check.verdict is Verdict.REFUTED:
                yield Text(visible(f"\n✗ {check.claim}  —  it is {check.computed}"), "red")
