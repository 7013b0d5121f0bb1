"""Every step, as typed, is killed with SIGKILL and run again: as if it had not been.

Here a few moments of each step that takes no model; `make test-all` takes all of their moments, and
the steps that train.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.killing import HEAVY, KILLED, LIGHT, THOROUGH, Mortal, mortal
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
    own_pairs,
    pairs,
    prepared,
    problems,
    review,
    sft,
    taught,
    whole,
)
from training import manifest, rows
from training.errors import TrainingError
from training.evaluation.answers import AnswerRow
from training.evaluation.results import JUDGEMENTS, RESULTS, SetJudgement
from training.finetune.place import Place

DEATHS = 4
"""Of each step, unless all of its moments are taken."""
TRAINING_DEATHS = 10
"""Of each step that trains, in `make test-all`."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inputs]:
    with prepared(tmp_path_factory.mktemp("inputs")) as inputs:
        yield inputs


@pytest.fixture(scope="module")
def process() -> Iterator[Mortal]:
    with mortal(*LIGHT) as process:
        yield process


def chosen(moments: list[str], step: Step) -> list[int]:
    """Moments to die at, by number."""
    every = range(1, len(moments) + 1)
    return [*every] if THOROUGH else sorted(Random(step.__name__).sample(every, DEATHS))


def shard_keys(path: Path) -> list[str]:
    """The keys of a step's shards; fails where one is there twice."""
    files = path.glob("shards/*.jsonl")
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    keys = Counter(json.loads(line)["key"] for line in lines)
    assert set(keys.values()) <= {1}
    return sorted(keys)


def died(process: Mortal, step: Step, given: Inputs, out: Path, number: int) -> bool:
    """Kills a step at a moment; whether it had not ended before, as syncs that merge let it."""
    ended = process.run(*step(given, out), watch=out, die=number)
    assert ended.status in (KILLED, 0), ended.said
    return ended.status == KILLED


@pytest.mark.parametrize("step", [problems, decontaminate, known, filters])
def test_a_step_killed_anywhere_ends_the_same(
    process: Mortal, inputs: Inputs, tmp_path: Path, step: Step
) -> None:
    """Byte for byte, manifests included; and no .part is left."""
    moments = whole(process, step, inputs, tmp_path / "whole" / "out")
    expected = content(tmp_path / "whole")
    for number in chosen(moments, step):
        out = tmp_path / str(number) / "out"
        assert died(process, step, inputs, out, number)
        whole(process, step, inputs, out)
        assert content(out.parent) == expected, moments[number - 1]


@pytest.mark.parametrize("step", [taught, review])
def test_what_a_teacher_was_paid_for_is_kept(
    process: Mortal, inputs: Inputs, tmp_path: Path, step: Step
) -> None:
    """Only what was on its way is asked for again."""
    moments = whole(process, step, inputs, tmp_path / "whole" / "out")
    expected = content(tmp_path / "whole", "shards/*")
    keys = shard_keys(tmp_path / "whole" / "out")
    deaths = 0
    for number in chosen(moments, step):
        out = tmp_path / str(number) / "out"
        deaths += died(process, step, inputs, out, number)
        kept = sum(path.read_bytes().count(b"\n") for path in out.glob("shards/*.jsonl"))
        before = inputs.teacher.settled()
        whole(process, step, inputs, out)
        assert len(inputs.teacher.requests) - before == len(keys) - kept, moments[number - 1]
        assert content(out.parent, "shards/*") == expected, moments[number - 1]
        assert shard_keys(out) == keys
    assert deaths


def test_an_evaluation_keeps_every_answer(process: Mortal, inputs: Inputs, tmp_path: Path) -> None:
    moments = whole(process, evaluation, inputs, tmp_path / "whole")
    expected = found(tmp_path / "whole")
    deaths = 0
    for number in chosen(moments, evaluation):
        out = tmp_path / str(number)
        deaths += died(process, evaluation, inputs, out, number)
        whole(process, evaluation, inputs, out)
        assert found(out) == expected, moments[number - 1]
        assert not list(out.glob("*.part")), moments[number - 1]
    assert deaths


def found(out: Path) -> tuple[list[str], Any, Any]:
    """Keys of the answers, what was found of each, and the counts; but for seconds."""
    keys = [row.key for row in rows.read(out / "answers.jsonl", AnswerRow)]
    assert len(set(keys)) == len(keys) == len(PROBLEMS)
    judged = [
        row.model_dump(exclude={"seconds"}) for row in rows.read(out / JUDGEMENTS, SetJudgement)
    ]
    (one,) = manifest.read(out / RESULTS)["sets"]
    return sorted(keys), judged, {**one, "report": {**one["report"], "seconds": None}}


@pytest.fixture(scope="module")
def trainer() -> Iterator[Mortal]:
    with mortal(*HEAVY) as process:
        yield process


@pytest.fixture(scope="module")
def trained(inputs: Inputs, trainer: Mortal) -> Inputs:
    learnt(inputs, trainer)
    return inputs


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not THOROUGH, reason="make test-all")
@pytest.mark.parametrize(
    "step",
    [
        pairs,
        own_pairs,
        sft,
        dpo,
        grpo,
        export,
    ],
)
def test_training_killed_anywhere_ends_the_same(
    trainer: Mortal, trained: Inputs, tmp_path: Path, step: Step
) -> None:
    """Losses, weights, cards and manifests, byte for byte; and nothing else is left."""
    moments = whole(trainer, step, trained, tmp_path / "whole" / "out")
    expected = comparable(tmp_path / "whole")
    numbers = range(1, len(moments) + 1)
    for number in sorted(Random(step.__name__).sample(numbers, min(len(numbers), TRAINING_DEATHS))):
        out = tmp_path / str(number) / "out"
        assert died(trainer, step, trained, out, number)
        whole(trainer, step, trained, out)
        ended = comparable(out.parent)
        assert ended.keys() == expected.keys(), moments[number - 1]
        assert ended == expected, moments[number - 1]
        shutil.rmtree(out.parent)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not THOROUGH, reason="make test-all")
def test_an_export_killed_while_it_replaces_another_can_be_repeated(
    trainer: Mortal, trained: Inputs, tmp_path: Path
) -> None:
    """Half removed, what was there would pass for somebody's own files."""
    out = tmp_path / "out"
    whole(trainer, export, trained, out)
    expected = content(tmp_path)
    for number in range(1, len(whole(trainer, export, trained, out)) + 1):
        assert died(trainer, export, trained, out, number)
        whole(trainer, export, trained, out)
        assert content(tmp_path) == expected, number


def three_steps(given: Inputs, out: Path) -> list[object]:
    """Stage 1 that ends in the middle of an epoch."""
    return [*sft(given, out), "--set=sft.max_steps=3", "--set=sft.schedule=constant_with_warmup"]


@pytest.mark.slow
def test_a_stage_killed_after_its_last_step_takes_no_further_one(
    trainer: Mortal, trained: Inputs, tmp_path: Path
) -> None:
    """A checkpoint of the last step is resumed by transformers with one step more."""
    moments = whole(trainer, three_steps, trained, tmp_path / "whole" / "out")
    last = moments.index("open /statewise.json") + 1
    out = tmp_path / "killed" / "out"
    assert died(trainer, three_steps, trained, out, last)
    whole(trainer, three_steps, trained, out)
    assert comparable(out.parent) == comparable(tmp_path / "whole")
    config = manifest.read(out / "adapter_config.json")
    targets = config["target_modules"]
    assert targets == sorted(targets), "or another process gives the same run another digest"


@pytest.mark.parametrize(
    "left", [(), ("training",), ("training", ".lock"), ("training", ".lock", "key.json.part")]
)
def test_a_stage_killed_at_its_very_start_begins_again(
    tmp_path: Path, left: tuple[str, ...]
) -> None:
    place = Place(tmp_path / "out", "key")
    for name in left:
        place.training.mkdir(parents=True, exist_ok=True)
        if name != "training":
            (place.training / name).touch()
    with place.claimed():
        assert manifest.read(place.training / "key.json") == {"key": "key"}


def test_a_folder_of_somebody_elses_is_not_trained_into(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "plan.txt").touch()
    with pytest.raises(TrainingError, match="files that no run has written"):
        Place(tmp_path, "key").claimed().__enter__()
