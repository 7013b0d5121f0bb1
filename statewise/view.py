"""A solution in the terminal, as it is made."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from statespace.actions import LABELS, Action
from statespace.events import (
    Ended,
    Event,
    PathCompleted,
    SolutionCompleted,
    SolutionCreated,
    TextCompleted,
    TransitionCompleted,
    TransitionDelta,
    TransitionStarted,
)
from statespace.solutions import IncompleteReason, Solution, Status
from statespace.trace import Origin, Transition, Verdict
from statewise.terminal import visible

COLOURS: Final = MappingProxyType(
    {
        Action.FORMALIZE: "cyan",
        Action.DECOMPOSE: "magenta",
        Action.SOLVE_SUBQUESTION: "blue",
        Action.SOLVE_PARENT: "bright_blue",
        Action.VERIFY: "yellow",
        Action.BACKTRACK: "bright_yellow",
        Action.SUMMARIZE: "green",
        Action.OTHER: "red",
    }
)
VERDICTS: Final = MappingProxyType(
    {
        Verdict.VERIFIED: ("✓ verified", "green"),
        Verdict.REFUTED: ("✗ refuted", "bold red"),
        Verdict.UNCHECKED: ("", "dim"),
    }
)
REASONS: Final = MappingProxyType(
    {
        IncompleteReason.NO_ANSWER: "the model stopped without stating an answer",
        IncompleteReason.MAX_TOKENS: "the token limit was reached",
        IncompleteReason.MAX_TRANSITIONS: "the transition limit was reached",
        IncompleteReason.DEADLINE: "the time was up",
        IncompleteReason.REPETITION: "the model began to repeat itself",
        IncompleteReason.SHUTDOWN: "the server is shutting down",
    }
)

MAX_OPEN: Final = 6
"""Open transitions that are shown at a time."""


class SolutionView:
    """Shows events; finished transitions stay on the screen, the open one grows below them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=12, transient=True)
        self._open: dict[int, TransitionStarted] = {}
        self._outputs: dict[int, str] = {}
        self._several = False

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case SolutionCreated(solution=solution):
                self._several = solution.has_several
            case TransitionStarted():
                self._open[event.id], self._outputs[event.id] = event, ""
                self._refresh()
            case TransitionDelta():
                before = self._outputs.get(event.id, "")
                self._outputs[event.id] = before[: event.offset] + event.delta
                self._refresh()
            case TransitionCompleted(transition=transition):
                self._open.pop(transition.id, None)
                self._outputs.pop(transition.id, None)
                self._live.update("", refresh=True)
                self._console.print(finished(transition, path=self._several))
                self._refresh()
            case PathCompleted():
                for state in [
                    state for state, open in self._open.items() if open.path == event.path
                ]:
                    del self._open[state]
                told = "no answer" if event.answer is None else event.answer
                self._console.print(Text(visible(f"  Path {event.path}: {told}"), "dim"))
            case TextCompleted(text=text):
                self._console.print(Padding(Text(visible(text)), (0, 2)))
            case _ if isinstance(event, Ended):
                self._live.update("", refresh=True)
                self._console.print(ending(event.solution))

    def _refresh(self) -> None:
        if self._open and self._live.is_started:
            row = Table.grid(padding=(0, 1))
            for state, started in list(self._open.items())[:MAX_OPEN]:
                head = _head(started.number, started.action, LABELS.get(started.action, "?"))
                if self._several:
                    head = _on_path(started.path, head)
                row.add_row(Spinner("dots"), head)
                row.add_row("", Text(visible(self._outputs[state]), style="dim"))
            self._live.update(row)


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
        style = "bold green" if holds(solution) else "bold red"
        row.add_row("", Text.assemble(("Answer: ", "bold"), (visible(solution.answer), style)))
        if not holds(solution):
            row.add_row("", Text("A step that it rests on is wrong: do not trust it.", "red"))
    elif solution.status is Status.COMPLETED:
        row.add_row("", Text("The model answered in plain text, without states.", "yellow"))
    else:
        row.add_row("", Text(visible(f"Not solved: {_why(solution)}."), "bold red"))
    seconds = (solution.completed_at or solution.created_at) - solution.created_at
    cost = f"{len(solution.transitions)} transitions · {solution.usage.completion_tokens} tokens"
    row.add_row("", Text(f"{cost} · {seconds:.1f} s · {visible(solution.model)}", "dim"))
    return row


def is_solved(event: Event) -> bool:
    """Whether this end event states an answer, and no refuted transition is on its path."""
    if not isinstance(event, SolutionCompleted):
        return False
    return event.solution.answer is not None and holds(event.solution)


def holds(solution: Solution) -> bool:
    """Whether nothing that the answer rests on is refuted; dead ends do not count."""
    states = solution.answer_states
    return not any(
        transition.verdict is Verdict.REFUTED
        for transition in solution.transitions
        if transition.id in states
    )


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
