"""The plan: what a budget of minutes allows on this machine, measured once and then kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from datasets import Dataset
from pydantic import Field, ValidationError
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from training import base, manifest, trainer
from training.errors import DataError, RecipeError
from training.experiment.settings import Experiment
from training.recipe import Recipe
from training.sections import Section

NAME = "plan.json"


class Plan(Section):
    """What was decided before anything was trained; a run that is resumed keeps it."""

    recipe: Annotated[str, Field(description="Digest of the recipe.")]
    problems: Annotated[str, Field(description="Digest of all problems.")]
    budget: Annotated[float | None, Field(description="Minutes; null: as the recipe says.")] = None
    tokens_per_second: Annotated[float | None, Field(description="Measured; null: not.")] = None
    scale: Annotated[float, Field(description="Of the recipe's tokens, in all arms.")] = 1.0
    tokens: Annotated[dict[str, int], Field(description="Of each stage, for one seed.")]


def scale(recipe: Experiment, minutes: float, speed: float) -> float:
    """The share of the recipe's tokens that `minutes` allow at `speed` tokens/s; 1 at most."""
    seconds = 60 * minutes * recipe.budget.training
    return min(1.0, seconds * speed / recipe.work())


def made(recipe: Experiment, problems: str, budget: float | None, speed: float | None) -> Plan:
    """A new plan; `speed` is needed with a budget only."""
    share = scale(recipe, budget, speed) if budget is not None and speed is not None else 1.0
    planned = recipe.scaled(share)
    stages = ("base", "sft", "advanced", "dpo")
    return Plan(
        recipe=recipe.digest(),
        problems=problems,
        budget=budget,
        tokens_per_second=None if speed is None else round(speed, 1),
        scale=round(share, 4),
        tokens={name: getattr(planned, name).tokens for name in stages},
    )


def read(output: Path, recipe: Experiment, problems: str) -> Plan | None:
    """The plan that `output` holds; None without one. Raises DataError, RecipeError."""
    path = output / NAME
    try:
        content = manifest.read(path)
        if content is None:
            return None
        found = Plan.model_validate(content)
    except (ValueError, ValidationError) as error:
        raise DataError(f"{path} is malformed; delete {output} to begin anew") from error
    if found.recipe != recipe.digest():
        raise RecipeError(
            f"{output} holds results of another recipe; give another --output, or the recipe that "
            "they were made with"
        )
    if found.problems != problems:
        raise DataError(
            f"{output} holds results on other problems: the generator has changed since; give "
            "another --output and --work"
        )
    return found


def measured(recipe: Recipe, tokenizer: Any, rows: Dataset, steps: int, folder: Path) -> float:
    """Tokens per second of the base model's training, after `steps` steps to warm up."""
    model = base.create(recipe, tokenizer)
    if recipe.compile:
        model.compile()
    arguments = trainer.arguments(recipe, recipe.base, len(rows), folder)
    clock = _Clock(steps)
    run = Trainer(
        model=model,
        args=TrainingArguments(
            **{**arguments, "max_steps": 2 * steps, "warmup_steps": 0, "save_strategy": "no"}
        ),
        train_dataset=rows,
        data_collator=trainer.collate,
        optimizers=trainer.optimizers(model, recipe.base),
        callbacks=[clock],
    )
    run.remove_callback(PrinterCallback)
    run.train()
    return steps * recipe.base.batch * recipe.base.length / clock.seconds


class _Clock(TrainerCallback):  # type: ignore[misc]
    """The seconds between two steps."""

    def __init__(self, first: int) -> None:
        self.first = first
        self._began = self.seconds = 0.0

    def on_step_end(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
        if state.global_step == self.first:
            self._began = time.monotonic()
        self.seconds = time.monotonic() - self._began
