"""Deltas: at most one in an interval and path, however short the transitions are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from prometheus_client import CollectorRegistry

from app.engines.base import Engine, Sampling
from app.engines.scripted import Script, ScriptedEngine
from app.metrics import Metrics
from app.solving import deltas
from app.solving.record import Record
from app.solving.run import Run
from app.solving.sinks import NativeSink
from app.strategies.base import Problem, Step, Strategy
from statespace.reader import Grown, TraceReader
from statespace.solutions import Solution, SolutionRequest


class Heard:
    """A stream that keeps what it is told between the numbered events."""

    def __init__(self) -> None:
        self.grown: list[Grown] = []

    def numbered(self, _: int, __: bytes, ___: Solution | None) -> None: ...

    def delta(self, grown: Grown) -> None:
        self.grown.append(grown)

    def close(self) -> None: ...


def told(*paths: int) -> list[Grown]:
    """What is sent of transitions that are written at once, one on each of `paths`."""
    ids = iter(range(1, 100))
    readers = {path: TraceReader(path=path, ids=ids) for path in paths}

    async def solve(_: Engine, __: Problem) -> AsyncGenerator[Step, None]:
        for number, path in enumerate(paths, 1):
            text = f"\n\nState {number}:\nAction: Solve Subquestion\nOutput: "
            for piece in (text + "1", " + 1", " = 2"):
                for reading in readers[path].feed(piece):
                    yield reading
        for reader in readers.values():
            for reading in reader.close():
                yield reading

    heard = Heard()
    engine = ScriptedEngine(Script({}, 0.0))
    record = Record("sol_1", SolutionRequest(question="?", deltas=True), "m")
    problem = Problem("?", [], Sampling(100), 64, deltas=True)
    sinks = [NativeSink("sol_1", [heard])]
    run = Run(record, Metrics(CollectorRegistry()), sinks, problem)

    async def execute() -> None:
        await run.execute(engine, Strategy(solve), asyncio.get_running_loop().time() + 60)

    asyncio.run(execute())
    outputs = {transition.id: transition.output for transition in record.transitions}
    for state, output in outputs.items():
        assert "".join(one.text for one in heard.grown if one.id == state) == output
    return heard.grown


def test_a_transition_begins_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the path's first piece goes at once; after that each transition's text is one delta."""
    monkeypatch.setattr(deltas, "INTERVAL_S", 3600.0)
    assert [one.id for one in told(0, 0, 0)] == [1, 1, 2, 3]


def test_each_path_has_an_interval_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deltas, "INTERVAL_S", 3600.0)
    assert [one.id for one in told(0, 1)] == [1, 2, 1, 2]
