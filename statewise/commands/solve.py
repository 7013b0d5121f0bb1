"""`statewise solve`."""

from __future__ import annotations

from rich.console import Console
from rich.status import Status
from rich.text import Text

from statespace.events import Event
from statespace.solutions import SolutionRequest
from statewise.client import Client, ServerError, parse
from statewise.failures import BAD_INPUT, NO_SERVER, NOT_SOLVED, fail
from statewise.servers import for_one_call
from statewise.terminal import print_utf8
from statewise.view import SolutionView, is_solved


def solve_command(
    request: SolutionRequest, *, url: str | None, model: str | None, as_json: bool
) -> int:
    """Solve one problem; the exit code is 0 only if it was solved."""
    with (
        Status("looking for a server", console=Console(stderr=True)) as status,
        for_one_call(url, model, lambda phase: status.update(Text(f"server: {phase}"))) as found,
    ):
        status.stop()
        try:
            with Client(found) as client:
                last = print_json(client, request) if as_json else show(client, request)
        except ServerError as error:
            fail(str(error), NO_SERVER if error.status is None else BAD_INPUT)
    return 0 if last is not None and is_solved(last) else NOT_SOLVED


def show(client: Client, request: SolutionRequest) -> Event | None:
    """Show the solution live; the last event. Raises `ServerError`."""
    console = Console()
    last = None
    with SolutionView(console) as view:
        for event in client.events(request):
            view.show(event)
            last = event
    return last


def print_json(client: Client, request: SolutionRequest) -> Event | None:
    """Print each event's JSON on a line of its own; the last event. Raises `ServerError`."""
    print_utf8()
    line = None
    for line in client.lines(request):
        print(line, flush=True)
    return None if line is None else parse(line)
