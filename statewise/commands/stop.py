"""`statewise stop`."""

from __future__ import annotations

import psutil
from rich.console import Console

from app.processes import Process, end_orphans, running
from statewise.failures import NOT_SOLVED
from statewise.servers import LOG_PREFIX, STOP_S, state_dir


def stop_command() -> int:
    """End the servers of this machine, as SIGTERM does, and what dead ones have left; 0 if gone."""
    console = Console()
    folder = state_dir()
    found = list(running(folder))
    left = 0
    for record in found:
        if _stop(record.server):
            told = f"stopped {record.model} at {record.url}"
        else:
            left += 1
            told = f"{record.url} (process {record.server.pid}) has not ended after {STOP_S:.0f} s"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    if not found:
        console.print("no server runs here")
    end_orphans(folder)
    if not left:
        for log in folder.glob(f"{LOG_PREFIX}*.log"):
            log.unlink(missing_ok=True)
    return NOT_SOLVED if left else 0


def _stop(server: Process) -> bool:
    process = server.find()
    try:
        if process is not None:
            process.terminate()
            process.wait(STOP_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True
