"""A function over endlessly many items, in their order, on all cores of the machine."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Final, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

_CHUNK: Final = 256
"""Items that travel together: what is sent between processes must cost little beside the work."""
_AHEAD: Final = 3
"""Chunks in flight for each process, so that none waits while the caller is slow."""


def cores() -> int:
    """The cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def mapped(
    function: Callable[[Item], Made], items: Iterable[Item], *, processes: int
) -> Iterator[Made]:
    """`function` of each item, in order, whatever the number of processes.

    With one, everything is done here; starting others takes a second or so. `function` must be
    importable by name, items and results picklable. What `function` raises is raised here.
    """
    if processes == 1:
        yield from map(function, items)
        return
    left = iter(items)
    # Not forked: torch and the tokenizers run threads, which do not survive it.
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(processes, context) as pool:
        waiting: deque[Future[list[Made]]] = deque()
        try:
            while True:
                while len(waiting) < _AHEAD * processes and (chunk := list(islice(left, _CHUNK))):
                    waiting.append(pool.submit(_chunk, function, chunk))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:  # the caller has enough, or something was raised
            pool.shutdown(wait=False, cancel_futures=True)


def _chunk(function: Callable[[Item], Made], items: list[Item]) -> list[Made]:
    return [function(item) for item in items]
