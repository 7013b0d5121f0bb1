"""`statewise stop`."""

from __future__ import annotations

from rich.console import Console

from app.processes import end_orphans, running
from app.settings import Settings
from statewise.failures import NOT_SOLVED

STOP_S = 30.0


def stop_command() -> int:
    """End the servers of this machine, as SIGTERM does, and what dead ones have left; 0 if gone."""
    console = Console()
    folder = Settings().state_dir
    left = 0
    for record in running(folder):
        process = record.server.find()
        if process is None:
            continue
        process.terminate()
        try:
            process.wait(STOP_S)
            console.print(f"stopped {record.model} at {record.url}", highlight=False)
        except TimeoutError:
            left += 1
            console.print(f"{record.url} (process {process.pid}) has not ended after {STOP_S} s")
    end_orphans(folder)
    return NOT_SOLVED if left else 0
