"""Supervised fine-tuning on traces, with TRL's trainer on token ids that are ready to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import Trainer
from trl import SFTConfig, SFTTrainer

from training import trainer
from training.recipe import Recipe


class PlainSftTrainer(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer with the model's own loss.

    TRL 1.16 replaces the head by one that also yields every token's entropy, for its metrics. The
    loss is the same; without it a small model trains a sixth faster on a CPU.
    """

    def compute_loss(self, *args: Any, **options: Any) -> Any:
        return Trainer.compute_loss(self, *args, **options)


def build(
    recipe: Recipe, model: Any, tokenizer: Any, rows: Dataset, folder: Path
) -> PlainSftTrainer:
    """The trainer of `model`; its checkpoints go to `folder`."""
    if recipe.compile:
        model.compile()
    config = SFTConfig(
        **trainer.arguments(recipe, recipe.sft, len(rows), folder),
        max_length=None,  # rows fit; TRL would truncate silently
    )
    return PlainSftTrainer(
        model=model,
        args=config,
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=trainer.collate,
        optimizers=trainer.optimizers(model, recipe.sft),
    )
