"""Finds a server on this machine, or starts one as a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from app.processes import ServerRecord, end_orphans, running
from app.settings import Settings
from statewise.client import Client, ServerError
from statewise.failures import NO_SERVER, checked, fail

START_S: Final = 600.0
STOP_S: Final = 30.0
"""Longer than a server needs for its grace and its engine."""
POLL_S: Final = 0.2
LOG_PREFIX: Final = "server-"
COLOUR_VARIABLES: Final = ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE")
Progress = Callable[[str], None]


def state_dir() -> Path:
    """The folder of records and logs. Settings that are invalid end the command."""
    return checked(Settings).state_dir


def find(*, model: str | None = None) -> ServerRecord | None:
    """The newest server that runs here, of `model` if one is named."""
    for record in running(state_dir()):
        if model is None or record.model == model:
            return record
    return None


class Child:
    """A server process that was started here, with its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        self._ready = False

    @classmethod
    def start(cls, flags: Sequence[str]) -> Child:
        """Start `statewise serve` with `flags`, in a session of its own. Raises `ServerError`."""
        unwind_when_ended()
        folder = state_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sink_number, name = tempfile.mkstemp(prefix=LOG_PREFIX, suffix=".log", dir=folder)
        except OSError as error:
            raise ServerError(
                f"cannot write to the state folder {folder}: {error.strerror}; "
                "name another in STATEWISE_STATE_DIR"
            ) from error
        # The last error is read from the log, so it must not be coloured.
        plain = {key: value for key, value in os.environ.items() if key not in COLOUR_VARIABLES}
        with os.fdopen(sink_number, "wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "statewise", "serve", *flags],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=plain,
            )
        return cls(process, Path(name))

    def wait(self, progress: Progress) -> str:
        """Wait until it is ready; its URL. Raises `ServerError` with what it said at its end."""
        deadline = time.monotonic() + START_S
        url = None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(self._last_words())
            url = url or self._url()
            if url and _is_ready(url, progress):
                self._ready = True
                return url
            time.sleep(POLL_S)
        raise ServerError(f"the server was not ready after {START_S:.0f} s; its log is {self.log}")

    def stop(self) -> None:
        """End it and wait for it; its log is kept if it never became ready."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            end_orphans(state_dir())
        if self._ready:
            self.log.unlink(missing_ok=True)

    def _url(self) -> str | None:
        for record in running(state_dir()):
            if record.server.pid == self.process.pid:
                return record.url
        return None

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        said = [line.partition("error: ")[2] for line in lines if line.startswith("error: ")]
        return said[-1] if said else f"the server ended while it started; its log is {self.log}"


def wait_ready(record: ServerRecord, progress: Progress) -> str:
    """Wait for a server that was found; its URL. Raises `ServerError`."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if record.server.find() is None:
            raise ServerError(f"the server at {record.url} has ended")
        if _is_ready(record.url, progress):
            return record.url
        time.sleep(POLL_S)
    raise ServerError(f"the server at {record.url} was not ready after {START_S:.0f} s")


@contextmanager
def for_one_call(url: str | None, model: str | None, progress: Progress) -> Iterator[str]:
    """The URL of a server: the named one, a running one, or one started for this call.

    If there is none, says so and exits; what fails in the block is left to it.
    """
    unwind_when_ended()
    if url is not None:
        yield url.rstrip("/")
        return
    with ExitStack() as stack:
        try:
            found = _found(model, progress, stack)
        except ServerError as error:
            fail(str(error), NO_SERVER)
        yield found


def _found(model: str | None, progress: Progress, stack: ExitStack) -> str:
    """A running server, or one that `stack` stops. Raises `ServerError`."""
    if model is None and (record := find()) is not None:
        return wait_ready(record, progress)
    child = Child.start(["--port", "0", *(["--model", model] if model else [])])
    stack.callback(child.stop)
    return child.wait(progress)


def unwind_when_ended() -> None:
    """From here on SIGTERM and SIGHUP unwind this process, as Ctrl-C does.

    Whoever has started a child or a solution can then end it.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _unwind)


def _unwind(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _is_ready(url: str, progress: Progress) -> bool:
    try:
        with Client(url) as client:
            startup = client.startup()
    except ServerError:
        return False  # the port is taken before it is served
    progress(f"{startup['phase']} ({startup['seconds']:.0f} s)")
    return bool(startup["started"])
