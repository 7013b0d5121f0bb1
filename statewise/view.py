"""A solution in the terminal, as it is made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from statespace.actions import Action
from statespace.events import (
    Ended,
    Event,
    PathCompleted,
    SolutionCreated,
    SolutionInProgress,
    TextCompleted,
    TransitionCompleted,
    TransitionDelta,
    TransitionStarted,
)
from statespace.solutions import Solution, Status
from statespace.trace import Origin, Transition, Verdict
from statewise.outcome import doubts, hint, holds
from statewise.terminal import visible
from statewise.view_style import COLOURS, REASONS, VERDICTS
from statewise.view_tree import Tree

REDRAW_S: Final = 0.1


class SolutionView:
    """Shows events. On a terminal the tree grows in place and stays when it is whole; elsewhere,
    and on a dumb one, every finished transition is printed below the last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._drawn_at = 0.0
        self._tree = Tree()
        self._paths: list[Text] = []
        self._begun = False

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case SolutionCreated(solution=solution):
                self._tree.several = solution.has_several
            case SolutionInProgress(solution=solution):
                if self._begun:
                    self._again(solution.transitions)
                self._begun = True
            case TransitionStarted():
                self._tree.started(event)
            case TransitionDelta():
                self._tree.grown(event)
            case TransitionCompleted(transition=transition):
                self._tree.completed(transition)
                if not self._live.is_started:
                    self._console.print(finished(transition, path=self._tree.several))
            case PathCompleted():
                self._tree.ended(event.path)
                told = "no answer" if event.answer is None else event.answer
                self._path(Text(visible(f"  Path {event.path}: {told}"), "dim"))
            case TextCompleted(text=text):
                self._console.print(Padding(Text(visible(text)), (0, 2)))
            case _ if isinstance(event, Ended):
                self._end(event.solution)
                return
        if self._live.is_started and time.monotonic() - self._drawn_at > REDRAW_S:
            lines = self._tree.lines(self._console)
            # What is above the screen cannot be drawn again.
            shown = Group(*lines[-max(1, self._console.height - 2) :])
            self._live.update(shown, refresh=True)
            self._drawn_at = time.monotonic()

    def _again(self, standing: Sequence[Transition]) -> None:
        told = "goes on from its last complete state" if standing else "begins anew"
        self._console.print(Text(f"  Its server was lost; it {told}.", "yellow"))
        self._tree.clear()
        self._paths.clear()
        for transition in standing:
            self._tree.completed(transition)

    def _end(self, solution: Solution) -> None:
        self._tree.ended()
        if self._live.is_started:
            self._live.update("", refresh=True)
            self._live.stop()
            states = solution.answer_states
            kept = states.__contains__ if states else lambda _: True
            for line in [*self._tree.lines(self._console, kept), *self._paths]:
                self._console.print(line, no_wrap=True, crop=False, overflow="ignore")
        self._console.print(ending(solution))

    def _path(self, told: Text) -> None:
        """Below the tree, where there is one."""
        if self._live.is_started:
            self._paths.append(told)
        else:
            self._console.print(told)


def finished(transition: Transition, *, path: bool = False) -> Table:
    """A finished transition: its head and verdict, its output, and what was refuted in it.

    With `path` its head says which path it is on.
    """
    mark, style = VERDICTS[transition.verdict]
    head = _head(transition.number, transition.action, transition.label)
    if path:
        head = _on_path(transition.path, head)
    if transition.origin is not Origin.MODEL:
        head.append(f"  by the {transition.origin}", "dim")
    if not transition.legal:
        head.append("  (not allowed here)", "red")
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(width=1)
    row.add_column(ratio=1)
    row.add_column(justify="right", width=10)
    row.add_row("", head, Text(mark, style))
    row.add_row("", Text(visible(transition.output)), "")
    for check in transition.checks:
        if check.verdict is Verdict.REFUTED:
            told = f"✗ {check.claim}  —  it is {check.computed}"
            row.add_row("", Text(visible(told), "red"), "")
    row.add_row("", "", "")
    return row


def ending(solution: Solution) -> Table:
    """The last lines: the answer or why there is none, and what it cost."""
    row = Table.grid(padding=(0, 1))
    row.add_column(width=1)
    if solution.status is Status.COMPLETED and solution.answer is not None:
        found = doubts(solution)
        style = ("yellow" if found else "green") if holds(solution) else "red"
        answer = (visible(solution.answer), f"bold {style}")
        row.add_row("", Text.assemble(("Answer: ", "bold"), answer))
        for doubt in found:
            row.add_row("", Text(doubt, style))
    elif solution.status is Status.COMPLETED:
        row.add_row("", Text("The model answered in plain text, without states.", "yellow"))
    else:
        row.add_row("", Text(visible(f"Not solved: {_why(solution)}."), "bold red"))
    if (said := hint(solution)) is not None:
        well = solution.answer is not None and not doubts(solution)
        row.add_row("", Text(said, "dim" if well else "yellow"))
    seconds = (solution.completed_at or solution.created_at) - solution.created_at
    cost = f"{len(solution.transitions)} transitions · {solution.usage.completion_tokens} tokens"
    row.add_row("", Text(f"{cost} · {seconds:.1f} s · {visible(solution.model)}", "dim"))
    return row


def _why(solution: Solution) -> str:
    if solution.error is not None:
        return solution.error.message
    if solution.incomplete_reason is not None:
        return REASONS[solution.incomplete_reason]
    return solution.status.value


def _on_path(path: int, head: Text) -> Text:
    return Text.assemble((f"Path {path} · ", "dim"), head)


def _head(number: int | None, action: Action, label: str) -> Text:
    shown = "?" if number is None else number
    return Text.assemble((f"State {shown}  ", "dim"), (visible(label), f"bold {COLOURS[action]}"))
