"""Equality of answers that are no plain numbers, by math-verify in a process that can be killed.

A formula may make a computer algebra system run for ever or fill the memory. So the comparison has
a deadline after which the process is killed and the pair counts as different, a memory limit, and
a limit on the length of what is looked at. The process lives until this one ends.
"""

from __future__ import annotations

import atexit
import json
import select
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Final

from statespace.errors import SymbolicError

DEADLINE_S: Final = 10.0
START_S: Final = 120.0
MAX_LENGTH: Final = 1_000
"""Characters of a formula; longer ones are equal to nothing."""
_WORKER: Final = Path(__file__).with_name("symbolic_worker.py")
_MISSING: Final = (
    "answers that are no plain numbers are compared by math-verify, which cannot be imported; "
    "install it: pip install '.[eval]' in a checkout"
)


class Comparer:
    """A child process that compares formulas; started when it is first needed."""

    def __init__(
        self, deadline_s: float = DEADLINE_S, worker: Path = _WORKER, start_s: float = START_S
    ) -> None:
        self._deadline_s = deadline_s
        self._start_s = start_s
        self._worker = worker
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def equal(self, gold: str, answer: str) -> bool:
        """Whether math-verify takes `answer` for `gold`; False if it does not say so in time.

        Raises SymbolicError if math-verify is not installed.
        """
        if max(len(gold), len(answer)) > MAX_LENGTH:
            return False
        with self._lock:
            self._start()
            reply = self._ask(json.dumps([gold, answer]).encode() + b"\n")
        return reply == b"true"

    def require(self) -> None:
        """Start the process. Raises SymbolicError if math-verify is not installed."""
        with self._lock:
            self._start()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(self._worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self._line(self._start_s) != b"ready":
            self.close()
            raise SymbolicError(_MISSING)

    def _ask(self, question: bytes) -> bytes | None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(question)
            self._process.stdin.flush()
            reply = self._line(self._deadline_s)
        except BrokenPipeError:
            reply = None
        if reply is None:
            self.close()
        return reply

    def _line(self, seconds: float) -> bytes | None:
        """The process's next line; None if it has ended or the time is over."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return (self._process.stdout.readline().strip() or None) if ready else None


@cache
def comparer(deadline_s: float = DEADLINE_S, start_s: float = START_S) -> Comparer:
    """The comparer that this process shares, one for all callers with the same patience."""
    shared = Comparer(deadline_s, start_s=start_s)
    atexit.register(shared.close)
    return shared


def equal(gold: str, answer: str) -> bool:
    """`Comparer.equal` of the shared one."""
    return comparer().equal(gold, answer)
