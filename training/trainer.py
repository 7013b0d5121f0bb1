"""What the two training stages share: arguments, batches, and checkpoints to resume from.

A checkpoint counts only once it is marked complete, after its last file is written, so a run killed
while saving resumes from the one before.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any, Final

import torch
from transformers import PrinterCallback, TrainerCallback

from training import precision
from training.optimizer import WEIGHT_DECAY, MuonWithAdamW
from training.recipe import Recipe
from training.sections import Optimisation

_COMPLETE: Final = "complete"


def arguments(recipe: Recipe, stage: Optimisation, rows: int, folder: Path) -> dict[str, Any]:
    """Arguments of transformers' and TRL's trainers for one pass over `rows` rows."""
    steps = max(1, rows // stage.batch)
    on_gpu = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "max_steps": steps,
        "per_device_train_batch_size": stage.batch,
        "dataloader_drop_last": True,
        "learning_rate": stage.learning_rate,
        "adam_beta1": 0.9,
        "adam_beta2": 0.95,
        "weight_decay": WEIGHT_DECAY,
        "max_grad_norm": 1.0,
        "lr_scheduler_type": "warmup_stable_decay",
        "lr_scheduler_kwargs": {"num_decay_steps": int(stage.decay * steps)},
        "warmup_steps": int(stage.warmup * steps),
        "bf16": precision.has_bfloat16(),
        "use_cpu": not on_gpu,
        "gradient_checkpointing": False,
        "save_strategy": "steps",
        "save_steps": stage.save_steps,
        "save_total_limit": 2,
        # A mean is logged since the last one, so a checkpoint must not fall between two.
        "logging_steps": math.gcd(20, stage.save_steps),
        "disable_tqdm": True,
        "report_to": "none",
        # A GPU takes a batch sooner than one process can make it from the rows. The processes are
        # forked, and touch neither tokenizer nor GPU.
        "dataloader_num_workers": 4 if on_gpu else 0,
        "remove_unused_columns": False,  # TRL would drop the positions
        "dataloader_pin_memory": on_gpu,
    }


def optimizers(model: Any, stage: Optimisation) -> tuple[Any, None]:
    """What the trainers take as `optimizers`: None stands for their own AdamW and schedule."""
    if stage.muon is None:
        return None, None
    return MuonWithAdamW(model, matrices=stage.muon, rest=stage.learning_rate), None


class Marker(TrainerCallback):  # type: ignore[misc]
    """Marks a checkpoint complete after everything in it is written."""

    def on_save(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        (folder / _COMPLETE).touch()


class Finish(TrainerCallback):  # type: ignore[misc]
    """Ends training early and well: once `finish` appears in its folder, the decay begins.

    The decay then takes the share of the steps that the recipe gives it. The step it began at is
    written into the file, so that a run that is killed later resumes the same schedule.
    """

    def __init__(self, stage: Optimisation, folder: Path) -> None:
        self.stage = stage
        self.file = folder / "finish"
        self.last: int | None = None

    def on_step_begin(self, args: Any, state: Any, *_: Any, lr_scheduler: Any, **__: Any) -> None:
        if self.last is None and self.file.is_file():
            step = int(self.file.read_text() or state.global_step)
            decay = int(step * self.stage.decay / (1 - self.stage.decay)) + 1
            self.last = step + decay
            if self.last < state.max_steps:
                self.file.write_text(str(step))
                for schedule in lr_scheduler.lr_lambdas:
                    schedule.keywords["num_stable_steps"] = max(0, step - args.warmup_steps)
                    schedule.keywords["num_decay_steps"] = decay

    def on_step_end(self, _args: Any, state: Any, control: Any, *_: Any, **__: Any) -> None:
        if self.last is not None and state.global_step >= self.last:
            control.should_training_stop = True


def newest(folder: Path) -> str | None:
    """The newest complete checkpoint in `folder`; incomplete ones are deleted."""
    complete: dict[int, Path] = {}
    for checkpoint in folder.glob("checkpoint-*"):
        if (checkpoint / _COMPLETE).is_file():
            complete[int(checkpoint.name.rpartition("-")[2])] = checkpoint
        else:
            shutil.rmtree(checkpoint)
    return str(complete[max(complete)]) if complete else None


def fit(trainer: Any, stage: Optimisation, progress: TrainerCallback) -> dict[str, Any]:
    """Trains to the end, from the newest complete checkpoint if there is one.

    Returns what to record: `steps` and the `log` of losses.
    """
    folder = Path(trainer.args.output_dir)
    trainer.remove_callback(PrinterCallback)
    for callback in (Marker(), Finish(stage, folder), progress):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=newest(folder))
    # TRL's own count of tokens starts anew when a run resumes.
    log = [
        {name: value for name, value in entry.items() if name != "num_tokens"}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    return {"steps": trainer.state.global_step, "log": log}


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of one length as a batch; where there are no labels, every token is one.

    No mask: padding stands on the right only, and positions tell a row's examples apart.
    """
    batch = {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}
    return {"labels": batch["input_ids"], **batch}
