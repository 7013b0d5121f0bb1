"""Full disks, damaged files and mistyped recipes, met by the commands as they are typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tests.support.killing import HEAVY, LIGHT, THOROUGH, Mortal, mortal
from tests.support.miniature import (
    PROBLEMS,
    Inputs,
    Step,
    comparable,
    content,
    decontaminate,
    dpo,
    evaluation,
    export,
    filters,
    grpo,
    known,
    learnt,
    pairs,
    prepared,
    problems,
    review,
    sft,
    taught,
    whole,
)
from tests.training.finetune import RECIPES
from training.curriculum import repair
from training.curriculum.collect import Collection
from training.curriculum.faults import plan
from training.errors import DataError
from training.problems import jsonl, output
from training.traces import graph

TIMED = ("shards/*", "answers.jsonl", "judgements.jsonl", "results.*")
"""Files whose lines come in any order, or that hold seconds."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inputs]:
    with prepared(tmp_path_factory.mktemp("inputs")) as inputs:
        yield inputs


@pytest.fixture(scope="module")
def process() -> Iterator[Mortal]:
    with mortal(*LIGHT, "training.finetune.recipe", "yaml") as process:
        yield process


@pytest.mark.parametrize(
    "step", [problems, decontaminate, known, taught, review, filters, evaluation]
)
def test_a_full_disk_is_explained_whichever_file_it_meets(
    process: Mortal, inputs: Inputs, tmp_path: Path, step: Step
) -> None:
    """With room made, the same command ends as it would have."""
    check_full_disk(process, inputs, tmp_path, step)


def check_full_disk(process: Mortal, given: Inputs, folder: Path, step: Step) -> None:
    """With room for some of the files only: for none, for the smaller half, for all but one."""
    made = folder / "whole" / "out"
    whole(process, step, given, made)
    expected = comparable(made.parent, *TIMED)
    sizes = sorted({path.stat().st_size for path in made.rglob("*") if path.is_file()} - {0})
    for room in {sizes[0] - 1, sizes[len(sizes) // 2] - 1, sizes[-1] - 1}:
        out = folder / str(room) / "out"
        full = process.run(*step(given, out), watch=out, room=room)
        assert full.status in (1, 2), (room, full.said)
        assert "free space" in " ".join(full.said.split()), (room, full.said)
        assert "Traceback" not in full.said, (room, full.said)
        assert not list(out.parent.rglob("*.part")), room
        whole(process, step, given, out)
        assert comparable(out.parent, *TIMED) == expected, room
        assert set(content(out)) == set(content(made)), room


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not THOROUGH, reason="make test-all")
def test_a_full_disk_is_explained_by_what_trains(inputs: Inputs, tmp_path: Path) -> None:
    with mortal(*HEAVY) as process:
        learnt(inputs, process)
        for step in (pairs, sft, dpo, grpo, export):
            check_full_disk(process, inputs, tmp_path / step.__name__, step)


def test_a_damaged_shard_is_named_and_loses_one_trace_only(
    process: Mortal, inputs: Inputs, tmp_path: Path
) -> None:
    """As a copy leaves it that broke off; the remedy is that of the message."""
    out = tmp_path / "out"
    whole(process, taught, inputs, out)
    expected = content(out, "shards/*")
    (shard,) = out.glob("shards/*.jsonl")
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(b"".join([*lines[:2], lines[2][:60] + b"\n", *lines[3:]]))
    damaged = process.run(*taught(inputs, out), watch=out)
    said = " ".join(damaged.said.split())
    assert damaged.status == 1
    assert f"{shard.name}, line 3, is damaged" in said
    assert "delete the line and run again" in said
    shard.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    before = len(inputs.teacher.requests)
    whole(process, taught, inputs, out)
    assert len(inputs.teacher.requests) - before == 1
    assert content(out, "shards/*") == expected


def test_a_shard_cut_short_is_filled_up(process: Mortal, inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole(process, taught, inputs, out)
    expected = content(out, "shards/*")
    (shard,) = out.glob("shards/*.jsonl")
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(b"".join(lines[:7]) + lines[7][:-20])
    before = len(inputs.teacher.requests)
    whole(process, taught, inputs, out)
    assert len(inputs.teacher.requests) - before == len(PROBLEMS) - 7
    assert content(out, "shards/*") == expected


def test_a_file_cut_short_stops_the_next_step(
    process: Mortal, inputs: Inputs, tmp_path: Path
) -> None:
    """Half the rows would pass for all of them."""
    made, out = tmp_path / "made" / "problems.jsonl", tmp_path / "out"
    whole(process, problems, inputs, made.parent)
    made.write_bytes(b"".join(made.read_bytes().splitlines(keepends=True)[:2]))
    against = ["--against", inputs / "test.jsonl", "--output", out / "clean.jsonl"]
    ended = process.run("train", "decontaminate", made, *against, watch=out)
    assert ended.status == 1, ended.said
    assert "cut short or changed" in " ".join(ended.said.split())
    assert not out.exists()


def test_what_lies_beside_an_output_is_held_against_its_manifest_too(tmp_path: Path) -> None:
    """Rejected rows have no manifest of their own."""
    first, second = tmp_path / "accepted.jsonl", tmp_path / "rejected.jsonl"
    first.write_text("1\n")
    second.write_text("2\n3\n")
    output.finish(first, {first: 1, second: 2}, key="k")
    output.check_whole(second)
    second.write_text("2\n")
    with pytest.raises(DataError, match="cut short or changed"):
        output.check_whole(second)


@pytest.mark.parametrize(
    ("recipe", "right", "typed"),
    [
        ("qwen", "  learning_rate: ", "  learning_rat: "),
        ("llama-3-8b", "\n  lora:", "\n  lorra:"),
        ("starter", "\n  save_steps: 500", "\n  safe_steps: 500"),
    ],
)
def test_a_typo_in_a_recipe_names_the_nearest_key_before_any_work(
    process: Mortal, tmp_path: Path, recipe: str, right: str, typed: str
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text((RECIPES / f"{recipe}.yaml").read_text().replace(right, typed, 1))
    out = tmp_path / "out"
    command = ["--recipe", path, "--output", out]
    if recipe == "starter":
        command += ["--work", out]
    else:
        command = ["sft", *command, "--data", tmp_path / "accepted.jsonl"]
    ended = process.run("train", *command, watch=out)
    said = " ".join(ended.said.split())
    assert ended.status == 1, said
    assert f"did you mean {dotted(right, recipe)}?" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == [path]


def dotted(right: str, recipe: str) -> str:
    """The key that was meant."""
    section = {"lora": "model"}.get(right.strip(": \n").partition(":")[0], "sft")
    return f"{section}.{right.strip().partition(':')[0]}"


SPANS = st.tuples(st.integers(0, 2000), st.integers(0, 40))
EDITS = st.lists(st.tuples(SPANS, st.sampled_from(["", " ", "0", "9" * 400, ": ", " / 0", ". "])))


@given(number=st.integers(0, len(PROBLEMS) - 1), edits=EDITS)
def test_whatever_a_model_writes_is_repaired_or_counted(
    number: int, edits: list[tuple[tuple[int, int], str]]
) -> None:
    """A small model leaves out words: one such trace must not end the step for all others."""
    problem = PROBLEMS[number]
    text = graph.text(problem)
    for (place, length), written in edits:
        start = place % (len(text) + 1)
        text = text[:start] + written + text[start + length :]
    states = repair.states(text)
    if states is not None:
        made = Collection("step", "graph")
        made.add(problem, states, repair.by_graph, origin="self", sample=0)
        assert made.counts.total() == 1


def test_a_quantity_without_a_name_is_no_plan() -> None:
    problem = PROBLEMS[0]
    assert plan(problem, "Pens: a = 3. Find the : b = a + 4.") is None


def test_what_is_asked_of_a_teacher_is_what_the_problems_say(inputs: Inputs) -> None:
    """The harness itself: its questions can be told apart."""
    questions = [problem.question for problem in jsonl.read(inputs / "problems.jsonl")]
    assert not [one for one in questions for two in questions if one != two and one in two]
