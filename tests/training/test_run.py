"""A whole run in miniature; a run killed anywhere ends as if it had not been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from rich.console import Console
from transformers import AutoModelForCausalLM, AutoTokenizer

from statespace.card import Card
from statespace.prompts import Prompt
from training import manifest
from training.errors import TrainingError
from training.progress import Report
from training.recipe import Recipe
from training.run import Run
from training.steps import Steps

from .conftest import MINIATURE

_KILLED = """
import json, os, signal, sys
from pathlib import Path
from rich.console import Console
from training import manifest, progress, run, steps, trainer
from training.recipe import Recipe

recipe = Recipe.model_validate_json(sys.argv[1])
work = Path(sys.argv[2])

def execute():
    with progress.Report(Console(file=open(os.devnull, "w"))) as report:
        run.Run(recipe, work, work / "checkpoint", report).execute()

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def at_step(stage, step):
    def on_step_end(self, args, state, *_, **__):
        if self.what == stage and state.global_step == step:
            die()
    steps.Steps.on_step_end = on_step_end

def while_saving(step):
    mark = trainer.Marker.on_save
    def on_save(self, args, state, *rest, **options):
        if state.global_step == step and "sft" in args.output_dir:
            die()
        mark(self, args, state, *rest, **options)
    trainer.Marker.on_save = on_save

def before_record(step):
    write = manifest.write
    def fatal(path, value):
        if step in str(path):
            die()
        write(path, value)
    manifest.write = fatal

for arrange in (
    lambda: before_record("tokenizer"),
    lambda: at_step("base model", 5),
    lambda: before_record("base"),
    lambda: at_step("fine-tuning", 3),
    lambda: while_saving(6),
    lambda: at_step("advanced traces", 2),
    lambda: before_record("advanced"),
    lambda: at_step("preferences", 3),
    lambda: before_record("set-2"),
    lambda: before_record("manifest.json"),
):
    # A fork per death: importing torch once is what takes the time.
    if (child := os.fork()) == 0:
        arrange()
        execute()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WTERMSIG(status) != signal.SIGKILL:
        sys.exit(f"it was not killed: {status}")
execute()
"""


def execute(recipe: Recipe, work: Path) -> Card:
    """A run without output."""
    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        return Run(recipe, work, work / "checkpoint", report).execute()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of an uninterrupted run."""
    work = tmp_path_factory.mktemp("finished")
    execute(Recipe.model_validate(MINIATURE), work)
    return work


def records(work: Path) -> dict[str, Any]:
    """What each step recorded, by folder."""
    return {path.parent.name: manifest.read(path) for path in sorted(work.glob("*/done.json"))}


def test_a_run_killed_in_every_step_ends_like_one_that_was_not(
    finished: Path, tmp_path: Path, repository: Path
) -> None:
    """Losses step by step, data, scores and weights: nothing is lost and nothing is done twice."""
    recipe = Recipe.model_validate(MINIATURE)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, recipe.model_dump_json(), str(tmp_path)],
        cwd=repository,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert records(tmp_path) == records(finished)
    whole, resumed = (
        manifest.read(work / "checkpoint" / "manifest.json") for work in (finished, tmp_path)
    )
    assert resumed == whole
    assert not list(tmp_path.glob("*.part"))


def test_the_log_names_every_logged_step_once(finished: Path) -> None:
    (path,) = finished.glob("sft-*/done.json")
    steps = [entry["step"] for entry in manifest.read(path)["log"]]
    assert steps == sorted(set(steps))
    assert steps[-1] == 8


def test_both_stages_of_the_curriculum_are_in_the_checkpoint(finished: Path) -> None:
    card = Card.load(finished / "checkpoint")
    assert card.stage == "advanced"
    assert {"base", "sft", "advanced", "preferences"} <= card.data.keys()
    (preferences,) = finished.glob("preferences-*/done.json")
    first = manifest.read(preferences)["log"][0]
    assert first["rewards/margins"] == pytest.approx(0, abs=0.05)
    stages = manifest.read(finished / "checkpoint" / "manifest.json")["stages"]
    assert list(stages) == ["base", "sft", "advanced", "preferences"]


def test_a_finished_run_does_nothing_but_write_the_checkpoint_again(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*-*/**/*")}
    execute(Recipe.model_validate(MINIATURE), finished)
    assert {path: path.stat().st_mtime_ns for path in finished.glob("*-*/**/*")} == before


def test_the_checkpoint_is_complete(finished: Path) -> None:
    """What serving and other tools read, in the formats they read it."""
    folder = finished / "checkpoint"
    model = AutoModelForCausalLM.from_pretrained(folder)
    vocabulary = AutoTokenizer.from_pretrained(folder)
    generation = json.loads((folder / "generation_config.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    assert str(model.dtype) == "torch.bfloat16"
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["use_cache"] is True
    assert config["tie_word_embeddings"] is True
    assert generation["eos_token_id"] == vocabulary.eos_token_id == config["eos_token_id"]
    assert generation["pad_token_id"] == vocabulary.pad_token_id == config["pad_token_id"]
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in folder.iterdir())
    card = Card.load(folder)
    assert card.prompt == Prompt.from_tokenizer(vocabulary).fingerprint()
    assert set(card.data) == {"base", "sft", "advanced", "preferences", "generator"}
    assert [score.total for score in card.scores] == [3] * 4
    readme = (folder / "README.md").read_text()
    assert all(score.set in readme for score in card.scores)


def test_the_manifest_says_what_went_in_and_what_came_out(finished: Path) -> None:
    folder = finished / "checkpoint"
    content = manifest.read(folder / "manifest.json")
    recipe = Recipe.model_validate(MINIATURE)
    content["recipe"]["evaluation"]["gsm8k"] = None  # a path, and so left out
    assert Recipe.model_validate(content["recipe"]) == recipe
    assert content["recipe_hash"] == recipe.digest()
    assert content["seed"] == 7
    assert {"python", "torch", "transformers", "trl"} <= content["versions"].keys()
    for name, digest in content["outputs"].items():
        assert manifest.file_digest(folder / name) == digest
    assert "model.safetensors" in content["outputs"]


def test_a_changed_recipe_never_mixes_with_old_work(finished: Path) -> None:
    """Fine-tuning anew keeps the base model and leaves the old fine-tuning alone."""
    changed = Recipe.model_validate(
        {**MINIATURE, "sft": {**MINIATURE["sft"], "learning_rate": 0.001}}
    )
    before = records(finished)
    execute(changed, finished)
    after = records(finished)
    assert {name: after[name] for name in before} == before
    new = {name.split("-")[0] for name in after.keys() - before.keys()}
    assert new == {"sft", "advanced", "preferences", "evaluation"}


def test_a_run_told_to_finish_decays_and_stops_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At step 4 of 8, with a fifth of the steps for the decay: two more, the last at the bottom."""
    advance = Steps.on_step_end

    def on_step_end(self: Steps, args: Any, state: Any, *rest: Any, **options: Any) -> None:
        if self.what == "fine-tuning" and state.global_step == 4:
            Path(args.output_dir, "finish").touch()
        advance(self, args, state, *rest, **options)

    monkeypatch.setattr(Steps, "on_step_end", on_step_end)
    execute(Recipe.model_validate(MINIATURE), tmp_path)
    (path,) = tmp_path.glob("sft-*/done.json")
    record = manifest.read(path)
    assert record["steps"] == 6
    assert (path.parent / "finish").read_text() == "4"
    rates = [entry["learning_rate"] for entry in record["log"]]
    assert rates[-1] < rates[-2] == MINIATURE["sft"]["learning_rate"]


def test_two_runs_never_share_a_work_directory(miniature: Recipe, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(TrainingError, match="another run works"):
        execute(miniature, tmp_path)


def test_a_folder_that_is_no_checkpoint_is_not_overwritten(
    miniature: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint").mkdir()
    precious = tmp_path / "checkpoint" / "thesis.txt"
    precious.write_text("years of work")
    with pytest.raises(TrainingError, match="not overwritten"):
        execute(miniature, tmp_path)
    assert precious.read_text() == "years of work"
