"""What a reader has seen of a solution's stream: how it goes on after a cut, each event once.

Numbered events come without gaps. Deltas are not numbered: after a cut the server sends what an
open transition has so far as one delta, of which the part that was seen is left out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from statespace.events import (
    Ended,
    Event,
    SolutionInProgress,
    TransitionCompleted,
    TransitionDelta,
    event_adapter,
)
from statespace.solutions import Solution
from statewise.client import calls
from statewise.client.calls import Call
from statewise.client.errors import (
    GatewayError,
    LostError,
    ProtocolError,
    ServerError,
    UnreachableError,
)

NOTHING_TO_COME = 204


class Following:
    """One reader's place in a stream."""

    def __init__(self, begun: Call[Solution] | None, solution_id: str | None, after: int) -> None:
        """A stream that `begun` begins, or that of a solution after event number `after`."""
        self._begun = begun
        self.solution_id = solution_id
        self.last = after
        """The number of the newest event that was seen."""
        self.over = False
        self.solution: Solution | None = None
        """The solution at its end."""
        self.in_doubt = False
        """Whether there may be a solution whose id is not known yet."""
        self._doubted = False
        """The same, before what was sent last."""
        self._seen: dict[int, int] = {}
        self._complete: set[int] = set()
        self._opened = False

    @property
    def resumable(self) -> bool:
        """Whether a cut costs nothing."""
        return self._begun is None or self._begun.repeatable

    def call(self) -> Call[Any]:
        """What is to be sent next. Raises `LostError` if nothing would bring it back."""
        self._opened = False
        if self.solution_id is None:
            assert self._begun is not None
            self._doubted, self.in_doubt = self.in_doubt, True
            return self._begun
        if not self.resumable:
            raise LostError(
                "the connection was cut, and the solution was not stored: it is lost; "
                "with store, which is the default, it would have gone on"
            )
        found = calls.events(self.solution_id, self.last)
        return replace(found, headers={"last-event-id": str(self.last)} if self.last >= 0 else {})

    def answered(self, status: int, content_type: str) -> bool:
        """Whether events follow in a response. Raises `ProtocolError` if it is no stream."""
        if status == NOTHING_TO_COME:
            self.over = True
            return False
        if not content_type.startswith("text/event-stream"):
            raise ProtocolError("no Statewise server answers there: it sent no events")
        return True

    def failed(self, error: ServerError) -> None:
        """What was sent last has failed. If the server said no, nothing was begun by it.

        A gateway does not know whether the server has begun.
        """
        if error.status is not None and not isinstance(error, GatewayError):
            self.in_doubt = self._doubted

    def take(self, data: str) -> Event | None:
        """An event from its JSON; None if it was seen before, or this version does not know it.

        Raises `UnreachableError` if events before it are missing, `ProtocolError`.
        """
        event = self._parsed(data)
        if isinstance(event, TransitionDelta):
            return self._delta(event)
        if event is None or not self._count(event.sequence_number, event.solution_id):
            return None
        match event:
            case SolutionInProgress():  # it begins, or begins anew
                self._seen.clear()
                self._complete.clear()
            case TransitionCompleted(transition=transition):
                self._seen.pop(transition.id, None)
                self._complete.add(transition.id)
            case _ if isinstance(event, Ended):
                self.over = True
                self.solution = event.solution
        return event

    def cut(self) -> None:
        """The stream has ended. Raises `ServerError` if that is not the solution's end."""
        if not self.over:
            if not self._opened and self.solution_id is None:
                raise ProtocolError("no Statewise server answers there: it sent no event")
            raise UnreachableError("the stream ended before the solution")

    def _parsed(self, data: str) -> Event | None:
        self._opened = True
        try:
            return event_adapter.validate_json(data, extra="ignore")
        except ValidationError as error:
            if error.errors(include_url=False)[0]["type"] != "union_tag_invalid":
                raise calls.unknown("event", error) from error
        found = json.loads(data)
        number, solution_id = found.get("sequence_number"), found.get("solution_id")
        if not isinstance(solution_id, str):
            raise ProtocolError(
                "no Statewise server answers there: it sent events of an unknown kind"
            )
        if isinstance(number, int):
            self._count(number, solution_id)
        return None

    def _count(self, number: int, solution_id: str) -> bool:
        """Whether the event with this number is the next one."""
        if number <= self.last:
            return False
        if number > self.last + 1:
            raise UnreachableError(f"events are missing before number {number}")
        self.last = number
        self.solution_id = solution_id
        self.in_doubt = self._doubted = False
        return True

    def _delta(self, event: TransitionDelta) -> TransitionDelta | None:
        seen = self._seen.get(event.id, 0)
        known = seen - event.offset
        # After a gap nothing is told until the whole transition comes.
        if event.id in self._complete or known < 0 or known >= len(event.delta):
            return None
        self._seen[event.id] = seen + len(event.delta) - known
        return event.model_copy(update={"offset": seen, "delta": event.delta[known:]})
