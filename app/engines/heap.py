"""What the garbage collector must not look at while streams run."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (10_000, 20, 20)
"""A stream's objects die by themselves: looking for cycles every 700 of them is wasted."""


def settle() -> None:
    """Call it once an engine has started.

    What lives now lives as long as the server: a full collection over it would stop every stream
    for half a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
