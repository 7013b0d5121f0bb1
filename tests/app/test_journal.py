"""Readers of a journal, whenever they come, however it is written: nothing lost, nothing early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given, strategies as st

from app.keeping.journal import Journal
from app.web import sse
from statespace.reader import Grown
from statespace.solutions import Solution
from tests.support.streams import events


class Writer:
    """A journal whose commits a test makes when it likes."""

    def __init__(self, first: int = 0) -> None:
        self.uncommitted: list[int] = []
        self.ended: list[str] = []
        self.journal = Journal("sol_x", self._commit, self.ended.append, first)
        self.sequence = first

    def event(self, kind: str, **payload: Any) -> None:
        frame = sse.encode(kind, self.sequence, "sol_x", **payload)
        self.journal.numbered(self.sequence, frame, None)
        self.sequence += 1

    def commit(self) -> None:
        count, self.uncommitted = len(self.uncommitted), []
        if count:
            self.journal.committed(count)

    def _commit(self, _: Journal, sequence: int, __: bytes, ___: Solution | None) -> None:
        self.uncommitted.append(sequence)


def started(writer: Writer, state: int) -> None:
    writer.event("transition.started", id=state, parent=0, path=0, number=None, action="formalize")


def completed(writer: Writer, state: int, output: str) -> None:
    transition = {"id": state, "parent": 0, "action": "formalize", "label": "", "output": output}
    writer.event("transition.completed", transition=transition)


async def read(journal: Journal, after: int, into: list[bytes]) -> None:
    async for piece in journal.read(after, 60):
        into.append(piece)  # noqa: PERF401 - a test looks at it meanwhile


STEPS = st.lists(st.sampled_from(["state", "text", "commit", "read"]), max_size=40)


@given(STEPS, st.integers(-1, 6))
def test_any_reader_at_any_time(steps: list[str], after: int) -> None:
    """Numbers are gap-free and committed; texts are whole, each character once and in order."""

    async def check() -> None:
        writer, readers = Writer(), []
        written: dict[int, str] = {}
        tasks: list[asyncio.Task[None]] = []

        def begin_reader() -> None:
            found: list[bytes] = []
            readers.append(found)
            tasks.append(asyncio.create_task(read(writer.journal, after, found)))

        begin_reader()
        state = 0
        for step in steps:
            if step == "state":
                if state:
                    completed(writer, state, written[state])
                state += 1
                written[state] = ""
                started(writer, state)
            elif step == "text" and state:
                text = f"<{len(written[state])}>"
                writer.journal.delta(Grown(state, len(written[state]), text))
                written[state] += text
            elif step == "commit":
                writer.commit()
            elif step == "read":
                begin_reader()
            await asyncio.sleep(0)
            seen = [number for found in readers for number in numbers(found)]
            assert not set(seen) & set(writer.uncommitted), "nobody sees what is not kept"
        if state:
            completed(writer, state, written[state])
        writer.commit()
        writer.journal.end()
        await asyncio.gather(*tasks)
        for found in readers:
            assert numbers(found) == list(range(after + 1, writer.sequence))
            texts: dict[int, str] = {}
            for event in events(b"".join(found).decode()):
                if event["type"] == "transition.delta":
                    so_far = texts.get(event["id"], "")
                    assert event["offset"] == len(so_far)
                    texts[event["id"]] = so_far + event["delta"]
            assert all(written[state].startswith(text) for state, text in texts.items())

    asyncio.run(check())


def numbers(pieces: list[bytes]) -> list[int]:
    body = b"".join(pieces).decode()
    return [e["sequence_number"] for e in events(body) if "sequence_number" in e]


async def test_a_closed_transitions_text_is_sent_once_to_a_late_reader() -> None:
    writer = Writer()
    started(writer, 1)
    writer.journal.delta(Grown(1, 0, "abc"))
    writer.journal.delta(Grown(1, 3, "def"))
    completed(writer, 1, "abcdef")
    writer.commit()
    writer.journal.end()
    found: list[bytes] = []
    await read(writer.journal, -1, found)
    types = [event["type"] for event in events(b"".join(found).decode())]
    assert types == ["transition.started", "transition.completed"]


async def test_a_silence_is_filled(monkeypatch: Any) -> None:
    writer = Writer()
    found: list[bytes] = []

    async def listen(until: Callable[[], bool]) -> None:
        async for piece in writer.journal.read(-1, 0.01):
            found.append(piece)
            if until():
                return

    await listen(lambda: len(found) >= 2)
    assert set(found) == {sse.HEARTBEAT}


async def test_the_end_is_told_once() -> None:
    writer = Writer(first=5)
    assert writer.journal.newest == 4
    started(writer, 1)
    writer.commit()
    assert writer.journal.newest == 5
    writer.journal.end()
    assert writer.ended == ["sol_x"]
