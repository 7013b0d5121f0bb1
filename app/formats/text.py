"""A transition as text that grows: its head when it begins, its verdict when it ends.

State 2 · Solve Subquestion
m = 48 / 2 = 26
✗ refuted: 48 / 2 = 26, but it is 24
"""

from __future__ import annotations

from app.openai.chat_text import verdict
from statespace.actions import LABELS
from statespace.events import TransitionDelta, TransitionStarted
from statespace.trace import Transition, Verdict


class Growing:
    """An open transition: what it is called, and how much of its output was sent."""

    def __init__(self, started: TransitionStarted, *, several: bool) -> None:
        number = started.id if started.number is None else started.number
        head = f"State {number} · {LABELS.get(started.action, '?')}"
        self.head = f"Path {started.path} · {head}" if several else head
        self.path = started.path
        self._sent = 0

    def more(self, delta: TransitionDelta) -> str:
        """What is new in a delta; a reader that comes late gets the beginning again."""
        new = delta.delta[max(0, self._sent - delta.offset) :]
        self._sent += len(new)
        return new

    def rest(self, transition: Transition) -> str:
        """What was not sent of a complete one, and what is to be said of it."""
        told = transition.output[self._sent :]
        if not transition.legal:
            told += "\nnot allowed here"
        if transition.verdict is not Verdict.UNCHECKED:
            told += f"\n{verdict(transition)}"
        return told
