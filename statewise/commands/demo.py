"""`statewise demo`: the shipped reasoner on a problem, with one command."""

from __future__ import annotations

from rich.console import Console
from rich.panel import Panel

from app.settings import Settings
from statespace.solutions import SolutionRequest
from statewise.client import Client, ServerError
from statewise.commands.solve import show
from statewise.failures import NO_SERVER, NOT_SOLVED, checked, fail
from statewise.outcome import is_solved
from statewise.servers import Child, find, wait_ready
from statewise.waiting import Waiting

PROBLEM = (
    "A baker makes 6 trays of muffins with 8 muffins on each tray. He sells 30 muffins. "
    "How many muffins are left?"
)


def demo_command(port: int) -> int:
    """Solve a problem on a server that is left running; 0 if it was solved."""
    console = Console()
    url = _server(console, port)
    console.print(Panel(PROBLEM, title="Problem", title_align="left", width=90))
    request = SolutionRequest(question=PROBLEM, deltas=True)
    try:
        with Client(url) as client, client.stream(request) as stream:
            last = show(stream)
    except ServerError as error:
        fail(str(error), NO_SERVER)
    console.print(
        f"\nThe server goes on at [bold]{url}[/].\n"
        'Your own problem:  [bold].venv/bin/statewise solve "…"[/]\n'
        f"As events:         [bold]curl -N {url}/v1/solutions -H 'content-type: application/json' "
        """-d '{"question": "What is 12 * 7?", "stream": true}'[/]\n"""
        "Stop the server:   [bold]make stop[/]",
        highlight=False,
        soft_wrap=True,
    )
    return 0 if last is not None and is_solved(last) else NOT_SOLVED


def _server(console: Console, port: int) -> str:
    model = checked(Settings).served_name
    with Waiting(console) as progress:
        try:
            if (record := find(model=model)) is not None:
                return wait_ready(record, progress)
            child = Child.start(["--port", str(port)])
            try:
                return child.wait(progress)
            except BaseException:
                child.stop()  # nobody knows of it yet
                raise
        except ServerError as error:
            fail(str(error), NO_SERVER)
