"""Direct preference optimisation, with TRL's trainer on pairs that are token ids already."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final, Protocol

from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedModel
from trl import DPOConfig, DPOTrainer

from training import trainer
from training.curriculum.settings import Dpo, Preference

_REFERENCE: Final = "ref"
"""What TRL names the frozen copy of an adapter."""


class Run(Protocol):
    """What a recipe says of every stage."""

    @property
    def seed(self) -> int: ...


class PreferenceTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's trainer on rows of `prompt_ids`, `chosen_ids` and `rejected_ids`.

    TRL 1.16 takes text and ends every completion with the end token, which teaches a model to stop
    after each step of a step pair; it also encodes prompt and completion as one text, where special
    tokens in a question would become control tokens.
    """

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _load_from_checkpoint(self, folder: str, model: Any = None) -> None:
        """Also loads the trained adapter: transformers 5.19 loads the reference beside it only."""
        super()._load_from_checkpoint(folder, model)
        adapted = self.model if model is None else model
        if isinstance(adapted, PeftModel) and _REFERENCE in adapted.peft_config:
            adapted.load_adapter(folder, adapted.active_adapter, is_trainable=True)


def build(  # noqa: PLR0913, PLR0917
    run: Run, stage: Dpo, model: Any, tokenizer: Any, rows: Dataset, folder: Path
) -> PreferenceTrainer:
    """The trainer of `model` over one pass of `rows`; its checkpoints go to `folder`.

    The reference is `model` as it is now. To resume, build again from the model that the stage
    started from, then `trainer.fit`.
    """
    arguments = trainer.arguments(run, stage, len(rows), folder)  # type: ignore[arg-type]
    # Never compiled: pairs are of all lengths, and each would be compiled anew.
    return preferring(
        stage, arguments, model, tokenizer, rows, optimizers=trainer.optimizers(model, stage)
    )


def preferring(  # noqa: PLR0913
    stage: Preference,
    arguments: dict[str, Any],
    model: Any,
    tokenizer: Any,
    rows: Dataset,
    *,
    optimizers: tuple[Any, Any] = (None, None),
) -> PreferenceTrainer:
    """The trainer with any arguments of transformers' trainers.

    Of a PeftModel TRL copies the adapter as reference; of a whole model a frozen copy is kept, or
    its log-probabilities only (`stage.precompute`).
    """
    config = DPOConfig(
        **arguments,
        beta=stage.beta,
        loss_type=[stage.loss, "sft"] if stage.sft else [stage.loss],
        loss_weights=[1.0, stage.sft] if stage.sft else [1.0],
        precompute_ref_log_probs=stage.precompute,
        max_length=None,  # rows fit; TRL would truncate silently
    )
    whole = isinstance(model, PreTrainedModel)
    return PreferenceTrainer(
        model=model,
        ref_model=copy.deepcopy(model) if whole and not stage.precompute else None,
        args=config,
        train_dataset=rows,
        processing_class=tokenizer,
        optimizers=optimizers,
    )
