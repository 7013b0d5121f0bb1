"""When a lease has run out: the one rule for solutions, lines and batches."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, or_

FAR_S: Final = 660.0
"""No lease lasts so long: one that ends later was given before a clock was put back."""


def run_out(until: Column[Any], now: float, *, far: bool = True) -> Any:
    """Whether a lease that lasts `until` holds nobody any more.

    Without `far`, one that ends absurdly late still holds.
    """
    return or_(until < now, until > now + FAR_S) if far else until < now
