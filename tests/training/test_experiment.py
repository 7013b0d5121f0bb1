"""The experiment in miniature: four arms on the same tokens; killed anywhere, it ends the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rich.console import Console

from app.engines.scripted import Script, ScriptedEngine
from statespace.card import Card
from statewise.cli import served
from tests.support.killing import THOROUGH
from tests.support.server import local_server
from training import manifest
from training.curriculum import repair
from training.errors import DataError, RecipeError
from training.evaluation.judgement import judge_text
from training.experiment import plan, problems, results, texts
from training.experiment.answers import Ask, Served
from training.experiment.chains import chain
from training.experiment.evidence import Evidence
from training.experiment.results import ARMS
from training.experiment.settings import Experiment
from training.experiment.stages import Seed
from training.experiment.summary import Summary, answer
from training.progress import Report
from training.recipe import load_as

MINIATURE: dict[str, Any] = {
    "name": "miniature",
    "seeds": [4],
    "compile": False,
    "problems": {
        "pool": 40,
        "relations": ["gain", "loss", "eat"],
        "operations": {1: 0.5, 2: 0.5},
        "longer": [3, 3],
        "largest": 100,
        "larger": 999,
    },
    "tokenizer": {"vocabulary": 500, "problems": 40},
    "model": {
        "width": 64,
        "feed_forward": 96,
        "layers": 1,
        "heads": 1,
        "key_value_heads": 1,
        "positions": 512,
    },
    "base": {
        "tokens": 64 * 8 * 6,
        "length": 64,
        "batch": 8,
        "learning_rate": 0.003,
        "warmup": 0.1,
        "decay": 0.2,
        "save_steps": 2,
        "arithmetic": 0.3,
    },
    "sft": {
        "tokens": 384 * 4 * 10,
        "length": 384,
        "batch": 4,
        "learning_rate": 0.003,
        "muon": 0.003,
        "warmup": 0.1,
        "decay": 0.4,
        "save_steps": 2,
    },
    "advanced": {
        "tokens": 384 * 4 * 3,
        "length": 384,
        "batch": 4,
        "learning_rate": 0.003,
        "warmup": 0.0,
        "decay": 0.5,
        "save_steps": 2,
    },
    "dpo": {
        "tokens": 384 * 4,
        "batch": 1,
        "learning_rate": 0.0001,
        "warmup": 0.0,
        "decay": 0.5,
        "save_steps": 2,
        "length": 384,
    },
    "curriculum": {"generated": 30, "samples": 3},
    "evaluation": {"problems": 3, "votes": 2, "max_new_tokens": 8},
    "budget": {"training": 0.5, "pairs": 3.0, "steps": 1},
}

_KILLED = """
import os, signal, sys
from pathlib import Path
from training import manifest, steps, trainer
from training.experiment import stages
from tests.training.test_experiment import MINIATURE, execute

work = Path(sys.argv[1])

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def at_step(stage, step):
    def on_step_end(self, args, state, *_, **__):
        if stage in self.what and state.global_step == step:
            die()
    steps.Steps.on_step_end = on_step_end

def before_record(part):
    write = manifest.write
    def fatal(path, value):
        if part in str(path):
            die()
        write(path, value)
    manifest.write = fatal

def while_branching():
    stages.Branch.on_step_end = die

for arrange in (
    lambda: before_record("plan.json"),
    lambda: before_record("a-plain"),
    while_branching,
    lambda: at_step("traces", 9),
    lambda: at_step("advanced", 2),
    lambda: at_step("preferences", 2),
    lambda: before_record("d-step"),
    lambda: before_record("results.json"),
):
    # A fork per death: importing torch once is what takes the time.
    if (child := os.fork()) == 0:
        import torch
        torch.set_num_threads(1)
        arrange()
        execute(work)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WTERMSIG(status) != signal.SIGKILL:
        sys.exit(f"it was not killed: {status}")
execute(work)
"""


def recipe(**changed: Any) -> Experiment:
    """The miniature, some sections of it changed."""
    return Experiment.model_validate(MINIATURE | changed)


def execute(folder: Path, **options: Any) -> Summary | None:
    """A run without output."""
    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        return Evidence(
            options.pop("recipe", recipe()),
            work=folder / "work",
            output=folder / "out",
            report=report,
            **options,
        ).execute()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("experiment")
    assert execute(folder) is not None
    return folder


def test_only_models_of_traces_are_given_a_first_header(finished: Path) -> None:
    """What has learnt chains of thought would be led astray by it."""
    cards = {
        path.parent.parent.name.split("-")[0]: Card.load(path.parent).opening
        for path in finished.glob("work/**/served-*/statewise.json")
    }
    assert len(cards) > 2
    assert {name for name, opening in cards.items() if opening is None} == {"plain"}


def test_all_arms_get_the_same_tokens_from_the_same_base_model(finished: Path) -> None:
    """Stage 2 takes the place of the decay; pairs count with both sides."""
    found = {arm: results.read(finished / "out", arm, 4) for arm in ARMS}
    trained = {arm: one.trained for arm, one in found.items() if one is not None}
    assert set(trained) == set(ARMS)
    whole = MINIATURE["sft"]["tokens"]
    assert trained["plain"]["tokens"] == trained["traces"]["tokens"] == whole
    for arm in ("trajectory", "step"):
        # The last pair that would exceed the budget is left out.
        assert 0.9 * whole <= trained[arm]["tokens"] <= whole, arm
        assert trained[arm]["sft"]["read"]["tokens"] == 0.6 * whole
        assert trained[arm]["advanced"]["mixture"]["repaired"] > 0
    assert len({one["base"]["data"] for one in trained.values()}) == 1
    assert trained["trajectory"]["advanced"] == trained["step"]["advanced"]
    assert trained["trajectory"]["dpo"]["data"] != trained["step"]["dpo"]["data"]
    more, fewer = (trained[arm]["sft"]["read"] for arm in ("plain", "traces"))
    assert more["examples"] > 1.5 * fewer["examples"]  # chains are shorter than traces
    assert more["learnt"] < more["read"] <= more["tokens"]


def test_what_is_written_names_every_set_and_can_be_read(finished: Path) -> None:
    out = finished / "out"
    content = manifest.read(out / "results.json")
    summary = Summary.model_validate(content["summary"])
    assert set(summary.figures) > {"(a) chain of thought", "(a) majority of 2"}
    page = (out / "results.md").read_text()
    assert all(name in page for name in (*problems.SETS, *summary.figures))
    assert f"{MINIATURE['sft']['tokens']:,}" in page
    assert "learn to notice it" in page
    assert (out / "results.png").stat().st_size > 10_000
    for name, digest in content["manifest"]["results"].items():
        assert manifest.file_digest(out / name) == digest
    assert len(content["manifest"]["results"]) == 4
    assert not list(out.glob("*.part"))


@pytest.mark.skipif(not THOROUGH, reason="make test-all")
def test_killed_in_every_stage_it_ends_as_if_it_had_not_been(
    finished: Path, tmp_path: Path, repository: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        cwd=repository,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for path in sorted((finished / "out").glob("*.json")):
        whole, resumed = (
            json.loads((folder / path.name).read_text())
            for folder in (path.parent, tmp_path / "out")
        )
        for found in (whole, resumed):
            found.get("manifest", {}).pop("code", None)  # who works on it may have saved meanwhile
        assert resumed == whole, path.name


def test_what_is_finished_is_not_done_again(finished: Path) -> None:
    def times() -> dict[Path, int]:
        kept = [*finished.glob("work/**/done.json"), *finished.glob("out/?-*.json")]
        return {path: path.stat().st_mtime_ns for path in kept}

    before = times()
    assert len(before) == 7 + 4
    execute(finished, budget=1.0)  # too late: the plan stands
    assert times() == before
    assert manifest.read(finished / "out" / "plan.json")["budget"] is None


def test_results_of_different_runs_never_mix(finished: Path, tmp_path: Path) -> None:
    other = recipe(curriculum={"generated": 20, "samples": 3})
    with pytest.raises(RecipeError, match="another --output"):
        execute(finished, recipe=other)
    path = tmp_path / "plan.json"
    path.write_text((finished / "out" / "plan.json").read_text())
    with pytest.raises(DataError, match="generator has changed"):
        plan.read(tmp_path, recipe(), "sha256:other")
    path.write_text("{")
    with pytest.raises(DataError, match="malformed"):
        plan.read(tmp_path, recipe(), "sha256:other")


def test_a_budget_scales_all_stages_alike() -> None:
    base = load_as(Experiment, Path("training/recipes/evidence.yaml"))
    speed = 10_000.0
    enough = base.work() / speed / 60 / base.budget.training
    assert plan.scale(base, 2 * enough, speed) == 1
    assert plan.scale(base, enough / 2, speed) == pytest.approx(0.5)
    half = base.scaled(0.5)
    for name in ("base", "sft", "advanced", "dpo"):
        assert getattr(half, name).tokens == getattr(base, name).tokens / 2
    made = plan.made(base, "sha256:x", enough / 4, speed)
    assert made.scale == pytest.approx(0.25, abs=0.001)
    assert made.tokens["sft"] == pytest.approx(base.sft.tokens / 4, rel=0.001)
    assert plan.made(base, "sha256:x", None, None).scale == 1


def test_a_budget_becomes_a_plan_by_measuring(tmp_path: Path) -> None:
    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        for folder in ("work", "out"):
            (tmp_path / folder).mkdir()
        evidence = Evidence(
            recipe(), work=tmp_path / "work", output=tmp_path / "out", report=report, budget=0.001
        )
        found = evidence._plan()
        evidence.budget = 100.0
        assert evidence._plan() == found
    assert found.tokens_per_second is not None
    assert found.tokens_per_second > 0
    assert found.scale == round(plan.scale(recipe(), 0.001, found.tokens_per_second), 4) < 1
    assert not (tmp_path / "work" / "speed").exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"problems": {**MINIATURE["problems"], "relations": ["gian"]}}, "gian"),
        ({"problems": {**MINIATURE["problems"], "longer": [2, 3]}}, "longer"),
        ({"problems": {**MINIATURE["problems"], "larger": 100}}, "larger"),
        ({"dpo": {**MINIATURE["dpo"], "tokens": 9000}}, "same tokens"),
        ({"seeds": [1, 1]}, "seeds must differ"),
        ({"arms": ["traces"]}, "plain"),
        ({"trace": "short"}, "full traces"),
    ],
)
def test_a_recipe_that_would_not_be_fair_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        recipe(**changed)


def test_a_remedy_finds_what_the_experiment_trained(finished: Path, tmp_path: Path) -> None:
    """Base model and (a) are the same; only what the remedy changes is trained."""
    shutil.copytree(finished / "work", tmp_path / "work")
    remedy = recipe(arms=["plain", "traces"], trace="short")
    summary = execute(tmp_path, recipe=remedy)
    assert summary is not None
    assert set(summary.corrections) == {"(b) stage 1"}
    trained = sorted(path.parent.name.split("-")[0] for path in tmp_path.glob("work/**/done.json"))
    assert trained.count("base") == trained.count("plain") == trained.count("short") == 1
    assert "stage 2" not in answer(summary)


def test_short_traces_are_legal_and_right() -> None:
    for one in problems.pool(recipe(), frozenset()):
        found = judge_text(texts.short(one), one)
        assert found.right
        assert found.legal
        assert not found.refuted
        assert len(texts.short(one)) < 0.7 * len(texts.trace(one))


def test_a_checkpoint_is_served_and_its_answers_are_judged_alike(tmp_path: Path) -> None:
    """Chains and traces, by the same rule; asked twice, nothing is asked again."""
    found = problems.sets(recipe())[problems.SEEN]
    written = {
        found[0].question: chain(found[0]),
        found[1].question: texts.trace(found[1]),
        found[2].question: chain(found[2]).replace(f"{{{found[2].answer}}}", "{1234}"),
    }
    opened = []

    @contextmanager
    def serving(checkpoint: Path) -> Iterator[str]:
        opened.append(checkpoint)
        with local_server(ScriptedEngine(Script(written))) as server:
            yield server.url

    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        answering = Served(serving, report, max_new_tokens=400, concurrency=2)
        asks = [Ask(found), Ask(found, 2, 0.7)]
        once, twice = answering(tmp_path / "model", asks, tmp_path / "answers")
        kept = (tmp_path / "answers" / "answers.jsonl").read_bytes()
        assert answering(tmp_path / "model", asks, tmp_path / "answers") == [once, twice]
    assert (tmp_path / "answers" / "answers.jsonl").read_bytes() == kept
    assert opened == [tmp_path / "model"] * 2
    assert [one.judgement.right for one in once] == [True, True, False]
    assert [one.judgement.ended for one in once] == ["plain", "completed", "plain"]
    assert [one.text for one in once] == list(written.values())
    assert all(one.judgement.completion_tokens > 5 for one in once)
    voted = results.majority(twice)
    assert voted.right == "110"
    assert voted.tokens == tuple(2 * count for count in results.greedy(once).tokens)


def test_actions_that_nobody_knows_are_no_trace(tmp_path: Path) -> None:
    """A small model invents actions; what it wrote is wrong, and nothing to be repaired."""
    problem = problems.sets(recipe())[problems.SEEN][0]
    invented = texts.trace(problem).replace("Action: Decompose", "Action: Dream")

    @contextmanager
    def serving(_: Path) -> Iterator[str]:
        with local_server(ScriptedEngine(Script({problem.question: invented}))) as server:
            yield server.url

    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        answering = Served(serving, report, max_new_tokens=400, concurrency=2)
        ((found,),) = answering(tmp_path / "model", [Ask([problem])], tmp_path / "answers")
    assert found.judgement.illegal
    assert repair.states(found.text) is None


def test_the_command_line_hands_over_a_way_to_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real server on a free port, ended when the block ends."""
    monkeypatch.setenv("STATEWISE_ENGINE", "scripted")
    monkeypatch.setenv("STATEWISE_STATE_DIR", str(tmp_path / "state"))
    with served(tmp_path) as url:
        assert httpx2.get(f"{url}/startupz").status_code == httpx2.codes.OK
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/startupz")


def test_seeds_share_problems_and_nothing_else(tmp_path: Path) -> None:
    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        folders = {
            Seed(
                recipe(), number, pool=[], vocabulary=tmp_path, key="k", work=tmp_path,
                report=report,
            )._step("base").folder
            for number in (1, 2)
        }  # fmt: skip
    assert len(folders) == 2
