"""Filters: which traces are fit to train on, and why the others are not.

`judge` looks at one trace; `Seen` knows those before it. The checks, in the order of
`training.rows.Reason`: it parses, every transition is legal, it states an answer, no arithmetic on
its path is refuted, the answer is right, it is short enough, it is not there yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from statespace.actions import FORWARD, Action
from statespace.answers import equal
from statespace.parser import parse
from statespace.reader import TraceReader
from statespace.text import render
from statespace.trace import Trace, Transition, Verdict
from training.rows import Reason, RejectedRow, TraceRow

Scope = Literal["problem", "global"]
"""Where a second trace with the same text is a duplicate: at the same question, or anywhere."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a trace may be. `measure` gives the length that `longest` bounds, of its text."""

    longest: int | None = None
    measure: Callable[[str], int] = len
    forward: bool = False
    """Whether Verify and Backtrack are turned away, as stage 1 wants it."""


UNLIMITED: Final = Limits()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A trace that passed; `row.trace` is its text as `statespace.text` writes it."""

    row: TraceRow
    trace: Trace
    length: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A trace that did not. From `refuted` on it is legal and its text rewritten; before, as is."""

    row: TraceRow
    reason: Reason
    detail: str

    @property
    def kept(self) -> RejectedRow:
        """The row as it is kept."""
        return RejectedRow(**self.row.model_dump(), reason=self.reason, detail=self.detail)


def judge(row: TraceRow, limits: Limits = UNLIMITED) -> Accepted | Rejected:
    """Whether a trace is fit to train on. Total: depends on nothing but its arguments.

    What stands before the first state and after the last is dropped, and labels, marks and white
    space become those of `statespace.text`; the states and their outputs stay as they are.
    """
    if isinstance(row, RejectedRow):
        row = TraceRow(**row.model_dump(exclude={"reason", "detail"}))
    text = rewritten(row.trace)
    if text is None:
        return Rejected(row, Reason.UNPARSED, _unparsed(row.trace))
    reader = TraceReader()
    reader.feed(text)
    reader.close()
    trace = reader.trace(row.question)
    if detail := _illegal(trace, limits):
        return Rejected(row, Reason.ILLEGAL, detail)
    if trace.answer is None:
        return Rejected(row, Reason.UNRESOLVED, f"ends with {trace.transitions[-1].label}")
    return _legal(row.model_copy(update={"trace": text}), trace, frozenset(reader.chain), limits)


def _legal(
    row: TraceRow, trace: Trace, path: frozenset[int], limits: Limits
) -> Accepted | Rejected:
    """The checks of a trace that is legal and states an answer."""
    if detail := _refuted(trace, path):
        return Rejected(row, Reason.REFUTED, detail)
    if not equal(trace.answer or "", row.gold):
        return Rejected(row, Reason.WRONG_ANSWER, f"says {trace.answer}, right is {row.gold}")
    length = limits.measure(row.trace)
    if limits.longest is not None and length > limits.longest:
        return Rejected(row, Reason.TOO_LONG, f"{length}, the limit is {limits.longest}")
    return Accepted(row, trace, length)


def rewritten(text: str) -> str | None:
    """A trace's states as `statespace.text` writes them.

    None if there are none, if they are not numbered 1, 2, 3 …, or if they would not read the same.
    """
    states = parse(text).states
    if not states or [state.number for state in states] != [*range(1, len(states) + 1)]:
        return None
    if any(state.action is Action.OTHER for state in states):
        return text
    pairs = [(state.action, state.output) for state in states]
    written = render(pairs)
    again = parse(written)
    same = [(state.action, state.output) for state in again.states] == pairs
    return written if same and not again.preamble and not again.trailing else None


def _unparsed(text: str) -> str:
    numbers = [state.number for state in parse(text).states]
    if not numbers:
        return "holds no state"
    if numbers != [*range(1, len(numbers) + 1)]:
        return f"states are numbered {', '.join(map(str, numbers[:12]))}"
    return "would not read the same when written anew"


def _illegal(trace: Trace, limits: Limits) -> str:
    """Which transition is not allowed, if one is not."""
    for found in trace.transitions:
        if not found.legal:
            return f"State {found.number}: {found.label} is not allowed here"
        if limits.forward and found.action not in FORWARD:
            return f"State {found.number}: {found.label} is no forward action"
    return ""


def _refuted(trace: Trace, path: frozenset[int]) -> str:
    """What is refuted on the path; a dead end may be wrong, that is why it was left."""
    for found in trace.transitions:
        if found.id in path and found.verdict is Verdict.REFUTED:
            return f"State {found.number}: {_claim(found)}"
    return ""


def _claim(transition: Transition) -> str:
    check = next(check for check in transition.checks if check.verdict is Verdict.REFUTED)
    return f"{check.claim}, but it is {check.computed}" if check.computed else check.claim


class Seen:
    """Which traces there were."""

    def __init__(self, scope: Scope = "problem") -> None:
        self._scope = scope
        self._keys: dict[bytes, str] = {}

    def first(self, row: TraceRow) -> str | None:
        """The key of the row that had this text first; None if this is the first."""
        known = self._keys.setdefault(self._identity(row), row.key)
        return None if known == row.key else known

    def _identity(self, row: TraceRow) -> bytes:
        # Two sources may hold the same question under two ids.
        place = "" if self._scope == "global" else normal(row.question)
        return hashlib.sha256(f"{place}\0{normal(row.trace)}".encode()).digest()[:16]


def normal(text: str) -> str:
    """Text without case, and with white space as single spaces."""
    return " ".join(text.split()).casefold()


def filtered(
    traces: Iterable[TraceRow],
    limits: Limits = UNLIMITED,
    scope: Scope = "problem",
) -> Iterator[Accepted | Rejected]:
    """Each trace judged, in order; of several with the same text the first is accepted."""
    seen = Seen(scope)
    keys: set[str] = set()
    for row in traces:
        found = judge(row, limits)
        if isinstance(found, Accepted):
            first = row.key if row.key in keys else seen.first(found.row)
            if first is not None:
                found = Rejected(found.row, Reason.DUPLICATE, f"the same as {first}")
        keys.add(row.key)
        yield found
