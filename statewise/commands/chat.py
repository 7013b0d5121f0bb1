"""`statewise chat`: one problem after the other, each line one; lines with a slash are commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from statespace.solutions import Solution
from statewise.client import Client, EventStream, ServerError
from statewise.client.calls import SolveOptions
from statewise.commands.solve import show
from statewise.failures import NO_SERVER, fail
from statewise.terminal import visible
from statewise.waiting import found_server

HELP: Final = """\
A line is a problem. Ctrl-C ends it, Ctrl-D the session.
/strategy NAME     how the next problems are solved: single, guided, vote-8, beam; nothing: which
/model NAME        who solves them; nothing: which there are
/fork N [OUTPUT]   go on from State N of the last solution, which may say OUTPUT instead
/again             the last problem once more
/quit              the end
"""
PROMPT: Final = "> "


def chat_command(*, url: str | None, model: str | None, strategy: str) -> int:
    """A session; 0 when it is left."""
    with found_server(url, model) as found, Client(found) as client:
        try:
            named = client.models()[0].id
        except ServerError as error:
            fail(str(error), NO_SERVER)
        session = Session(client, named, strategy)
        for line in _lines():
            if not session.take(line.strip()):
                break
    return 0


class Session:
    """What was said so far."""

    def __init__(self, client: Client, model: str, strategy: str) -> None:
        self.console = Console()
        self._client = client
        self._model = model
        self._strategy = strategy
        self._question: str | None = None
        self._last: Solution | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "/strategy": self._set_strategy,
            "/model": self._set_model,
            "/fork": self._fork,
            "/again": self._again,
            "/help": lambda _: self._say(HELP),
        }
        self._say(f"{model} at {client.url}; /help says what can be typed")

    def take(self, line: str) -> bool:
        """Do what a line says; whether the session goes on."""
        if line == "/quit":
            return False
        name, _, rest = line.partition(" ")
        if (command := self._commands.get(name)) is not None:
            command(rest.strip())
        elif line.startswith("/"):
            self._say(f"{name} is no command; /help says which there are")
        elif line:
            self._solve(line)
        return True

    def _solve(self, question: str) -> None:
        self._question = question
        options: SolveOptions = {
            "model": self._model,
            "strategy": self._strategy,
            "deltas": True,
        }
        self._run(lambda: self._client.stream(question, **options))

    def _again(self, _: str) -> None:
        if self._question is None:
            self._say("there is no problem yet")
        else:
            self._solve(self._question)

    def _fork(self, rest: str) -> None:
        number, _, output = rest.partition(" ")
        last = self._last
        state = None if last is None else _state(last, number)
        if last is None or state is None:
            told = "no solution has ended yet" if last is None else f"no State {number!r} is in it"
            self._say(f"{told}; /fork N goes on from State N of the last one")
            return
        written, strategy = output.strip() or None, self._strategy
        self._run(
            lambda: self._client.stream_fork(
                last.id, state, written, strategy=strategy, deltas=True
            )
        )

    def _set_strategy(self, name: str) -> None:
        self._strategy = name or self._strategy
        self._say(f"strategy: {self._strategy}")

    def _set_model(self, name: str) -> None:
        if name:
            self._model = name
            self._say(f"model: {name}")
            return
        with self._said():
            for model in self._client.models():
                self._say(f"{'* ' if model.id == self._model else '  '}{model.id}")

    def _run(self, begin: Callable[[], EventStream]) -> None:
        """Show a solution to its end; Ctrl-C ends it and not the session."""
        with self._said():
            try:
                with begin() as stream:
                    show(stream)
                    self._last = stream.solution or self._last
            except KeyboardInterrupt:
                self._say("cancelled")

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Errors are said, and the session goes on."""
        try:
            yield
        except ServerError as error:
            self._say(f"error: {error}")
        except ValidationError as error:
            self._say(f"error: {error.errors()[0]['msg']}")

    def _say(self, told: str) -> None:
        self.console.print(Text(visible(told), "dim"), soft_wrap=True, highlight=False)


def _state(solution: Solution, number: str) -> int | None:
    """The state that is shown as State `number`: that of the answer before dead ends."""
    if number == "0":
        return 0
    found = [one.id for one in solution.transitions if str(one.number) == number]
    kept = [state for state in found if state in solution.answer_states]
    either = kept or found
    return either[-1] if either else None


def _lines() -> Iterator[str]:
    """What is typed, or what is piped in."""
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - `input` then knows arrows and its own history
    while True:
        try:
            yield input(PROMPT)
        except EOFError:
            return
        except KeyboardInterrupt:
            print()
