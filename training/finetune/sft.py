"""Stage 1: supervised fine-tuning of a pretrained model on accepted traces (Kwai-STaR, §3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trl import SFTConfig, SFTTrainer

from statespace.card import Stage
from training import manifest
from training.finetune import chat, examples, loop, models, packaging
from training.finetune.place import Place, main_process
from training.finetune.recipe import FinetuneRecipe
from training.progress import Report, Steps

STAGE: Stage = "fundamental"


def run(recipe: FinetuneRecipe, data: Sequence[Path], output: Path, report: Report) -> Path:
    """Fine-tunes into `output`; started again, it goes on where it was. Raises TrainingError."""
    loop.hush()
    models.check(recipe, recipe.sft)
    ready = chat.load(recipe.model)
    made, account = examples.sft_rows(data, ready, recipe.sft.length)
    key = manifest.key("sft", recipe.digest(), account["files"], packaging.origin(recipe.model))
    place = Place(output, key)
    with place.claimed():
        if place.record:
            report.say(f"sft: {output} has been finished before")
            return output
        report.say(
            f"sft: {account['examples']} examples, {account['tokens']} tokens; "
            f"{account['too_long']} left out, longer than {recipe.sft.length} tokens"
        )
        trainer = build(recipe, ready, made, place.training)
        record = loop.fit(trainer, Steps(report, "stage 1"))
        trainer.save_model(str(output))
        if main_process():
            packaging.finish(place, recipe, ready, STAGE, {"sft": account}, record)
        trainer.args.distributed_state.wait_for_everyone()
    return output


def build(recipe: FinetuneRecipe, ready: chat.Chat, rows: Any, folder: Path) -> SFTTrainer:
    """TRL's trainer over rows of `input_ids` and `labels`; its checkpoints go to `folder`."""
    stage = recipe.sft
    # Before the weights are loaded: DeepSpeed's ZeRO-3 shards them as they come.
    config = SFTConfig(
        **loop.arguments(recipe, stage, folder),
        # Rows fit. Without packing, a length would only let TRL cut silently.
        max_length=stage.length if stage.packing else None,
        packing=stage.packing,
    )
    model = models.load(recipe)
    new = recipe.model.lora if not models.is_adapter(recipe.model.path) else None
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=rows,
        processing_class=ready.tokenizer,
        peft_config=models.adapters(new) if new else None,
    )
