"""Recipes that fine-tune a pretrained model: `kind: pretrained`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from training import recipe
from training.errors import RecipeError
from training.recipe import Recipe
from training.sections import Section, Share


class Lora(Section):
    """Low-rank adapters (LoRA, arXiv 2106.09685) instead of all weights."""

    rank: PositiveInt
    alpha: PositiveInt
    dropout: Share = 0.0
    targets: str | tuple[str, ...] = "all-linear"
    """Names of the linear layers; `all-linear` is all but the head (QLoRA, §4)."""


class Pretrained(Section):
    """What is fine-tuned, and how its prompts and weights are treated."""

    path: str
    """A hub id, a folder, or the folder of an earlier stage, adapter or not."""
    revision: str | None = None
    """The hub's commit or tag; pin it, so that the recipe always means the same weights."""
    chat_template: str | None = None
    """`plain` (for base models, which have none), a Jinja file, or null: the tokenizer's own."""
    thinking: bool = False
    """For templates with `enable_thinking`: what it is from now on."""
    pad_token: str | None = None
    """A token of the vocabulary; null chooses one."""
    attention: str = "sdpa"
    """transformers' `attn_implementation`."""
    lora: Lora | None = None
    """Null: all weights are trained."""
    quantization: Literal["nf4"] | None = None
    """Frozen weights in 4 bits (QLoRA, arXiv 2305.14314); needs LoRA, a GPU and bitsandbytes."""


class Stage(Section):
    """What both stages share."""

    epochs: PositiveFloat
    max_steps: PositiveInt | None = None
    """Ends training early."""
    batch: PositiveInt
    """Sequences in a step, over all devices."""
    per_device_batch: PositiveInt
    """Sequences on one device at a time; the rest is accumulated."""
    learning_rate: PositiveFloat
    schedule: Literal["linear", "cosine", "constant_with_warmup"]
    warmup: Share
    """Share of the steps."""
    weight_decay: NonNegativeFloat = 0.0
    length: PositiveInt
    """Tokens of prompt and trace together; longer examples are left out and counted."""
    gradient_checkpointing: bool = True
    liger: bool = False
    """Liger's Triton kernels; needs a GPU and liger-kernel."""
    save_steps: PositiveInt
    """Steps between the checkpoints from which a run resumes."""
    logging_steps: PositiveInt = 10


class Fundamental(Stage):
    """Stage 1: supervised fine-tuning on correct traces."""

    packing: bool = False
    """Several examples to a row of `length` tokens, which do not see each other."""


class Preferences(Stage):
    """Stage 2: direct preference optimization (DPO, arXiv 2305.18290) on pairs."""

    beta: PositiveFloat
    """How strongly the model is held to the reference."""
    loss: Literal["sigmoid", "sigmoid_norm", "ipo", "hinge", "robust", "apo_zero"] = "sigmoid"
    sft: NonNegativeFloat = 0.0
    """Weight of the loss on what is chosen, beside DPO's (RPO, arXiv 2404.19733)."""


class Assumed(Section):
    """What estimates assume of data that are not there yet."""

    examples: PositiveInt
    tokens: PositiveInt
    """Of an example, prompt and trace."""
    pairs: PositiveInt


class Shape(Section):
    """Sizes of the architecture, for estimates without its `config.json`; a folder's wins."""

    vocabulary: PositiveInt
    width: PositiveInt
    feed_forward: PositiveInt
    layers: PositiveInt
    heads: PositiveInt
    key_value_heads: PositiveInt
    head: PositiveInt
    """Dimensions of one attention head."""
    tied: bool
    biased: bool = False
    """Whether queries, keys and values have biases (Qwen2)."""
    normed: bool = False
    """Whether queries and keys are normed (Qwen3)."""


class FinetuneRecipe(Section):
    """Everything that decides what fine-tuning makes, but the data."""

    kind: Literal["pretrained"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    seed: int
    precision: Literal["bf16", "fp32"] = "bf16"
    report_to: tuple[str, ...] = ("tensorboard",)
    """Trackers by transformers' names: tensorboard, wandb, trackio, …; empty for none."""
    model: Pretrained
    sft: Fundamental
    dpo: Preferences | None = None
    assumed: Assumed
    shape: Shape

    def digest(self) -> str:
        """SHA-256 of what decides the result, as `sha256:<hex>`.

        Where a model's folder lies, trackers and estimates are no part of it.
        """
        values = self.model_dump(mode="json", exclude={"report_to", "assumed", "shape"})
        if Path(self.model.path).is_dir():
            values["model"]["path"] = None
        return "sha256:" + hashlib.sha256(repr(values).encode()).hexdigest()


def load(path: Path, overrides: Sequence[str] = (), *, model: str | None = None) -> FinetuneRecipe:
    """A recipe of a pretrained model, `model` instead of its own if given. Raises RecipeError."""
    named = [f"model.path={json.dumps(model)}", "model.revision=null"] if model else []
    loaded = load_any(path, [*overrides, *named])
    if isinstance(loaded, FinetuneRecipe):
        return loaded
    raise RecipeError(
        f"{path} makes a model from scratch: run it with `statewise train --recipe {path}`; this "
        "step takes a recipe with `kind: pretrained`, such as training/recipes/qwen.yaml"
    )


def load_any(path: Path, overrides: Sequence[str] = ()) -> Recipe | FinetuneRecipe:
    """A recipe of either kind; without `kind` it is one from scratch. Raises RecipeError."""
    kind = recipe.read(path).get("kind")
    if kind is None:
        return recipe.load(path, overrides)
    if kind == "pretrained":
        return recipe.load_as(FinetuneRecipe, path, overrides)
    raise RecipeError(
        f"{path}: kind: {kind!r} is unknown; did you mean pretrained? A recipe of a model from "
        "scratch has no kind"
    )
