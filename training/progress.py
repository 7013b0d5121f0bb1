"""Progress of a run: a bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Report:
    """Where a run says what it is doing. A context manager."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Report:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """One line of text."""
        self.console.print(text, markup=False, highlight=False)

    def begin(self, what: str, total: int, done: int = 0) -> TaskID:
        """A new bar."""
        return self._bar.add_task(what, total=total, completed=done, note="")

    def advance(self, task: TaskID, count: int = 1) -> None:
        """Moves a bar on."""
        self._bar.advance(task, count)

    def note(self, task: TaskID, text: str) -> None:
        """The text beside a bar; without a terminal, a line of its own."""
        self._bar.update(task, note=text)
        if not self.console.is_terminal:
            self.say(text)
