"""Stage 1: supervised fine-tuning of a pretrained model on accepted traces (Kwai-STaR, §3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from training.finetune import chat, examples, loop, models
from training.finetune.recipe import FinetuneRecipe
from training.finetune.stage import execute
from training.progress import Report


def run(recipe: FinetuneRecipe, data: Sequence[Path], output: Path, report: Report) -> Path:
    """Fine-tunes into `output`; started again, it goes on where it was. Raises TrainingError."""
    loop.hush()
    models.check(recipe, recipe.sft)
    ready = chat.load(recipe.model)
    rows, account = examples.sft_rows(data, ready, recipe.sft.length)
    made = partial(build, recipe, ready, rows)
    return execute("sft", recipe, ready, account, output, report, made)


def build(recipe: FinetuneRecipe, ready: chat.Chat, rows: Dataset, folder: Path) -> SFTTrainer:
    """TRL's trainer over rows of `input_ids` and `labels`; its checkpoints go to `folder`."""
    stage = recipe.sft
    # Before the weights are loaded: DeepSpeed's ZeRO-3 shards them as they come.
    config = SFTConfig(
        **loop.arguments(recipe, stage, folder),
        # Rows fit. Without packing, a length would only let TRL cut silently.
        max_length=stage.length if stage.packing else None,
        packing=stage.packing,
    )
    model, adapters = models.load(recipe)
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=rows,
        processing_class=ready.tokenizer,
        peft_config=adapters,
    )
