"""Where a run tells what happens: the native stream, chat completions, responses, the store.

A run calls its sinks on the event loop, in order; they must neither wait nor raise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import orjson

from app.engines.base import Sampling
from app.strategies.base import Call
from app.web import sse
from statespace.reader import Grown, Opened
from statespace.solutions import Path, Solution
from statespace.trace import Transition

ENDS: Final = frozenset({"completed", "incomplete", "failed", "cancelled"})
"""Statuses of solutions that are over; each has its end event, `solution.<status>`."""


class Sink(Protocol):
    """Told everything of one solution, in order; `ended` and then `close` come exactly once."""

    def created(self, solution: Solution) -> None:
        """The solution exists; nothing was generated yet."""

    def in_progress(self, solution: Solution) -> None:
        """The engine has taken the problem up."""

    def opened(self, opened: Opened) -> None:
        """A transition has begun."""

    def grown(self, grown: Grown) -> None:
        """More output of an open transition; only if the request asked for deltas."""

    def completed(self, transition: Transition) -> None:
        """A transition is complete and checked."""

    def text(self, text: str, answer: str | None) -> None:
        """The model answered in plain text."""

    def path(self, path: Path) -> None:
        """One of several paths has ended."""

    def ended(self, solution: Solution) -> None:
        """The solution is over; its status says how."""

    def close(self) -> None:
        """Nothing more will come, whether or not `ended` was called."""


class Trace(Sink, Protocol):
    """A sink that is told of what the engine is asked, too."""

    def watch(self, prompt: Sequence[int], sampling: Sampling, path: int) -> Call:
        """A generation begins."""
        ...


class Stream(Protocol):
    """Takes the native frames of one solution."""

    def numbered(self, sequence: int, frame: bytes, ended: Solution | None) -> None:
        """The frame of a numbered event; `ended` comes with the last one."""

    def delta(self, grown: Grown) -> None:
        """What is sent to those who read right now, and is not kept."""

    def close(self) -> None:
        """Nothing more will come."""


class NativeSink:
    """Writes events in the native format (`statespace.events`), each once for all its streams."""

    def __init__(self, solution_id: str, streams: Sequence[Stream], sequence: int = 0) -> None:
        """`sequence` is the number of the first event."""
        self._id = solution_id
        self._streams = streams
        self._sequence = sequence
        self._written: list[orjson.Fragment] = []

    def created(self, solution: Solution) -> None:
        """Sends `solution.created`."""
        self._send("solution.created", solution=self._solution(solution))

    def in_progress(self, solution: Solution) -> None:
        """Sends `solution.in_progress`; only the transitions that it holds count from here on."""
        self._written = [sse.written(transition) for transition in solution.transitions]
        self._send("solution.in_progress", solution=self._solution(solution))

    def opened(self, opened: Opened) -> None:
        """Sends `transition.started`."""
        node = opened.node
        self._send(
            "transition.started",
            id=node.id,
            parent=node.parent,
            path=opened.path,
            number=node.number,
            action=node.action,
        )

    def grown(self, grown: Grown) -> None:
        """Sends `transition.delta`."""
        for stream in self._streams:
            stream.delta(grown)

    def completed(self, transition: Transition) -> None:
        """Sends `transition.completed`."""
        self._written.append(sse.written(transition))
        self._send("transition.completed", transition=self._written[-1])

    def text(self, text: str, answer: str | None) -> None:
        """Sends `text.completed`."""
        self._send("text.completed", text=text, answer=answer)

    def path(self, path: Path) -> None:
        """Sends `path.completed`."""
        self._send("path.completed", path=path.path, answer=path.answer, resolved=path.resolved)

    def ended(self, solution: Solution) -> None:
        """Sends the end event."""
        self._send(f"solution.{solution.status}", solution, solution=self._solution(solution))

    def close(self) -> None:
        """Closes the streams."""
        for stream in self._streams:
            stream.close()

    def _solution(self, solution: Solution) -> orjson.Fragment:
        if len(self._written) == len(solution.transitions):
            return sse.written_solution(solution, self._written)
        return orjson.Fragment(solution.model_dump_json())  # another process told of some

    def _send(self, kind: str, ended: Solution | None = None, **payload: Any) -> None:
        """The next numbered event."""
        frame = sse.encode(kind, self._sequence, self._id, **payload)
        for stream in self._streams:
            stream.numbered(self._sequence, frame, ended)
        self._sequence += 1


class ChannelStream:
    """Frames into a channel, as they come: for clients whose stream cannot be resumed."""

    def __init__(self, solution_id: str, send: Callable[[bytes], None], close: Callable[[], None]):
        self._id = solution_id
        self._send = send
        self.close = close

    def numbered(self, _: int, frame: bytes, __: Solution | None) -> None:
        """Sends it."""
        self._send(frame)

    def delta(self, grown: Grown) -> None:
        """Sends it."""
        self._send(sse.encode_delta(self._id, grown))
