"""Kills the real command line with SIGKILL at a moment that a test chooses.

A moment is whatever may matter to a run that is started again: a file or folder under `watch` is
opened for writing, renamed or removed, data are synced to the disk, or a progress bar moves on. The
command runs in a fork of a process that has imported it already, so that a death takes a fraction
of a second.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""Whether this is `make test-all`."""
KILLED = -signal.SIGKILL
LIGHT = (
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_agg",
    "statewise.commands.eval",
    "training.problems.decontamination.clean",
    "training.problems.sources.procedural",
    "training.traces.filtering",
    "training.traces.teacher.review",
)
"""What every step but those of models takes."""
HEAVY = (*LIGHT, "training.curriculum.files", "training.finetune.dpo", "training.finetune.sft")
"""What all steps take; with torch and its company."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit status or `KILLED`, what it said, and its moments.

    Of one that was killed there are no moments.
    """

    status: int
    said: str
    moments: list[str]


class Mortal:
    """A process with the command line in it, of which commands are forks."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self, *arguments: object, watch: Path, die: int | None = None, room: int | None = None
    ) -> Ended:
        """Runs `statewise ARGUMENTS…`, killed at moment `die`, counted from 1.

        `room` is how many bytes a file may have, which to the command is a full disk.
        """
        job = {"arguments": [*map(str, arguments)], "watch": str(watch), "die": die, "room": room}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process of the commands has ended"
        return Ended(**json.loads(line))


@contextmanager
def mortal(*modules: str) -> Iterator[Mortal]:
    """A process that has imported `modules`, until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    ) as process:
        yield Mortal(process)
        assert process.stdin
        process.stdin.close()


def _serve() -> None:
    """Reads jobs, one JSON object a line, and answers each with how it ended."""
    from statewise.cli import cli  # noqa: PLC0415

    for name in sys.argv[1:]:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork would lose a thread"
    for line in sys.stdin:
        print(json.dumps(_ended(json.loads(line), cli)), flush=True)


def _ended(job: dict[str, Any], cli: Callable[..., Any]) -> dict[str, Any]:
    """Runs a job in a fork of this process."""
    out, into = os.pipe()
    told, tell = os.pipe()
    if (child := os.fork()) == 0:
        for number in (1, 2):
            os.dup2(into, number)
        moments: list[str] = []
        status = _live(job, cli, moments)
        with os.fdopen(tell, "w") as sink:
            json.dump(moments, sink)
        os._exit(status)
    os.close(into)
    os.close(tell)
    found = {}
    readers = [threading.Thread(target=_read, args=(found, *pair)) for pair in
               (("said", out), ("moments", told))]  # fmt: skip
    for reader in readers:
        reader.start()
    _, status = os.waitpid(child, 0)
    for reader in readers:
        reader.join()
    code = os.waitstatus_to_exitcode(status)
    return {
        "status": code,
        "said": found["said"],
        "moments": json.loads(found["moments"] or "[]"),
    }


def _read(found: dict[str, str], name: str, number: int) -> None:
    with os.fdopen(number, encoding="utf-8", errors="replace") as stream:
        found[name] = stream.read()


def _live(job: dict[str, Any], cli: Callable[..., Any], moments: list[str]) -> int:
    """The command, with its moments; returns its exit status."""

    def moment(what: str) -> None:
        moments.append(what)
        if len(moments) == job["die"]:
            os.kill(os.getpid(), signal.SIGKILL)

    _listen(moment, job["watch"])
    if job["room"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["room"], job["room"]))
    try:
        cli(job["arguments"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _listen(moment: Callable[[str], None], watch: str) -> None:
    """Has `moment` called just before each thing that counts as one."""
    from rich.progress import Progress  # noqa: PLC0415

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}:
            return
        path = arguments[0]
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if not isinstance(path, str | os.PathLike):
            return
        name = os.fspath(path)
        # What `shutil.rmtree` removes has a name only, within the folder that it has opened.
        within = event in {"os.remove", "os.rmdir"} and os.sep not in str(name)
        if within or str(name).startswith(watch):
            moment(f"{event} {str(name).removeprefix(watch)}")

    def before(holder: Any, name: str) -> None:
        known = getattr(holder, name)

        def heralded(*arguments: Any, **options: Any) -> Any:
            moment(name)
            return known(*arguments, **options)

        setattr(holder, name, heralded)

    before(os, "fsync")
    before(Progress, "advance")
    before(Progress, "update")
    sys.addaudithook(heard)


if __name__ == "__main__":
    _serve()
