"""The whole pipeline in miniature, as a user types it: from no data to a served reasoner.

A random model of two layers learns traces by heart, is sampled through vLLM, is shown its mistakes,
and is evaluated on the real engine. Every step is a process of its own.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statespace.card import Card
from tests.conftest import REPOSITORY
from tests.support.miniature import Tutor
from tests.support.teacher import Fault, teacher
from tests.support.tiny_models import make
from tests.support.vllm_server import vllm_server
from training import manifest, rows
from training.evaluation.answers import AnswerRow
from training.finetune import packaging
from training.problems import jsonl
from training.rows import PairRow, Reason, RejectedRow, TraceRow
from training.traces.teacher.review import RepairRow

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

RECIPE = REPOSITORY / "training" / "recipes" / "llama-3-8b.yaml"
COUNT = 16
SAMPLES = 3
SHARED = ("model.lora=null", "precision=fp32", "report_to=[]")
BY_HEART = (
    "sft.batch=8",
    "sft.per_device_batch=8",
    "sft.max_steps=200",
    "sft.save_steps=100",
    "sft.learning_rate=0.005",
    "sft.gradient_checkpointing=false",
)
BRIEFLY = (
    "dpo.batch=8",
    "dpo.per_device_batch=4",
    "dpo.max_steps=3",
    "dpo.save_steps=2",
    "dpo.logging_steps=1",
    "dpo.learning_rate=0.0001",
    "dpo.sft=0",  # so that the loss is that of preferences alone
)
FAULTS = (Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.CUT)


def statewise(*arguments: object) -> str:
    """Runs a command to its end; what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "statewise", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, (arguments, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout


def overridden(*sections: tuple[str, ...]) -> list[str]:
    return [f"--set={override}" for section in sections for override in section]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run from the first step to the last."""
    work = tmp_path_factory.mktemp("miniature")
    procedural = ("train", "problems", "procedural", "--operations", 1)
    statewise(*procedural, "--count", COUNT, "--seed", 9, "--output", work / "problems.jsonl")
    statewise(*procedural, "--count", 4, "--wordings", "heldout", "--output", work / "test.jsonl")
    clean = work / "clean.jsonl"
    against = ("--against", work / "test.jsonl", "--threshold", 1, "--no-masked")
    statewise("train", "decontaminate", work / "problems.jsonl", *against, "--output", clean)
    _teach(work, clean)
    fundamental = ("--data", work / "filtered" / "accepted.jsonl", *overridden(SHARED, BY_HEART))
    start = ("--recipe", RECIPE, "--model", make("llama", work / "tiny"))
    statewise("train", "sft", *start, *fundamental, "--output", work / "stage1")
    _sample(work, clean)
    _prefer(work, clean)
    statewise("train", "export", "--checkpoint", work / "stage2", "--output", work / "reasoner")
    sets = [f"seen=problems:{clean},limit=8", f"heldout=problems:{work / 'test.jsonl'}"]
    statewise(
        *("eval", "--model", work / "reasoner", "--output", work / "eval", "--max-tokens", 200),
        *(word for one in sets for word in ("--set", one)),
    )
    return work


def _teach(work: Path, clean: Path) -> None:
    """Traces from graphs and from a teacher, filtered; and the wrong ones reviewed."""
    statewise("train", "traces", clean, "--origin", "graph", "--output", work / "graph")
    with teacher(Tutor.of(jsonl.read(clean)), FAULTS) as server:
        asked = ("--url", server.url, "--model", "tutor")
        origin = ("--origin", "teacher", "--output", work / "taught")
        statewise("train", "traces", clean, *origin, *asked)
        made = [work / name / "traces.jsonl" for name in ("graph", "taught")]
        statewise("train", "filter", *made, "--forward", "--output", work / "filtered")
        rejected = work / "filtered" / "rejected.jsonl"
        statewise("train", "review", rejected, *asked, "--output", work / "reviewed")


def _sample(work: Path, clean: Path) -> None:
    """Stage 1's own traces, through vLLM, and which of them are wrong."""
    with vllm_server(work / "stage1", "stage1", work / "vllm.log") as url:
        sampling = ("--samples", SAMPLES, "--temperature", 1.0, "--max-tokens", 300)
        own = ("--origin", "self", "--url", url, "--model", "stage1", *sampling)
        statewise("train", "traces", clean, *own, "--output", work / "own")
    statewise("train", "filter", work / "own" / "traces.jsonl", "--output", work / "judged")


def _prefer(work: Path, clean: Path) -> None:
    """Pairs from its own mistakes and from the reviewer's repairs; then stage 2."""
    pairs = ("train", "pairs", "--problems", clean)
    own = ("--wrong", work / "judged" / "rejected.jsonl", "--output", work / "pairs.jsonl")
    statewise(*pairs, *own)
    reviews = ("--repair", "teacher", "--reviews", work / "reviewed" / "repaired.jsonl")
    statewise(*pairs, *reviews, "--mode", "trajectory", "--output", work / "reviews.jsonl")
    data = ("--pairs", work / "pairs.jsonl", "--pairs", work / "reviews.jsonl")
    start = ("--recipe", RECIPE, "--model", work / "stage1", *overridden(SHARED, BRIEFLY))
    statewise("train", "dpo", *start, *data, "--output", work / "stage2")


def record(work: Path, name: str) -> dict[str, Any]:
    """A manifest."""
    found: dict[str, Any] = json.loads((work / name).read_text(encoding="utf-8"))
    return found


def made(work: Path, name: str) -> Iterator[tuple[Path, str, int]]:
    """The outputs that a manifest names: path, digest and rows."""
    folder = (work / name).parent
    for output, noted in record(work, name)["outputs"].items():
        yield folder / output, noted["digest"], noted["rows"]


STEPS = (
    "problems.manifest.json",
    "test.manifest.json",
    "clean.manifest.json",
    "graph/traces.manifest.json",
    "taught/traces.manifest.json",
    "filtered/accepted.manifest.json",
    "reviewed/traces.manifest.json",
    "reviewed/repaired.manifest.json",
    "own/traces.manifest.json",
    "judged/accepted.manifest.json",
    "pairs.manifest.json",
    "reviews.manifest.json",
)


def test_every_step_took_what_the_step_before_had_made(work: Path) -> None:
    """By digest, from the problems to the evaluated weights."""
    outputs = {path: digest for step in STEPS for path, digest, _ in made(work, step)}
    for path, digest in outputs.items():
        assert manifest.file_digest(path) == digest, path
    clean = record(work, "clean.manifest.json")
    assert clean["train"]["digest"] == outputs[work / "problems.jsonl"]
    assert clean["against"]["test.jsonl"]["digest"] == outputs[work / "test.jsonl"]
    taken = 0
    for step in STEPS[3:]:
        for path, digest in record(work, step)["inputs"].items():
            if path != "corrupt":
                assert outputs[Path(path)] == digest, (step, path)
                taken += 1
    assert taken == 12

    first, second, last = (
        record(work, f"{name}/manifest.json") for name in ("stage1", "stage2", "reasoner")
    )
    assert first["start"] == packaging.contents(work / "tiny")
    assert second["start"] == manifest.key(first["outputs"])
    accepted = outputs[work / "filtered" / "accepted.jsonl"]
    assert first["data"]["sft"]["files"] == {"accepted.jsonl": accepted}
    preferred = {name: outputs[work / name] for name in ("pairs.jsonl", "reviews.jsonl")}
    assert second["data"]["dpo"]["files"] == preferred
    assert second["data"]["sft"] == first["data"]["sft"]
    assert (last["key"], last["data"]) == (second["key"], second["data"])
    weights = sorted(path for path in (work / "reasoner").iterdir() if path.is_file())
    evaluated = record(work, "eval/results.json")["manifest"]["checkpoint"]
    digests = [(path.name, manifest.file_digest(path)) for path in weights]
    assert evaluated == "sha256:" + manifest.key(digests)


def test_no_row_is_lost_and_none_is_there_twice(work: Path) -> None:
    for step in STEPS:
        for path, _, count in made(work, step):
            lines = [json.loads(line) for line in path.read_bytes().splitlines()]
            assert len(lines) == count, path
            keys = [line.get("key") or line["id"] for line in lines]
            assert len(set(keys)) == len(keys), path
    for filtered, sources in (("filtered", ("graph", "taught")), ("judged", ("own",))):
        given = [key for name in sources for key in keys_of(work / name / "traces.jsonl")]
        parts = ("accepted.jsonl", "rejected.jsonl")
        taken = [key for part in parts for key in keys_of(work / filtered / part)]
        assert Counter(taken) == Counter(given), filtered
    assert len(keys_of(work / "own" / "traces.jsonl")) == SAMPLES * COUNT
    assert not list(work.rglob("*.part"))


def keys_of(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_bytes().splitlines()]


def test_a_lie_is_rejected_and_a_reviewer_may_not_meddle(work: Path) -> None:
    tutor = Tutor.of(jsonl.read(work / "clean.jsonl"))
    numbers = range(COUNT)
    lies = {tutor.problems[number].id for number in numbers if tutor.lies(number)}
    slips = {
        tutor.problems[number].id
        for number in numbers
        if tutor.wrong(number) and not tutor.lies(number)
    }
    assert lies
    assert slips
    rejected = list(rows.read(work / "filtered" / "rejected.jsonl", RejectedRow))
    reasons = {row.problem: row.reason for row in rejected}
    assert {key for key, why in reasons.items() if why is Reason.WRONG_ANSWER} == lies
    assert {key for key, why in reasons.items() if why is Reason.REFUTED} == slips
    # What the teacher got right, it wrote as the graph does.
    assert {key for key, why in reasons.items() if why is Reason.DUPLICATE} == {
        one.id for one in tutor.problems
    } - lies - slips
    meddled = {tutor.problems[n].id for n in numbers if tutor.meddles(n)} & slips
    assert meddled
    repaired = {row.problem for row in rows.read(work / "reviewed" / "repaired.jsonl", RepairRow)}
    assert repaired == slips - meddled
    details = {
        row.problem: row.detail
        for row in rows.read(work / "reviewed" / "rejected.jsonl", RejectedRow)
    }
    assert details == dict.fromkeys(meddled, "changes State 1") | dict.fromkeys(
        lies, "holds no Verify"
    )


def test_both_stages_learnt(work: Path) -> None:
    first, second = (record(work, f"{name}/manifest.json")["log"] for name in ("stage1", "stage2"))
    assert first[-1]["loss"] < first[0]["loss"] / 3
    assert second[0]["loss"] == pytest.approx(math.log(2), abs=1e-3)
    assert second[-1]["loss"] < second[0]["loss"]
    assert Card.load(work / "stage1").stage == "fundamental"
    assert Card.load(work / "reasoner").stage == "advanced"
    pairs = list(rows.read(work / "pairs.jsonl", PairRow))
    assert {"self", "graph"} <= {row.wrong for row in pairs}, "its own mistakes are among them"
    reviews = list(rows.read(work / "reviews.jsonl", PairRow))
    assert {row.mode for row in reviews} == {"trajectory"}
    assert {row.wrong for row in reviews if row.repair == "teacher"} == {"teacher"}
    own = list(rows.read(work / "own" / "traces.jsonl", TraceRow))
    assert {row.origin for row in own} == {"self"}


def test_the_served_reasoner_makes_transitions_and_every_set_is_reported(work: Path) -> None:
    results = record(work, "eval/results.json")
    assert results["manifest"]["complete"]
    assert results["manifest"]["card"]["stage"] == "advanced"
    reports = {one["name"]: one["report"] for one in results["sets"]}
    assert {name: report["solutions"] for name, report in reports.items()} == {
        "seen": 8,
        "heldout": 4,
    }
    assert all(report["failed"] == 0 for report in reports.values())
    assert reports["seen"]["transitions"]["median"] >= 3
    assert reports["seen"]["accuracy"]["count"] >= 4, "what was learnt by heart is served"
    answers = list(rows.read(work / "eval" / "answers.jsonl", AnswerRow))
    assert len({row.key for row in answers}) == len(answers) == 12
    assert any(row.solution.answer is not None for row in answers)
