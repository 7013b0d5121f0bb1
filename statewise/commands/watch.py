"""`statewise watch`: a solution that is being made somewhere, or was."""

from __future__ import annotations

from statewise.client import Client, ServerError
from statewise.commands.solve import exit_code, print_json, show
from statewise.failures import BAD_INPUT, NO_SERVER, fail
from statewise.waiting import found_server


def watch_command(solution_id: str, *, url: str | None, as_json: bool) -> int:
    """Follow a solution to its end; leaving does not end it. 0 only if it was solved."""
    with found_server(url, None) as found:
        try:
            with Client(found) as client, client.follow(solution_id) as stream:
                return exit_code(print_json(stream) if as_json else show(stream))
        except ServerError as error:
            fail(str(error), NO_SERVER if error.status is None else BAD_INPUT)
