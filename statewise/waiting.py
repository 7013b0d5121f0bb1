"""What is seen while a server is looked for, or starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from statewise.servers import for_one_call
from statewise.terminal import visible


class Waiting:
    """Takes the phases of a start: a live line on a terminal, else a line when one begins.

    Of a server that is ready already nothing is told there.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("server: looking", console=console)
        self._phase = ""

    def __enter__(self) -> Waiting:
        """Begin to show it."""
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show it no more."""
        self.stop()

    def __call__(self, said: str) -> None:
        """A phase, and what else is known of it in brackets."""
        said = visible(said)
        if self._console.is_terminal:
            self._status.update(Text(f"server: {said}"))
            return
        phase = said.rpartition(" (")[0] or said
        if phase not in (self._phase, "ready"):
            self._phase = phase
            self._console.print(Text(f"server: {phase}"), soft_wrap=True)

    def stop(self) -> None:
        """Show it no more: what is printed next has the line."""
        self._status.stop()


@contextmanager
def found_server(
    url: str | None, model: str | None, console: Console | None = None
) -> Iterator[str]:
    """The URL of the named server, of a running one, or of one started for this call.

    If there is none, says so and exits.
    """
    waiting = Waiting(console or Console(stderr=True))
    with waiting, for_one_call(url, model, waiting) as found:
        waiting.stop()
        yield found
