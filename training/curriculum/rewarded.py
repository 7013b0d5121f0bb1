"""Stage 3 in a folder: GRPO from a checkpoint, on problems with gold answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers import AutoTokenizer

from statespace.card import Card, RecipeReference
from statespace.errors import CardError
from statespace.prompts import Prompt
from training import grpo, manifest, trainer
from training.curriculum import stage
from training.curriculum.settings import Grpo
from training.errors import DataError
from training.finetune.loop import failures
from training.finetune.place import Place
from training.problems import jsonl
from training.problems.problem import Problem
from training.problems.sources.trainable import trainable
from training.steps import Steps
from training.traces.inputs import digests


def run(
    shared: stage.Run, settings: Grpo, start: Path, files: Sequence[Path], output: Path
) -> dict[str, Any]:
    """Trains the checkpoint in `start` into `output`; started again, it goes on where it was.

    Returns the manifest. Raises TrainingError.
    """
    inputs = digests([*files, *sorted(start.glob("*.safetensors"))])
    key = manifest.key("grpo", settings.model_dump(), shared.seed, sorted(inputs.values()))
    place = Place(output, key)
    with failures(output), place.claimed():
        if place.record:
            shared.report.say(f"grpo: {output} has been finished before")
        else:
            problems = _drawn(files, settings.prompts, shared.seed)
            record = _trained(shared, settings, start, problems, place)
            place.finish({"step": "grpo", "settings": settings.model_dump(), **record})
        known: dict[str, Any] = place.record
        return known


def _drawn(files: Sequence[Path], count: int, seed: int) -> list[Problem]:
    """As many problems as asked for, drawn without order; again and again if there are fewer."""
    found = [problem for path in files for problem in trainable(jsonl.read(path))]
    if not found:
        raise DataError(f"there is no problem in {', '.join(map(str, files))}")
    rng = Random(seed)
    drawn: list[Problem] = []
    while len(drawn) < count:
        drawn += rng.sample(found, min(len(found), count - len(drawn)))
    return drawn


def _trained(
    shared: stage.Run, settings: Grpo, start: Path, problems: Sequence[Problem], place: Place
) -> dict[str, Any]:
    tokenizer = AutoTokenizer.from_pretrained(start)
    model = stage.load(start)
    made = grpo.build(shared, settings, model, tokenizer, grpo.rows(problems), place.training)
    optimised: Any = settings
    record = trainer.fit(made, optimised, Steps(shared.report, "rewards"))
    model.to(torch.bfloat16).save_pretrained(place.output)
    tokenizer.save_pretrained(place.output)
    _card(start, settings, Prompt.from_tokenizer(tokenizer)).save(place.output)
    return {"seed": shared.seed, "versions": manifest.versions(), **record}


def _card(start: Path, settings: Grpo, prompt: Prompt) -> Card:
    digest = "sha256:" + manifest.key(settings.model_dump())
    recipe = RecipeReference(name="grpo", hash=digest)
    try:
        before = Card.load(start)
    except CardError:
        return Card(
            stage="advanced",
            prompt=prompt.fingerprint(),
            base_model=start.name,
            recipe=recipe,
            data={},
        )
    return before.model_copy(update={"stage": "advanced", "recipe": recipe, "scores": ()})
