"""Weights to fine-tune: all of them, adapters, or adapters over 4-bit weights."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from training.errors import TrainingError
from training.finetune.recipe import FinetuneRecipe, Lora, Pretrained, Stage

ADAPTER = "adapter_config.json"
"""The file that tells a folder of adapters from one of weights."""


def is_adapter(path: str | Path) -> bool:
    """Whether `path` is a folder of adapters."""
    return (Path(path) / ADAPTER).is_file()


def base_of(path: str | Path) -> str:
    """The hub id or folder of the weights that adapters belong to. Raises TrainingError."""
    file = Path(path) / ADAPTER
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{file} does not name the adapter's base model ({error!r}); train the adapter again"
        ) from error


def load(recipe: FinetuneRecipe) -> tuple[Any, LoraConfig | None]:
    """The model that a recipe names, and the adapters to add to it; None where none are new.

    Adapters of an earlier stage stay trainable. Weights are bfloat16 under adapters, since they
    are frozen, and float32 where they are trained: a step at a learning rate of 1e-6 would be lost
    in bfloat16's 8 bits. Raises TrainingError.
    """
    model, continued = recipe.model, is_adapter(recipe.model.path)
    frozen = continued or model.lora is not None
    loaded = weights(
        base_of(model.path) if continued else model.path,
        revision=None if continued else model.revision,
        dtype=torch.bfloat16 if frozen and recipe.precision == "bf16" else torch.float32,
        attn_implementation=model.attention,
        **_quantized(model),
    )
    if continued:
        return PeftModel.from_pretrained(loaded, model.path, is_trainable=True), None
    return loaded, _adapters(model.lora) if model.lora else None


def weights(path: str, **options: Any) -> Any:
    """Weights from the hub or a folder. Raises TrainingError."""
    try:
        return AutoModelForCausalLM.from_pretrained(path, **options)
    except (OSError, ValueError, ImportError) as error:
        raise TrainingError(
            f"cannot load {path}: {error}; name a folder or a hub id with --model, and log in with "
            "`hf auth login` if the hub guards it"
        ) from error


def _adapters(lora: Lora) -> LoraConfig:
    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )


def check(recipe: FinetuneRecipe, stage: Stage) -> None:
    """Raises TrainingError, before any work, if this machine cannot do what a recipe asks."""
    model = recipe.model
    if model.quantization and model.lora is None and not is_adapter(model.path):
        raise TrainingError(
            "model.quantization: 4-bit weights cannot be trained; set model.lora too, or "
            "model.quantization=null"
        )
    if model.quantization:
        _need("model.quantization: nf4", "bitsandbytes", "model.quantization=null")
    if stage.liger:
        _need("liger: true", "liger_kernel", "sft.liger=false --set dpo.liger=false")


def _need(key: str, package: str, instead: str) -> None:
    missing = []
    if not torch.cuda.is_available():
        missing.append("a GPU")
    if importlib.util.find_spec(package) is None:
        missing.append(f"`pip install {package.replace('_', '-')}`")
    if missing:
        raise TrainingError(f"{key} needs {' and '.join(missing)}; or do without: --set {instead}")


def _quantized(model: Pretrained) -> dict[str, Any]:
    if model.quantization is None:
        return {}
    # Double quantization and the bfloat16 sums of the QLoRA paper, §3.
    return {
        # Bitsandbytes cannot move 4-bit weights to the GPU later.
        "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))},
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=model.quantization,
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
    }
