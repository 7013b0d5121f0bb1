"""From generated text to placed, checked transitions: parser, tree and verifier in one pass.

The reader is what serving, `POST /v1/verify` and training share. It takes text as it is generated,
with the tokens it cost and the time it arrived, and gives `Opened`, `Grown` and `Closed` readings;
a `Closed` carries the finished `Transition` with its verdict.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from statespace.actions import Action
from statespace.answers import extract
from statespace.parser import (
    Finished,
    Output,
    ParserEvent,
    Preamble,
    Started,
    Trailing,
    TransitionParser,
)
from statespace.trace import Check, Origin, Trace, Transition, Verdict, overall
from statespace.tree import Node, StateTree
from statespace.verifier import Scope, Verification, verify_output


@dataclass(frozen=True, slots=True)
class Opened:
    """A transition has begun: its header was read and placed."""

    node: Node
    path: int


@dataclass(frozen=True, slots=True)
class Grown:
    """More output of the open transition; `offset` counts characters of its output."""

    id: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A transition is complete and checked."""

    transition: Transition


Reading = Opened | Grown | Closed
Until = Callable[[Transition], bool]
"""Whether reading halts after a transition."""


@dataclass(slots=True)
class _Open:
    """The transition being written."""

    node: Node
    label: str
    pieces: list[str] = field(default_factory=list)
    length: int = 0


class TraceReader:
    """Reads one path of generated text. Not reusable after `close`.

    Text that others write into the path is fed with its `origin`. With `until`, reading halts
    after the first transition that it holds for: what follows is not read, `consumed` tells how
    much was, and the reader takes what comes instead.
    """

    def __init__(
        self, *, path: int = 0, started: float = 0.0, ids: Iterator[int] | None = None
    ) -> None:
        """`started` is when the first text was asked for; `ids` is shared by all paths."""
        self._path = path
        self._parser = TransitionParser()
        self._tree = StateTree(ids)
        self._scopes: dict[int, Scope] = {0: Scope.EMPTY}
        self._refuted: dict[int, tuple[Check, ...]] = {}
        self._transitions: list[Transition] = []
        self._open: _Open | None = None
        self._preamble: list[str] = []
        self._trailing: list[str] = []
        self._meter = _Meter()
        self._mark = started
        self._answers: dict[int, str | None] = {}
        self._origin = Origin.MODEL
        self.halted = False
        """Whether the latest text was not read to its end."""
        self.ends: dict[int, int] = {}
        """State → characters that were read over when it was complete."""

    @property
    def consumed(self) -> int:
        """Characters that were read over, of all that was fed: to the end of what is complete."""
        return self._meter.total

    @property
    def tree(self) -> StateTree:
        """Where the transitions stand."""
        return self._tree

    @property
    def transitions(self) -> Sequence[Transition]:
        """The finished transitions, in the order they were written."""
        return self._transitions

    @property
    def preamble(self) -> str:
        """Text before the first state; a plain answer if there is no state."""
        return "".join(self._preamble).strip()

    @property
    def overran(self) -> bool:
        """Whether text has followed Summarize's paragraph: nothing more is to be expected."""
        return bool(self._trailing)

    @property
    def chain(self) -> tuple[int, ...]:
        """State ids from 0 to the newest state."""
        return self._tree.state().chain

    @property
    def answer(self) -> str | None:
        """What the latest Summarize on the path states."""
        return self.answer_at(self._tree.tip)

    def answer_at(self, state: int) -> str | None:
        """What the latest Summarize on the path to `state` states."""
        for node in self._tree.ancestors(state):
            if (answer := self._answers.get(node.id)) is not None:
                return answer
        return None

    def feed(
        self,
        text: str,
        *,
        tokens: int = 0,
        now: float = 0.0,
        origin: Origin = Origin.MODEL,
        until: Until | None = None,
    ) -> list[Reading]:
        """Take text by `origin` that cost `tokens` and arrived at `now` (seconds)."""
        self._meter.add(len(text), tokens)
        return self._read(self._parser.feed(text), now, origin, until)

    def close(self, *, now: float = 0.0, until: Until | None = None) -> list[Reading]:
        """The text has ended: finishes the open transition."""
        return self._read(self._parser.close(), now, self._origin, until)

    def insert(self, text: str, *, origin: Origin, now: float = 0.0) -> list[Reading]:
        """Take whole states that somebody else writes, where a text was halted at or has ended."""
        readings = [*self.feed(text, now=now, origin=origin), *self.close(now=now)]
        self._parser = TransitionParser()
        return readings

    def adopt(self, transitions: Iterable[Transition]) -> None:
        """Go on from transitions that are there already, as a fork does; no text was read yet."""
        for transition in transitions:
            node = node_of(transition)
            self._tree.place(node, transition.target)
            self._keep(node, transition, self._verify(node, transition.output).scope)

    def correct(self, transition: Transition, output: str, origin: Origin) -> Transition:
        """`transition` as the next one of this path, with another output that is checked anew."""
        tree = self._tree.branch(self._tree.tip)
        node = node_of(transition)
        tree.place(node)
        target = tree.backtrack(output) if node.action is Action.BACKTRACK else None
        found = self._verify(node, output)
        return transition.model_copy(
            update={
                "output": output,
                "origin": origin,
                "target": target,
                "legal": node.legal and (target is not None or node.action is not Action.BACKTRACK),
                "verdict": found.verdict,
                "checks": found.checks,
            }
        )

    def branch(self, state: int, *, path: int, started: float) -> TraceReader:
        """A reader that knows what led to `state`, and reads what is written from there."""
        other = TraceReader(path=path, started=started)
        other._tree = self._tree.branch(state)
        chain = {node.id for node in other._tree.ancestors(state)}
        other._scopes |= {known: self._scopes[known] for known in chain}
        other._refuted = {known: self._refuted[known] for known in chain & self._refuted.keys()}
        other._answers = {known: self._answers[known] for known in chain & self._answers.keys()}
        other._transitions = [known for known in self._transitions if known.id in chain]
        return other

    def trace(self, question: str) -> Trace:
        """Everything read so far."""
        return Trace(
            question=question,
            transitions=tuple(self._transitions),
            preamble=self.preamble,
            trailing="".join(self._trailing).strip(),
            answer=self.answer,
        )

    def _read(
        self, events: list[ParserEvent], now: float, origin: Origin, until: Until | None
    ) -> list[Reading]:
        readings: list[Reading] = []
        last_start = _last_start(events)
        self.halted = False
        for index, event in enumerate(events):
            match event:
                case Output(text, raw):
                    self._meter.advance(len(raw))
                    readings.append(self._grow(text))
                case Started():
                    self._origin = origin
                    readings.append(self._start(event))
                    self._meter.advance(len(event.raw))
                case Finished(raw):
                    self._meter.advance(len(raw))
                    tokens = self._meter.take(everything=index > last_start)
                    closed = self._finish(now, tokens)
                    self.ends[closed.transition.id] = self._meter.total
                    readings.append(closed)
                    if until is not None and until(closed.transition):
                        self._halt()
                        break
                case Preamble(text, raw):
                    self._meter.advance(len(raw))
                    self._preamble.append(text)
                case Trailing(text, raw):
                    self._meter.advance(len(raw))
                    self._trailing.append(text)
        return readings

    def _halt(self) -> None:
        """What was fed beyond the newest transition was not written."""
        self.halted = True
        self._parser = TransitionParser()
        self._meter.drop()

    def _start(self, event: Started) -> Opened:
        node = self._tree.add(event.action, event.number)
        self._open = _Open(node, event.label)
        return Opened(node, self._path)

    def _grow(self, text: str) -> Grown:
        current = self._current()
        reading = Grown(current.node.id, current.length, text)
        current.pieces.append(text)
        current.length += len(text)
        return reading

    def _finish(self, now: float, tokens: int) -> Closed:
        current = self._current()
        self._open = None
        node, output = current.node, "".join(current.pieces)
        target = self._tree.backtrack(output) if node.action is Action.BACKTRACK else None
        verification = self._verify(node, output)
        transition = Transition(
            id=node.id,
            parent=node.parent,
            number=node.number,
            path=self._path,
            action=node.action,
            label=current.label,
            output=output,
            target=target,
            legal=node.legal and (target is not None or node.action is not Action.BACKTRACK),
            origin=self._origin,
            verdict=verification.verdict,
            checks=verification.checks,
            tokens=tokens,
            seconds=max(0.0, now - self._mark),
        )
        self._mark = now
        self._keep(node, transition, verification.scope)
        return Closed(transition)

    def _keep(self, node: Node, transition: Transition, scope: Scope) -> None:
        """Remember what later transitions build on."""
        self._scopes[node.id] = scope
        refuted = tuple(check for check in transition.checks if check.verdict is Verdict.REFUTED)
        if refuted and node.action not in (Action.VERIFY, Action.BACKTRACK):
            self._refuted[node.id] = refuted
        if node.action is Action.SUMMARIZE:
            self._answers[node.id] = extract(transition.output)
        self._transitions.append(transition)

    def _verify(self, node: Node, output: str) -> Verification:
        """Check `output` with what the path to its parent knows; a dead end's values are gone."""
        scope = self._scopes[node.parent]
        found = verify_output(output, scope)
        if node.action in (Action.VERIFY, Action.BACKTRACK):
            checks = found.checks
            if any(check.verdict is Verdict.REFUTED for check in checks):
                quoted = {
                    _bare(check.claim)
                    for ancestor in self._tree.ancestors(node.parent)
                    for check in self._refuted.get(ancestor.id, ())
                }
                checks = tuple(check for check in checks if _bare(check.claim) not in quoted)
            return Verification(overall(checks), checks, scope, found.steps)
        return found

    def _current(self) -> _Open:
        assert self._open is not None, "the parser starts a state before it has output"
        return self._open


def node_of(transition: Transition) -> Node:
    """Where a transition that is there already stands."""
    return Node(
        transition.id,
        transition.parent,
        transition.number,
        transition.action,
        transition.legal,
    )


def _last_start(events: Sequence[ParserEvent]) -> int:
    """Where the last state of a feed starts, else -1.

    A state that is finished after it is followed by no other one, so the tokens of what remains of
    the feed are its own.
    """
    for index in reversed(range(len(events))):
        if isinstance(events[index], Started):
            return index
    return -1


def _bare(claim: str) -> str:
    """A claim without spaces: a quotation need not keep them."""
    return "".join(claim.split())


class _Meter:
    """Divides the tokens of text pieces by characters.

    A piece that spans two transitions is divided linearly and rounded down at the boundary, so the
    parts of all transitions sum to the tokens given.
    """

    __slots__ = ("_pieces", "_position", "_taken", "_tokens", "total")

    def __init__(self) -> None:
        self.total = 0  # characters read over
        self._pieces: deque[tuple[int, int]] = deque()  # (characters, tokens) not yet read over
        self._position = 0  # characters read of the first piece
        self._tokens = 0  # tokens of the pieces that were read over
        self._taken = 0

    def add(self, chars: int, tokens: int) -> None:
        self._pieces.append((chars, tokens))

    def advance(self, chars: int) -> None:
        self.total += chars
        self._position += chars
        while self._pieces and self._position >= self._pieces[0][0]:
            size, tokens = self._pieces.popleft()
            self._position -= size
            self._tokens += tokens

    def take(self, *, everything: bool = False) -> int:
        """Tokens since the last `take`; with `everything`, also those of text still ahead."""
        total = self._tokens
        if everything:
            total += sum(tokens for _, tokens in self._pieces)
        elif self._pieces:
            size, tokens = self._pieces[0]
            total += tokens * self._position // size
        taken, self._taken = total - self._taken, total
        return taken

    def drop(self) -> None:
        """Forget text that was not read over, and its tokens."""
        self._pieces.clear()
        self._position = 0
        self._tokens = self._taken


def read(text: str, question: str = "") -> Trace:
    """Read a whole trace at once."""
    reader = TraceReader()
    reader.feed(text)
    reader.close()
    return reader.trace(question)
