"""Running TRL's trainers: their arguments from a recipe, checkpoints, and resumption."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import PrinterCallback, ProgressCallback, TrainerCallback
from transformers.integrations import get_available_reporting_integrations
from transformers.utils import logging

from training import trainer as checkpoints
from training.errors import RecipeError, TrainingError
from training.finetune.place import main_process, world
from training.finetune.recipe import FinetuneRecipe, Stage


def arguments(recipe: FinetuneRecipe, stage: Stage, folder: Path) -> dict[str, Any]:
    """Arguments that `SFTConfig` and `DPOConfig` both take. Raises RecipeError."""
    on_gpu = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "num_train_epochs": stage.epochs,
        "max_steps": stage.max_steps or -1,
        "per_device_train_batch_size": stage.per_device_batch,
        "gradient_accumulation_steps": accumulation(stage, world()),
        "learning_rate": stage.learning_rate,
        "lr_scheduler_type": stage.schedule,
        "warmup_steps": stage.warmup,  # below 1 it is a share
        "weight_decay": stage.weight_decay,
        "bf16": recipe.precision == "bf16",
        "use_cpu": not on_gpu,
        "gradient_checkpointing": stage.gradient_checkpointing,
        "use_liger_kernel": stage.liger,
        "save_strategy": "steps",
        "save_steps": stage.save_steps,
        "save_total_limit": 2,
        # A mean is logged since the last one, so a checkpoint must not fall between two.
        "logging_steps": math.gcd(stage.logging_steps, stage.save_steps),
        "report_to": _trackers(recipe),
        "run_name": f"{recipe.name}-{folder.parent.name}",
        "disable_tqdm": True,
        "dataloader_pin_memory": on_gpu,
        "ddp_find_unused_parameters": False,
    }


def _trackers(recipe: FinetuneRecipe) -> list[str] | str:
    """transformers takes only trackers that are installed. Raises RecipeError."""
    installed = get_available_reporting_integrations()
    for name in recipe.report_to:
        if name not in installed:
            raise RecipeError(
                f"report_to: {name} is not installed; `pip install {name}`, or take one of these: "
                f"{', '.join(sorted(installed)) or 'none'}"
            )
    return list(recipe.report_to) or "none"


def accumulation(stage: Stage, processes: int) -> int:
    """Micro-batches in a step, such that `batch` means the same on any number of devices."""
    together = stage.per_device_batch * processes
    if stage.batch % together:
        raise RecipeError(
            f"batch: {stage.batch} sequences do not divide among {processes} device(s) that take "
            f"{stage.per_device_batch} each; set batch to a multiple of {together}, or lower "
            "per_device_batch"
        )
    return stage.batch // together


class Complete(checkpoints.Marker):
    """Marks a checkpoint complete once every process has written its part of it."""

    def on_save(self, args: Any, state: Any, *rest: Any, **options: Any) -> None:
        args.distributed_state.wait_for_everyone()
        if state.is_world_process_zero:
            super().on_save(args, state, *rest, **options)


class _TrainedError(Exception):
    """There is no step left."""


class _NoMore(TrainerCallback):  # type: ignore[misc]
    """Ends a run that is resumed after its last step; transformers would take one more."""

    def on_train_begin(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
        if state.global_step >= state.max_steps:
            raise _TrainedError


def fit(trainer: Any, progress: TrainerCallback | None) -> dict[str, Any]:
    """Trains to the end, from the newest complete checkpoint if there is one.

    Returns what to record: `steps` and the `log` of losses.
    """
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(Complete())
    trainer.add_callback(_NoMore())
    if progress is not None:
        trainer.add_callback(progress)
    folder = Path(trainer.args.output_dir)
    state = trainer.args.distributed_state
    with state.main_process_first():  # it deletes what is incomplete
        newest = checkpoints.newest(folder)
    with suppress(_TrainedError):  # the weights are those of the last checkpoint by then
        trainer.train(resume_from_checkpoint=newest)
    # TRL's own count of tokens starts anew when a run resumes.
    log = [
        {name: value for name, value in entry.items() if name != "num_tokens"}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    return {"steps": trainer.state.global_step, "log": log}


@contextmanager
def failures(output: Path) -> Iterator[None]:
    """Turns what a user can put right into a TrainingError: no memory, no space."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            "the GPU's memory does not suffice; lower per_device_batch (batch stays what it is), "
            "set model.quantization=nf4, or share the weights among GPUs with "
            f"training/accelerate/fsdp2.yaml; --dry-run estimates what it takes ({error})"
        ) from error
    except Exception as error:
        if not _is_about_a_file(error):
            raise
        raise TrainingError(
            f"cannot write to {output}: {error}; free space and run the same command again"
        ) from error


def _is_about_a_file(error: Exception) -> bool:
    if isinstance(error, OSError | SafetensorError):
        return True
    if isinstance(error, RuntimeError):  # PyTorch's writer does not say why it failed
        writing = ("PytorchStreamWriter", "iostream error", "file write failed")
        return any(word in str(error) for word in writing)
    return type(error) is Exception and "os error" in str(error)  # as `tokenizers` says it


def hush() -> None:
    """Silences transformers' own bars and hints: progress is reported once, by us."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def quiet() -> bool:
    """Whether this process should say nothing: another one speaks for all."""
    return not main_process()
