"""`statewise solve`."""

from __future__ import annotations

from rich.console import Console

from statespace.events import Event
from statespace.solutions import SolutionRequest
from statewise.client import Client, EventStream, ServerError
from statewise.failures import BAD_INPUT, NO_SERVER, NOT_SOLVED, fail
from statewise.outcome import is_solved
from statewise.terminal import one_line, print_utf8
from statewise.view import SolutionView
from statewise.waiting import found_server


def solve_command(
    request: SolutionRequest, *, url: str | None, model: str | None, as_json: bool
) -> int:
    """Solve one problem; the exit code is 0 only if it was solved."""
    with found_server(url, model) as found:
        try:
            # Ctrl-C and SIGTERM leave the block, which ends the solution.
            with Client(found) as client, client.stream(request) as stream:
                return exit_code(print_json(stream) if as_json else show(stream))
        except ServerError as error:
            fail(str(error), NO_SERVER if error.status is None else BAD_INPUT)


def exit_code(last: Event | None) -> int:
    """0 if the last event of a solution says that it is solved."""
    return 0 if last is not None and is_solved(last) else NOT_SOLVED


def show(stream: EventStream) -> Event | None:
    """Show a solution live; the last event. Raises `ServerError`."""
    last = None
    with SolutionView(Console()) as view:
        for event in stream:
            view.show(event)
            last = event
    return last


def print_json(stream: EventStream) -> Event | None:
    """Print each event's JSON on a line of its own; the last event. Raises `ServerError`."""
    print_utf8()
    last = None
    for event in stream:
        print(one_line(event.model_dump_json()), flush=True)
        last = event
    return last
