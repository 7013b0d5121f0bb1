"""Estimates of memory and time from the sizes of a model and a recipe: arithmetic, no measurement.

Memory of one device = weights + trained parameters' gradients and Adam states + activations:

- weights: 2 bytes a parameter in bfloat16, 4 in float32; nf4 with double quantization takes
  0.5 + 0.127 / 8 bytes (QLoRA, arXiv 2305.14314, §3), embeddings and head stay in bfloat16;
- whole weights in training: 16 bytes a parameter (float32 weight, gradient, two Adam moments), and
  2 for the bfloat16 copy that autocast computes with; adapters: 16 bytes a parameter of theirs;
- activations with checkpointing: 2 bytes · width · layers for every token, plus one layer's own,
  2 · (8 · width + 4 · query and key-value dimensions + 4 · feed-forward) bytes for every token,
  which is what is kept of norms, projections and the gated feed-forward under flash or SDPA
  attention; without checkpointing, the latter for every layer;
- 1.5 GiB for CUDA, the allocator's gaps and the chunks of the loss.

Time = FLOPs / (peak · utilisation), with 2 FLOPs a parameter and token forward, 2 for gradients of
activations, 2 for gradients of weights (none for frozen ones), and 2 more where checkpointing
computes forward again (Kaplan et al., arXiv 2001.08361, §2.1). DPO trains on two sequences a pair
and runs the reference forward on both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training.finetune.recipe import FinetuneRecipe, Lora, Shape, Stage
from training.recipe import Recipe

GIB: Final = 2**30
OVERHEAD: Final = 1.5 * GIB
UTILISATION: Final = 0.4
"""Share of a GPU's peak that such training reaches; 0.3 to 0.5 is usual."""
PEAKS: Final = {"A100": 312e12, "H100": 989e12}
"""Dense bfloat16 FLOP/s, from NVIDIA's data sheets."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one device without sharding."""

    weights: float
    states: float
    activations: float

    @property
    def total(self) -> float:
        """With the overhead."""
        return self.weights + self.states + self.activations + OVERHEAD


def shape(recipe: FinetuneRecipe) -> Shape:
    """The architecture: of the model's folder if it is here, else as the recipe has it."""
    path = Path(recipe.model.path) / "config.json"
    if not path.is_file():
        return recipe.shape
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    heads = config["num_attention_heads"]
    return Shape(
        vocabulary=config["vocab_size"],
        width=config["hidden_size"],
        feed_forward=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        key_value_heads=config.get("num_key_value_heads") or heads,
        head=config.get("head_dim") or config["hidden_size"] // heads,
        tied=config.get("tie_word_embeddings", False),
        biased=config.get("model_type") == "qwen2",
        normed=config.get("model_type") == "qwen3",
    )


def linears(sizes: Shape) -> Iterator[tuple[int, int]]:
    """Inputs and outputs of one layer's matrices: query, key, value, output, gate, up, down."""
    query, keys = sizes.heads * sizes.head, sizes.key_value_heads * sizes.head
    yield from ((sizes.width, query), (sizes.width, keys), (sizes.width, keys))
    yield (query, sizes.width)
    yield from ((sizes.width, sizes.feed_forward),) * 2
    yield (sizes.feed_forward, sizes.width)


def parameters(sizes: Shape) -> int:
    """All parameters of a Llama, Mistral, Qwen2 or Qwen3 model."""
    layer = sum(inputs * outputs for inputs, outputs in linears(sizes)) + 2 * sizes.width
    if sizes.biased:
        layer += (sizes.heads + 2 * sizes.key_value_heads) * sizes.head
    if sizes.normed:
        layer += 2 * sizes.head
    embeddings = sizes.vocabulary * sizes.width * (1 if sizes.tied else 2)
    return sizes.layers * layer + embeddings + sizes.width


def adapter_parameters(sizes: Shape, lora: Lora) -> int:
    """Parameters of adapters on all linear layers but the head."""
    return sizes.layers * sum(lora.rank * sum(matrix) for matrix in linears(sizes))


def memory(recipe: FinetuneRecipe, stage: Stage, *, sequences: int = 1) -> Memory:
    """The memory of one device. A pair is two sequences."""
    sizes, model = shape(recipe), recipe.model
    total = parameters(sizes)
    tokens = stage.per_device_batch * stage.length * sequences
    query = sizes.heads * sizes.head + sizes.key_value_heads * sizes.head
    inner = 2 * tokens * (8 * sizes.width + 4 * query + 4 * sizes.feed_forward)
    outer = 2 * tokens * sizes.width * sizes.layers
    activations = outer + inner if stage.gradient_checkpointing else inner * sizes.layers
    wide = 2 if recipe.precision == "bf16" else 4
    if model.lora is None:
        copy = 2 * total if recipe.precision == "bf16" else 0
        # DPO's reference is a second, frozen copy.
        reference = wide * total if sequences == 2 else 0
        return Memory(4 * total + copy + reference, 12 * total, activations)
    weights: float = wide * total
    if model.quantization:
        inside = sizes.layers * sum(inputs * outputs for inputs, outputs in linears(sizes))
        weights = inside * (0.5 + 0.127 / 8) + wide * (total - inside)
    trained = adapter_parameters(sizes, model.lora)
    copies = 2 if sequences == 2 else 1  # the adapter of the reference, frozen
    return Memory(weights + 4 * trained * copies, 12 * trained, activations)


def flops(recipe: FinetuneRecipe, stage: Stage, tokens: float, *, pairs: bool = False) -> float:
    """Floating-point operations of a stage over `tokens` tokens, epochs not counted."""
    passes = 2 + (1 if recipe.model.lora is None else 0)  # forward and gradients
    passes += int(stage.gradient_checkpointing) + int(pairs)
    return 2.0 * passes * parameters(shape(recipe)) * tokens * stage.epochs


def hours(work: float, peak: float) -> float:
    """Hours on one device."""
    return work / (peak * UTILISATION) / 3600


def lines(recipe: FinetuneRecipe) -> Iterator[str]:
    """The estimates as text, each with what it is the sum of."""
    sizes = shape(recipe)
    yield f"parameters: {parameters(sizes) / 1e9:.2f} billion"
    if recipe.model.lora:
        trained = adapter_parameters(sizes, recipe.model.lora)
        yield f"trained: {trained / 1e6:.0f} million, adapters of rank {recipe.model.lora.rank}"
    else:
        yield "trained: all of them"
    assumed = recipe.assumed
    yield from _stage("stage 1", recipe, recipe.sft, assumed.examples * assumed.tokens)
    if recipe.dpo:
        tokens = 2 * assumed.pairs * assumed.tokens
        yield from _stage("stage 2", recipe, recipe.dpo, tokens, pairs=True)
    yield (
        f"assumed: {assumed.examples} traces and {assumed.pairs} pairs of {assumed.tokens} tokens, "
        f"{100 * UTILISATION:.0f} % of the peak; FSDP2 and ZeRO-3 divide weights and states by the "
        "number of devices"
    )


def _stage(
    name: str, recipe: FinetuneRecipe, stage: Stage, tokens: float, *, pairs: bool = False
) -> Iterator[str]:
    needed = memory(recipe, stage, sequences=2 if pairs else 1)
    yield (
        f"{name}, memory of one device, estimated: {needed.total / GIB:.1f} GiB = "
        f"weights {needed.weights / GIB:.1f} + gradients and optimizer {needed.states / GIB:.1f} + "
        f"activations {needed.activations / GIB:.1f} + overhead {OVERHEAD / GIB:.1f}"
    )
    work = flops(recipe, stage, tokens, pairs=pairs)
    times = ", ".join(f"{hours(work, peak):.1f} h on one {gpu}" for gpu, peak in PEAKS.items())
    yield f"{name}, time, estimated: {times} ({work:.1e} FLOPs, {stage.epochs:g} epochs)"


def scratch(recipe: Recipe) -> Iterator[str]:
    """Estimates of a recipe that makes a small model from scratch."""
    model = recipe.model
    sizes = Shape(
        vocabulary=recipe.tokenizer.vocabulary,
        width=model.width,
        feed_forward=model.feed_forward,
        layers=model.layers,
        heads=model.heads,
        key_value_heads=model.key_value_heads,
        head=model.width // model.heads,
        tied=True,
    )
    total = parameters(sizes)
    tokens = recipe.base.tokens + recipe.sft.tokens
    yield f"parameters: {total / 1e6:.2f} million, {2 * total / 2**20:.1f} MiB in bfloat16"
    yield f"tokens: {tokens / 1e6:.1f} million, {6.0 * total * tokens:.1e} FLOPs"
