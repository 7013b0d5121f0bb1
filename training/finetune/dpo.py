"""Stage 2: preferences between wrong and repaired traces, from the model of stage 1 (DPO)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel
from trl import DPOConfig

from training import manifest, rows
from training.curriculum import tokens
from training.dpo import PreferenceTrainer
from training.errors import DataError, RecipeError
from training.finetune import chat, loop, models
from training.finetune.examples import sources
from training.finetune.recipe import FinetuneRecipe, Preferences
from training.finetune.stage import execute
from training.problems import output as outputs
from training.progress import Report
from training.rows import PairRow


def run(recipe: FinetuneRecipe, pairs: Sequence[Path], output: Path, report: Report) -> Path:
    """Trains on pairs into `output`; started again, it goes on where it was. Raises TrainingError.

    `recipe.model.path` is the folder of stage 1.
    """
    loop.hush()
    stage = _stage(recipe)
    models.check(recipe, stage)
    ready = chat.load(recipe.model)
    made, account = pair_rows(pairs, ready, stage.length)
    return execute(
        "dpo", recipe, ready, account, output, report, partial(build, recipe, ready, made)
    )


def pair_rows(
    files: Sequence[Path], ready: chat.Chat, length: int
) -> tuple[Dataset, dict[str, Any]]:
    """Rows of `prompt_ids`, `chosen_ids` and `rejected_ids`, and the account of them.

    Pairs of which a side is longer than `length` tokens are left out and counted, and so are those
    whose sides are the same ids. Raises DataError.
    """
    for path in files:
        outputs.check_whole(path)
    read = {row.key: row for path in files for row in rows.read(path, PairRow)}
    kept: list[dict[str, list[int]]] = []
    origins: Counter[tuple[str, str]] = Counter()
    too_long = empty = 0
    for row in read.values():
        made = tokens.pair(row, ready.prompt)
        longest = max(len(made["chosen_ids"]), len(made["rejected_ids"]))
        if not made["chosen_ids"] or not made["rejected_ids"]:
            empty += 1
        elif len(made["prompt_ids"]) + longest > length:
            too_long += 1
        else:
            kept.append(made)
            origins[f"{row.mode} pairs", f"{row.wrong}, repaired by {row.repair}"] += 1
    if not kept:
        raise DataError(
            f"no pair is left of {', '.join(map(str, files))}: {too_long} are longer than "
            f"{length} tokens; raise dpo.length, or make more pairs"
        )
    account = {
        "files": {path.name: manifest.file_digest(path) for path in files},
        "examples": len(kept),
        "tokens": sum(map(tokens.size, kept)),
        "too_long": too_long,
        "empty": empty,
        "length": length,
        "made": sources(files),
        "sources": [
            {"source": source, "split": "", "origin": origin, "licence": "", "rows": count}
            for (source, origin), count in sorted(origins.items())
        ],
    }
    return Dataset.from_list(kept), account


def build(
    recipe: FinetuneRecipe, ready: chat.Chat, made: Dataset, folder: Path
) -> PreferenceTrainer:
    """TRL's trainer; the reference is the model of stage 1 as it is.

    Of trained adapters TRL keeps a frozen copy, under new ones the model is its own reference, and
    of whole weights there is a second, frozen model.
    """
    stage = _stage(recipe)
    config = DPOConfig(
        **loop.arguments(recipe, stage, folder),
        beta=stage.beta,
        loss_type=[stage.loss, "sft"] if stage.sft else [stage.loss],
        loss_weights=[1.0, stage.sft] if stage.sft else [1.0],
        max_length=None,  # rows fit; TRL would cut silently
    )
    model, adapters = models.load(recipe)
    whole = isinstance(model, PreTrainedModel) and adapters is None
    return PreferenceTrainer(
        model=model,
        ref_model=models.load(recipe)[0] if whole else None,
        args=config,
        train_dataset=made,
        processing_class=ready.tokenizer,
        peft_config=adapters,
    )


def _stage(recipe: FinetuneRecipe) -> Preferences:
    if recipe.dpo is None:
        raise RecipeError(f"the recipe {recipe.name} has no section dpo; add one, as in qwen.yaml")
    return recipe.dpo
