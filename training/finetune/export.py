"""A finished stage → a folder to serve: merged weights, or the adapter as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoTokenizer

from statespace.card import NAME
from training import manifest
from training.errors import TrainingError
from training.finetune import models, packaging
from training.finetune.loop import failures, hush
from training.finetune.place import MANIFEST
from training.finetune.recipe import Pretrained


def export(
    source: Path, output: Path, *, base: str | None = None, keep_adapter: bool = False
) -> Path:
    """Writes `source`, the folder of a finished stage, to `output`; returns that.

    Adapters are merged into `base`, by default the model that they were trained on, and weights
    are saved in bfloat16; with `keep_adapter` the adapter is copied. Raises TrainingError.
    """
    hush()
    adapter = models.is_adapter(source)
    _check(source, output, adapter=adapter, keep_adapter=keep_adapter)
    folder = output.with_name(output.name + ".part")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with failures(output):
            _write(source, folder, base, adapter=adapter, keep_adapter=keep_adapter)
            manifest.put(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return output


def _write(
    source: Path, folder: Path, base: str | None, *, adapter: bool, keep_adapter: bool
) -> None:
    made = packaging.card_of(source)
    folder.mkdir(parents=True)
    tokenizer = AutoTokenizer.from_pretrained(source)
    if keep_adapter:
        _copy_adapter(source, folder, base or made.base_model)
    else:
        _save(source, folder, base, tokenizer, adapter=adapter)
    tokenizer.save_pretrained(folder)
    packaging.check_prompt(folder, made)
    record = packaging.record_of(source)
    if packaging.is_finetuned(record):
        packaging.describe(folder, made, record, name=folder.stem)  # without `.part`
    else:  # made from scratch: it has pages of its own
        for page in (NAME, "README.md", "DATA.md"):
            if (source / page).is_file():
                shutil.copy(source / page, folder)
    _seal(folder, record)


def _check(source: Path, output: Path, *, adapter: bool, keep_adapter: bool) -> None:
    if not (source / MANIFEST).is_file():
        raise TrainingError(
            f"{source} holds no finished stage; run its training again, which goes on where it was"
        )
    if keep_adapter and not adapter:
        raise TrainingError(
            f"{source} holds whole weights, no adapter; export without --as adapter"
        )
    if source.resolve() == output.resolve():
        raise TrainingError(f"{output} is what is exported; give another --output")
    if output.exists() and any(output.iterdir()) and not (output / NAME).is_file():
        raise TrainingError(
            f"{output} holds files but no {NAME}, so it is not overwritten; give another --output"
        )


def _save(source: Path, folder: Path, base: str | None, tokenizer: Any, *, adapter: bool) -> None:
    """Whole weights in bfloat16, which is what they are served in."""
    path = (base or models.base_of(source)) if adapter else str(source)
    if adapter and Path(path).is_dir():
        _check_base(source, Path(path))
    model = models.weights(path, dtype=torch.bfloat16)
    if adapter:
        model = PeftModel.from_pretrained(model, source).merge_and_unload(safe_merge=True)
    model.config.use_cache = True  # trainers turn it off
    model.config.eos_token_id = tokenizer.eos_token_id
    model.config.pad_token_id = tokenizer.pad_token_id
    # A base model's settings for sampling are invalid beside greedy decoding.
    generation = model.generation_config
    generation.do_sample, generation.temperature, generation.top_p, generation.top_k = (
        False,
        None,
        None,
        None,
    )
    model.save_pretrained(folder)
    packaging.generation(tokenizer, False, folder)


def _check_base(source: Path, base: Path) -> None:
    """Adapters fit any weights of the same shapes, but mean nothing on others."""
    known = packaging.record_of(source).get("base", "@")
    if "@" not in known and known != packaging.origin(Pretrained(path=str(base))):
        raise TrainingError(
            f"the adapter in {source} was trained on other weights than those in {base}; name the "
            "right ones with --base"
        )


def _copy_adapter(source: Path, folder: Path, base: str) -> None:
    """The adapter, which from now on names its base model as others can find it."""
    shutil.copy(source / "adapter_model.safetensors", folder)
    config = json.loads((source / models.ADAPTER).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base
    manifest.write(folder / models.ADAPTER, config)


def _seal(folder: Path, record: dict[str, Any]) -> None:
    """Makes files readable, since servers run as another user, and writes the manifest."""
    for path in folder.iterdir():
        path.chmod(0o644)
    outputs = {path.name: manifest.file_digest(path) for path in sorted(folder.iterdir())}
    manifest.write(folder / MANIFEST, {**record, "outputs": outputs})
