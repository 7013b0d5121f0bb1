"""One stage from rows to a finished folder, whichever trainer it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from statespace.card import Stage
from training import manifest
from training.finetune import loop, packaging
from training.finetune.chat import Chat
from training.finetune.place import Place, main_process
from training.finetune.recipe import FinetuneRecipe
from training.progress import Report
from training.steps import Steps

NAMES: dict[str, Stage] = {"sft": "fundamental", "dpo": "advanced"}
"""The curriculum's name of each step."""


def execute(  # noqa: PLR0913, PLR0917
    step: str,
    recipe: FinetuneRecipe,
    ready: Chat,
    account: dict[str, Any],
    output: Path,
    report: Report,
    build: Callable[[Path], Any],
) -> Path:
    """Trains into `output`, or goes on where it was; returns it. Raises TrainingError.

    `build` makes the trainer, given the folder of its checkpoints; `account` is of its data.
    """
    place = Place(
        output,
        manifest.key(step, recipe.digest(), account["files"], packaging.origin(recipe.model)),
    )
    with loop.failures(output), place.claimed():
        if place.record:
            report.say(f"{step}: {output} has been finished before")
            return output
        report.say(
            f"{step}: {account['examples']} rows, {account['tokens']} tokens; "
            f"{account['too_long']} left out, longer than {account['length']} tokens"
        )
        trainer = build(place.training)
        run = loop.fit(trainer, Steps(report, step))
        trainer.save_model(str(output))
        if main_process():
            packaging.finish(place, recipe, ready, NAMES[step], {step: account}, run)
        trainer.args.distributed_state.wait_for_everyone()
    return output
