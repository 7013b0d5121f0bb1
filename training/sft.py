"""Supervised fine-tuning on traces, with TRL's trainer on token ids that are ready to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from training import trainer
from training.data import IGNORED
from training.recipe import Recipe


def train(
    recipe: Recipe, model: Any, tokenizer: Any, rows: Dataset, folder: Path, callbacks: list[Any]
) -> list[dict[str, float]]:
    """Trains `model` in `folder`, resuming what is there; returns the log of losses."""
    if recipe.compile:
        trainer.compile_layers(model)
    config = SFTConfig(
        **trainer.arguments(recipe, recipe.sft, len(rows), folder),
        max_length=None,  # the rows are short enough already, and TRL would truncate silently
        train_sampling_strategy="group_by_length",
    )
    run = SFTTrainer(
        model=model,
        args=config,
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=Collator(tokenizer.pad_token_id),
        callbacks=[trainer.Marker(), *callbacks],
    )
    return trainer.fit(run, folder)


class Collator:
    """Pads on the right to a multiple of 32.

    Causal attention never looks to the right, so no mask is needed; the faster attention kernels
    take none. Positions go along because TRL counts tokens by them.
    """

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        longest = max(len(row["input_ids"]) for row in rows)
        shape = (len(rows), -(-longest // 32) * 32)
        ids = torch.full(shape, self.pad)
        labels = torch.full(shape, IGNORED)
        for index, row in enumerate(rows):
            ids[index, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
            labels[index, : len(row["labels"])] = torch.tensor(row["labels"])
        positions = torch.arange(shape[1]).expand(shape)
        return {"input_ids": ids, "labels": labels, "position_ids": positions}
