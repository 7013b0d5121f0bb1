"""Samples a process from inside, by the processor time that it takes.

A sampler that looks in from outside takes a thread for busy while it waits for a core, and on a
full machine that is most of what it sees of a write that wakes another process. A timer of
processor time (setitimer(2), `ITIMER_PROF`) does not run meanwhile. Python hears of it between two
bytecodes: C functions count for the Python function that calls them. What other threads take counts
for where the main thread is.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

TOGGLE: Final = signal.SIGUSR2
"""The first one begins, the second one writes what was seen."""
INTERVAL_S: Final = 0.002
"""Of processor time."""
DEPTH: Final = 100


class Sampler:
    """Counts stacks of the main thread; writes them one a line, with their count."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._stacks: Counter[str] = Counter()

    def toggle(self, *_: object) -> None:
        """Begin, or end and write."""
        running = signal.getitimer(signal.ITIMER_PROF)[1] > 0
        signal.setitimer(signal.ITIMER_PROF, *((0.0,) if running else (INTERVAL_S, INTERVAL_S)))
        if running:
            lines = (f"{stack} {count}\n" for stack, count in self._stacks.items())
            part = self._out.with_name(self._out.name + ".part")
            part.write_text("".join(lines), "utf-8")
            part.replace(self._out)
            self._stacks.clear()

    def sample(self, _: int, frame: FrameType | None) -> None:
        """Count where the main thread is."""
        names: list[str] = []
        while frame is not None and len(names) < DEPTH:
            code = frame.f_code
            names.append(f"{code.co_qualname} ({code.co_filename}:{code.co_firstlineno})")
            frame = frame.f_back
        self._stacks[";".join(reversed(names))] += 1


def install(out: str) -> None:
    """Sample this process into the file `out` whenever it is told to."""
    sampler = Sampler(Path(out))
    signal.signal(signal.SIGPROF, sampler.sample)
    signal.signal(TOGGLE, sampler.toggle)


def record(pid: int) -> None:
    """Tell the process `pid`, which has installed it, to begin or to write."""
    os.kill(pid, TOGGLE)
