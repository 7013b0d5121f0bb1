"""Steps and losses of a trainer, reported. Apart from `progress`: transformers imports slowly."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from training.progress import Report


class Steps(TrainerCallback):  # type: ignore[misc]
    """Reports a trainer's steps and losses."""

    def __init__(self, report: Report, what: str) -> None:
        self.report = report
        self.what = what

    def on_train_begin(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
        self.task = self.report.begin(self.what, state.max_steps, state.global_step)

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.report.advance(self.task)

    def on_log(self, _args: Any, state: Any, *_: Any, logs: dict[str, Any], **__: Any) -> None:
        if "loss" in logs:
            step = f"{self.what} {state.global_step}/{state.max_steps}"
            self.report.note(self.task, f"{step} loss {float(logs['loss']):.4f}")
