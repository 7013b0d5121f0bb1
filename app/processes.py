"""Which servers run on this machine, and the processes that each has started.

A server that is killed cannot end its engine process, which then keeps gigabytes of memory. So
every server writes a record with the id and start time of itself and of its children; the next
start ends what a dead server has left behind, and nothing else: ids are reused, start times not.
"""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import psutil
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

logger = structlog.get_logger(__name__)

KILL_AFTER_S: Final = 3.0


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


class Process(BaseModel):
    """A process, named so that a later one with the same id is not taken for it."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float
    """Seconds from the machine's boot; see `_started`."""
    boot: str = Field(default_factory=_boot)

    @classmethod
    def of(cls, process: psutil.Process) -> Process:
        """The running `process`. Raises `psutil.NoSuchProcess`."""
        return cls(pid=process.pid, started=_started(process))

    def find(self) -> psutil.Process | None:
        """The process itself, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            same = self.boot == _boot() and abs(_started(process) - self.started) < 0.05
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class ServerRecord(BaseModel):
    """A server as its record file describes it."""

    model_config = ConfigDict(frozen=True)

    server: Process
    url: str
    model: str
    engine: str
    children: tuple[Process, ...] = ()


class Registration:
    """The record file of this process. Written at start, removed at the end."""

    def __init__(self, folder: Path, *, url: str, model: str, engine: str) -> None:
        self._record = ServerRecord(
            server=Process.of(psutil.Process()), url=url, model=model, engine=engine
        )
        self._path = folder / f"{self._record.server.pid}.json"
        self._lock = threading.RLock()
        self._removed = False
        self._written = False

    def write(self) -> None:
        """Write the record, whole or not at all. Raises `OSError`."""
        self._written = False
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A file of its own, readable by us alone, that follows no link another user may have laid.
        number, scratch = tempfile.mkstemp(suffix=".tmp", dir=self._path.parent)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(self._record.model_dump_json())
            Path(scratch).replace(self._path)
            self._written = True
        except OSError:
            Path(scratch).unlink(missing_ok=True)
            raise

    def record_children(self) -> None:
        """Add processes that have appeared since. Called from several threads."""
        with self._lock:
            if not self._removed:
                self._record_children()

    def _record_children(self) -> None:
        children = set(self._record.children)
        for child in psutil.Process().children(recursive=True):
            try:
                children.add(Process.of(child))
            except psutil.NoSuchProcess:
                continue
        if children != set(self._record.children) or not self._written:
            ordered = tuple(sorted(children, key=lambda child: child.pid))
            self._record = self._record.model_copy(update={"children": ordered})
            self.write()

    def end_children(self) -> None:
        """End every process that this one has started."""
        try:
            self.record_children()
        except OSError as error:  # a full disk: they are known all the same
            logger.warning("server_record", error=str(error))
        end(self._record.children)

    def remove(self) -> None:
        """End what is left of the children, then remove the record."""
        self.end_children()
        with self._lock:
            self._removed = True
            self._path.unlink(missing_ok=True)


def running(folder: Path) -> Iterator[ServerRecord]:
    """The servers that run, newest first."""
    for record, _ in sorted(_records(folder), key=lambda found: -found[0].server.started):
        if record.server.find() is not None:
            yield record


def end_orphans(folder: Path) -> int:
    """End the processes that dead servers have left, and remove their records; how many."""
    ended = 0
    for record, path in _records(folder):
        if record.server.find() is None:
            ended += end(record.children)
            path.unlink(missing_ok=True)
    if ended:
        logger.warning("orphans_ended", count=ended)
    return ended


def end(processes: tuple[Process, ...]) -> int:
    """Terminate processes that still run, kill what does not go; how many there were."""
    found = [process for named in processes if (process := named.find()) is not None]
    for process in found:
        _signal(process, kill=False)
    _, left = psutil.wait_procs(found, timeout=KILL_AFTER_S)
    for process in left:
        _signal(process, kill=True)
    psutil.wait_procs(left, timeout=KILL_AFTER_S)
    return len(found)


def _started(process: psutil.Process) -> float:
    """Seconds from boot to the start of `process`, where the system tells (Linux).

    A date, as psutil gives it, moves when the clock is set, and the server would be taken for dead.
    """
    try:
        line = Path(f"/proc/{process.pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return process.create_time()
    # Field 22 (proc_pid_stat(5)); the name before it may hold spaces and parentheses.
    return int(line.rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


def _is_ours(path: Path) -> bool:
    """Whether we have written it: another user's record could have us end any of our processes."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


def _records(folder: Path) -> Iterator[tuple[ServerRecord, Path]]:
    for path in sorted(folder.glob("*.json")):
        try:
            if not _is_ours(path):
                continue
            yield ServerRecord.model_validate_json(path.read_bytes()), path
        except FileNotFoundError:
            continue
        except ValidationError:
            # Not ours or of another version: left alone, but said.
            logger.warning("server_record_unreadable", path=os.fspath(path))
