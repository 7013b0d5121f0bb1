"""Stage 2: preferences between wrong and repaired traces, from the model of stage 1 (DPO)."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel
from trl import DPOConfig

from statespace.card import Stage
from training import manifest, rows
from training.curriculum import tokens
from training.dpo import PreferenceTrainer
from training.errors import DataError, RecipeError
from training.finetune import chat, loop, models, packaging
from training.finetune.place import Place, main_process
from training.finetune.recipe import FinetuneRecipe, Preferences
from training.progress import Report, Steps
from training.rows import PairRow

STAGE: Stage = "advanced"


def run(recipe: FinetuneRecipe, pairs: Sequence[Path], output: Path, report: Report) -> Path:
    """Trains on pairs into `output`; started again, it goes on where it was. Raises TrainingError.

    `recipe.model.path` is the folder of stage 1.
    """
    loop.hush()
    stage = _stage(recipe)
    models.check(recipe, stage)
    ready = chat.load(recipe.model)
    made, account = pair_rows(pairs, ready, stage.length)
    key = manifest.key("dpo", recipe.digest(), account["files"], packaging.origin(recipe.model))
    place = Place(output, key)
    with place.claimed():
        if place.record:
            report.say(f"dpo: {output} has been finished before")
            return output
        report.say(
            f"dpo: {account['examples']} pairs, {account['tokens']} tokens; "
            f"{account['too_long']} left out, longer than {stage.length} tokens"
        )
        trainer = build(recipe, ready, made, place.training)
        record = loop.fit(trainer, Steps(report, "stage 2"))
        trainer.save_model(str(output))
        if main_process():
            packaging.finish(place, recipe, ready, STAGE, {"dpo": account}, record)
        trainer.args.distributed_state.wait_for_everyone()
    return output


def pair_rows(files: Sequence[Path], ready: chat.Chat, length: int) -> tuple[Dataset, Any]:
    """Rows of `prompt_ids`, `chosen_ids` and `rejected_ids`, and the account of them.

    Pairs of which a side is longer than `length` are left out and counted. Raises DataError.
    """
    read = {row.key: row for path in files for row in rows.read(path, PairRow)}
    kept, origins = [], Counter[tuple[str, ...]]()
    for row in read.values():
        if made := tokens.pairs([row], ready.tokenizer, length):
            kept += made
            origins[f"{row.mode} pair", "", f"wrong by {row.wrong}, repaired by {row.repair}"] += 1
    if not kept:
        raise DataError(
            f"no pair is left of {', '.join(map(str, files))}: {len(read)} are longer than "
            f"{length} tokens; raise dpo.length, or make more pairs"
        )
    account = {
        "files": {path.name: manifest.file_digest(path) for path in files},
        "examples": len(kept),
        "tokens": sum(map(tokens.size, kept)),
        "too_long": len(read) - len(kept),
        "length": length,
        "sources": [
            {"source": source, "split": split, "origin": origin, "licence": "", "rows": count}
            for (source, split, origin), count in sorted(origins.items())
        ],
    }
    return Dataset.from_list(kept), account


def build(
    recipe: FinetuneRecipe, ready: chat.Chat, made: Dataset, folder: Path
) -> PreferenceTrainer:
    """TRL's trainer; the reference is the model of stage 1 as it is.

    Of adapters TRL keeps a frozen copy; of whole weights there is a second, frozen model.
    """
    stage = _stage(recipe)
    config = DPOConfig(
        **loop.arguments(recipe, stage, folder),
        beta=stage.beta,
        loss_type=[stage.loss, "sft"] if stage.sft else [stage.loss],
        loss_weights=[1.0, stage.sft] if stage.sft else [1.0],
        max_length=None,  # rows fit; TRL would cut silently
    )
    model = models.load(recipe)
    whole = isinstance(model, PreTrainedModel)
    lora = recipe.model.lora if whole else None
    return PreferenceTrainer(
        model=model,
        # With new adapters the reference is the model without them.
        ref_model=copy.deepcopy(model) if whole and lora is None else None,
        args=config,
        train_dataset=made,
        processing_class=ready.tokenizer,
        peft_config=models.adapters(lora) if lora else None,
    )


def _stage(recipe: FinetuneRecipe) -> Preferences:
    if recipe.dpo is None:
        raise RecipeError(f"the recipe {recipe.name} has no section dpo; add one, as in qwen.yaml")
    return recipe.dpo
