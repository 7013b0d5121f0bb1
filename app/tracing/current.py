"""Where the running code is in a trace, for those who need not know how traces are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


class Current:
    """Set once tracing is on."""

    ids: Callable[[], Mapping[str, str]] = staticmethod(dict)
    """`trace_id` and `span_id`, in hexadecimal, if there is a trace."""


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A line of a batch, and the request that made the batch."""

    batch_id: str
    line: int
    traceparent: str | None


BATCH_LINE: Final[ContextVar[BatchLine | None]] = ContextVar("batch_line", default=None)
"""The line that the running task answers."""


def traceparent() -> str | None:
    """The place in the trace as W3C's header has it; None without a trace."""
    ids = Current.ids()
    return f"00-{ids['trace_id']}-{ids['span_id']}-01" if ids else None
