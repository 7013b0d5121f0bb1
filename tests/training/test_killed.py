"""Every step, as typed, is killed with SIGKILL and run again: as if it had not been.

Here a few moments of each step that takes no model; `make test-all` takes all of their moments, and
the steps that train.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.engines.scripted import Script, ScriptedEngine
from statespace.text import render
from tests.support.killing import KILLED, LIGHT, Mortal, mortal
from tests.support.miniature import Tutor, content
from tests.support.server import local_server
from tests.support.teacher import Teacher, teacher
from training import manifest, rows
from training.evaluation.answers import AnswerRow
from training.problems import generator, jsonl
from training.rows import TraceRow, row_key
from training.shards import Outcome, places
from training.traces import graph
from training.traces.filters import Rejected, filtered

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "long"
DEATHS = 4
"""Of each step, unless all of its moments are taken."""
PROBLEMS = [generator.generate(7, index, operations=(1, 2)) for index in range(12)]
TUTOR = Tutor.of(PROBLEMS)
WIDTH = 3


@dataclass(frozen=True)
class Inputs:
    """What stands before a step: files of the steps before it, and servers."""

    folder: Path
    teacher: Teacher
    url: str

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def trace(number: int) -> TraceRow:
    problem = PROBLEMS[number]
    return TraceRow(
        key=row_key(problem.id, 0, "test"),
        problem=problem.id,
        question=problem.question,
        gold=problem.answer,
        trace=render(TUTOR.wrong(number) or graph.trace(problem)),
        origin="teacher",
        source=problem.source,
        split=problem.split,
        licence=problem.licence,
    )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inputs]:
    folder = tmp_path_factory.mktemp("inputs")
    jsonl.write(folder / "problems.jsonl", PROBLEMS)
    jsonl.write(folder / "test.jsonl", [*PROBLEMS[:2], generator.generate(8, 1)])
    traces = [trace(number) for number in range(len(PROBLEMS))]
    rows.write(folder / "traces.jsonl", traces)
    rejected = [one.kept for one in filtered(traces) if isinstance(one, Rejected)]
    assert len(rejected) == 6
    rows.write(folder / "rejected.jsonl", rejected)
    script = Script({one.question: graph.text(one) for one in PROBLEMS}, delay_s=0)
    with teacher(TUTOR) as asked, local_server(ScriptedEngine(script)) as server:
        yield Inputs(folder, asked, server.url)


@pytest.fixture(scope="module")
def process() -> Iterator[Mortal]:
    with mortal(*LIGHT) as process:
        yield process


Step = Callable[[Inputs, Path], list[object]]
"""What is typed behind `statewise`, given what there is and the folder to write to."""


def problems(given: Inputs, out: Path) -> list[object]:
    source = ["train", "problems", "procedural", "--count", 12, "--seed", 3]
    return [*source, "--operations", "1-2", "--output", out / "problems.jsonl"]


def decontaminate(given: Inputs, out: Path) -> list[object]:
    against = ["--against", given / "test.jsonl", "--threshold", 1, "--no-masked"]
    train = ["train", "decontaminate", given / "problems.jsonl"]
    return [*train, *against, "--output", out / "clean.jsonl"]


def known(given: Inputs, out: Path) -> list[object]:
    return ["train", "traces", given / "problems.jsonl", "--origin", "graph", "--output", out]


def asking(given: Inputs) -> list[object]:
    return ["--url", given.teacher.url, "--model", "tutor", "--concurrency", WIDTH]


def taught(given: Inputs, out: Path) -> list[object]:
    origin = ["--origin", "teacher", *asking(given)]
    return ["train", "traces", given / "problems.jsonl", *origin, "--output", out]


def review(given: Inputs, out: Path) -> list[object]:
    return ["train", "review", given / "rejected.jsonl", *asking(given), "--output", out]


def filters(given: Inputs, out: Path) -> list[object]:
    return ["train", "filter", given / "traces.jsonl", "--output", out]


def evaluation(given: Inputs, out: Path) -> list[object]:
    which = ["--set", f"mine=problems:{given / 'problems.jsonl'}", "--concurrency", WIDTH]
    return ["eval", "--url", given.url, *which, "--output", out]


def whole(process: Mortal, step: Step, given: Inputs, out: Path) -> list[str]:
    """Runs a step without killing it; returns its moments."""
    ended = process.run(*step(given, out), watch=out)
    assert ended.status == 0, ended.said
    return ended.moments


def chosen(moments: list[str], step: Step) -> list[int]:
    """Moments to die at, by number."""
    every = range(1, len(moments) + 1)
    return [*every] if THOROUGH else sorted(Random(step.__name__).sample(every, DEATHS))


def outcome(path: Path) -> list[str]:
    """The keys of a step's shards; fails where one is there twice."""
    lines = [line for file in path.glob("shards/*.jsonl") for line in file.read_bytes().split(b"\n")]
    keys = Counter(rows.TraceRow.model_validate_json(line).key for line in lines if line)
    assert set(keys.values()) <= {1}
    return sorted(keys)


@pytest.mark.parametrize("step", [problems, decontaminate, known, filters])
def test_a_step_killed_anywhere_ends_the_same(
    process: Mortal, inputs: Inputs, tmp_path: Path, step: Step
) -> None:
    moments = whole(process, step, inputs, tmp_path / "whole" / "out")
    expected = content(tmp_path / "whole")
    for number in chosen(moments, step):
        out = tmp_path / str(number) / "out"
        killed = process.run(*step(inputs, out), watch=out, die=number)
        assert killed.status == KILLED, (moments[number - 1], killed.said)
        whole(process, step, inputs, out)
        assert content(out.parent) == expected, moments[number - 1]


@pytest.mark.parametrize("step", [taught, review])
def test_what_a_teacher_was_paid_for_is_kept(
    process: Mortal, inputs: Inputs, tmp_path: Path, step: Step
) -> None:
    """Only what was on its way is asked for again."""
    moments = whole(process, step, inputs, tmp_path / "whole" / "out")
    expected = content(tmp_path / "whole", "shards/*")
    keys = outcome(tmp_path / "whole" / "out")
    for number in chosen(moments, step):
        out = tmp_path / str(number) / "out"
        killed = process.run(*step(inputs, out), watch=out, die=number)
        assert killed.status == KILLED, (moments[number - 1], killed.said)
        shards = out.glob("shards/*.jsonl")
        kept = sum(path.read_bytes().count(b"\n") for path in shards)
        before = len(inputs.teacher.requests)
        whole(process, step, inputs, out)
        assert len(inputs.teacher.requests) - before == len(keys) - kept, moments[number - 1]
        assert content(out.parent, "shards/*") == expected, moments[number - 1]
        assert outcome(out) == keys
