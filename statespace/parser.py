"""Incremental parser: generated text in, state-transition events out.

    parser = TransitionParser()
    for chunk in stream:
        for event in parser.feed(chunk): ...
    for event in parser.close(): ...

Contract, property-tested: it never raises on text; how the text is cut does not change the result
(adjacent deltas joined); the `raw` of all events, joined, is the input, character for character.
What could still become a header is held back, at most `MAX_STATE_LINE` + `MAX_ACTION_LINE`
characters; everything else is passed on at once. Cost is linear in the text.

The template is the line-then-event decoder of server-sent events (WHATWG HTML, section 9.2.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from statespace.actions import Action, parse_label

MAX_STATE_LINE: Final = 40
MAX_ACTION_LINE: Final = 120
MAX_MARK: Final = 48

# Every quantifier that is not at the end is bounded, so that a bounded look-ahead decides.
_STATE_LINE: Final = re.compile(
    r"[ \t]*[*#_>]{0,6}[ \t]*State[ \t]+([0-9]{1,9})[*_]{0,3}[ \t]*:[*_ \t\r]*", re.ASCII | re.I
)
_BLANK_LINE: Final = re.compile(r"[ \t\r]{0,8}\n")
_ACTION_LINE: Final = re.compile(
    r"[ \t]*[*#_>-]{0,6}[ \t]*Action[*_]{0,3}[ \t]*:([^\n]*)", re.ASCII | re.I
)
_OUTPUT_MARK: Final = re.compile(
    r"\s{0,16}[*_]{0,3}Output[*_]{0,3}[ \t]{0,4}:[*_]{0,3}", re.ASCII | re.I
)
_MARKS: Final = "*#_>- \t"


@dataclass(frozen=True, slots=True)
class Preamble:
    """Text before the first state (a delta)."""

    text: str
    raw: str


@dataclass(frozen=True, slots=True)
class Started:
    """A header was read: a state begins."""

    number: int
    action: Action
    label: str
    raw: str


@dataclass(frozen=True, slots=True)
class Output:
    """More of the current state's output (a delta)."""

    text: str
    raw: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The current state's output is complete."""

    raw: str


@dataclass(frozen=True, slots=True)
class Trailing:
    """Text after the paragraph of a Summarize (a delta)."""

    text: str
    raw: str


ParserEvent = Preamble | Started | Output | Finished | Trailing


class _Place(Enum):
    PREAMBLE = auto()
    MARK = auto()  # after a header, where `Output:` is expected
    OUTPUT = auto()
    TRAILING = auto()


class TransitionParser:
    """Turns text, fed in any pieces, into events. Not reusable after `close`."""

    __slots__ = (
        "_buffer", "_closing", "_empty", "_events", "_line_start", "_place", "_pos", "_space",
        "_summary",
    )  # fmt: skip

    def __init__(self) -> None:
        self._place = _Place.PREAMBLE
        self._buffer = ""  # text from `_pos` on is not yet decided upon
        self._pos = 0
        self._line_start = True  # whether the text at `_pos` begins a line
        self._space: list[str] = []  # white space held back: none is output before a header
        self._empty = True  # whether the current output holds nothing yet
        self._summary = False  # whether the current state is a Summarize
        self._closing = False
        self._events: list[ParserEvent] = []

    def feed(self, text: str) -> list[ParserEvent]:
        """Take more text; returns the events that it completes."""
        self._buffer = self._buffer[self._pos :] + text
        self._pos = 0
        return self._run()

    def close(self) -> list[ParserEvent]:
        """The text has ended: decides what was held back, and finishes the current state."""
        self._closing = True
        events = self._run()
        self._finish()
        if self._space:
            self._delta("")
        return events

    def _run(self) -> list[ParserEvent]:
        self._events = []
        while self._pos < len(self._buffer) and self._step():
            pass
        return self._events

    def _step(self) -> bool:
        """Consume some of the buffer; false when more text is needed first."""
        if self._place is _Place.MARK:
            return self._step_mark()
        if self._line_start:
            header = self._header()
            if header is None:
                return False
            if header:
                return True
        self._step_text()
        return True

    def _step_text(self) -> None:
        end = self._buffer.find("\n", self._pos) + 1 or len(self._buffer)
        line = self._buffer[self._pos : end]
        self._pos = end
        self._line_start = line[-1] == "\n"
        body = line.rstrip()
        if not body:
            self._space.append(line)
            return
        words = body.lstrip()
        if len(words) < len(body):  # as if it had come in a piece of its own
            self._space.append(body[: -len(words)])
        if self._summary and self._place is _Place.OUTPUT and self._ends_paragraph():
            self._finish()
        self._delta(words)
        if len(body) < len(line):
            self._space.append(line[len(body) :])

    def _step_mark(self) -> bool:
        found = _OUTPUT_MARK.match(self._buffer, self._pos)
        if found:
            # Bold marks may still follow the colon.
            if not self._closing and found.end() == len(self._buffer):
                return False
            self._space.append(found.group())
            self._pos = found.end()
        elif not self._closing and _may_become_mark(self._buffer[self._pos :]):
            return False
        self._place = _Place.OUTPUT
        self._line_start = not found
        return True

    def _header(self) -> bool | None:
        """Whether a header stood here and was consumed; None if more text must decide."""
        buffer, start = self._buffer, self._pos
        end = buffer.find("\n", start, start + MAX_STATE_LINE + 1)
        if end < 0:
            waits = not self._closing and _may_become_state_line(
                buffer[start : start + MAX_STATE_LINE + 1]
            )
            return None if waits else False
        state = _STATE_LINE.fullmatch(buffer, start, end)
        if state is None:
            return False
        blank = _BLANK_LINE.match(buffer, end + 1)
        return self._action(int(state[1]), blank.end() if blank else end + 1)

    def _action(self, number: int, start: int) -> bool | None:
        """The second line of a header, expected at `start`; answers as `_header` does."""
        buffer = self._buffer
        end = buffer.find("\n", start, start + MAX_ACTION_LINE + 1)
        if end < 0:
            rest = buffer[start : start + MAX_ACTION_LINE + 1]
            if not self._closing:
                return None if _may_become_action_line(rest) else False
            if len(rest) > MAX_ACTION_LINE:
                return False
            end = len(buffer)
        action = _ACTION_LINE.fullmatch(buffer, start, end)
        if action is None:
            return False
        self._start(number, action[1], min(end + 1, len(buffer)))
        return True

    def _start(self, number: int, raw_label: str, end: int) -> None:
        self._finish()
        raw = "".join([*self._space, self._buffer[self._pos : end]])
        self._space.clear()
        self._pos = end
        label = raw_label.strip().strip(_MARKS).rstrip(".:").rstrip(_MARKS)
        action = parse_label(label)
        self._summary = action is Action.SUMMARIZE
        self._empty = True
        self._place = _Place.MARK
        self._line_start = True
        self._events.append(Started(number, action, label, raw))

    def _finish(self) -> None:
        """End the current state, if there is one."""
        if self._place in (_Place.MARK, _Place.OUTPUT):
            self._events.append(Finished("".join(self._space)))
            self._space.clear()
            self._place = _Place.TRAILING

    def _ends_paragraph(self) -> bool:
        """Whether a blank line, held back, ended the paragraph of a Summarize."""
        return not self._empty and "".join(self._space).count("\n") > 1

    def _delta(self, body: str) -> None:
        """Pass on text, with the white space that was held back before it."""
        raw = "".join([*self._space, body])
        self._space.clear()
        if self._place is _Place.OUTPUT:
            self._events.append(Output(body if self._empty else raw, raw))
            self._empty = False
        elif self._place is _Place.PREAMBLE:
            self._events.append(Preamble(raw, raw))
        else:
            self._events.append(Trailing(raw, raw))


@dataclass(frozen=True, slots=True)
class ParsedState:
    """One state as written."""

    number: int
    action: Action
    label: str
    output: str


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A whole text, parsed."""

    preamble: str
    states: tuple[ParsedState, ...]
    trailing: str


def parse(text: str) -> ParsedText:
    """Parse a whole text at once."""
    parser = TransitionParser()
    return collect([*parser.feed(text), *parser.close()])


def collect(events: Iterable[ParserEvent]) -> ParsedText:
    """Join a parser's events into the whole text's structure."""
    preamble: list[str] = []
    trailing: list[str] = []
    states: list[tuple[Started, list[str]]] = []
    for event in events:
        match event:
            case Preamble(text):
                preamble.append(text)
            case Started():
                states.append((event, []))
            case Output(text):
                states[-1][1].append(text)
            case Trailing(text):
                trailing.append(text)
            case Finished():
                pass
    parsed = (ParsedState(s.number, s.action, s.label, "".join(out)) for s, out in states)
    return ParsedText("".join(preamble).strip(), tuple(parsed), "".join(trailing).strip())


# Each answers true for every text that some continuation makes a match, so cutting changes nothing.


def _may_become_state_line(text: str) -> bool:
    if len(text) > MAX_STATE_LINE:
        return False
    word = text.lstrip(_MARKS)
    return "state".startswith(word[:5].lower()) and not word[5:].strip(_MARKS + "0123456789:\r")


def _may_become_action_line(text: str) -> bool:
    if len(text) > MAX_ACTION_LINE:
        return False
    # A blank line may come first: its carriage return counts as a mark.
    return "action".startswith(text.lstrip(_MARKS + "\r")[:6].lower())


def _may_become_mark(text: str) -> bool:
    if len(text) > MAX_MARK:
        return False
    word = text.lstrip().lstrip("*_")
    return "output".startswith(word[:6].lower()) and not word[6:].strip("*_ \t:")
