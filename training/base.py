"""The base model: a small Llama from scratch, trained on problem texts and arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

from training import trainer
from training.recipe import Recipe
from training.tokenizer import USER


def create(recipe: Recipe, tokenizer: Any) -> LlamaForCausalLM:
    """A model with random weights in float32; embeddings are tied."""
    model = recipe.model
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=model.width,
        intermediate_size=model.feed_forward,
        num_hidden_layers=model.layers,
        num_attention_heads=model.heads,
        num_key_value_heads=model.key_value_heads,
        head_dim=model.width // model.heads,
        max_position_embeddings=model.positions,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.convert_tokens_to_ids(USER),  # every prompt begins with it
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    set_seed(recipe.seed)
    return LlamaForCausalLM(config)


def build(recipe: Recipe, tokenizer: Any, rows: Dataset, folder: Path) -> Trainer:
    """The trainer of a new model; its checkpoints go to `folder`."""
    model = create(recipe, tokenizer)
    if recipe.compile:
        model.compile()
    return Trainer(
        model=model,
        args=TrainingArguments(**trainer.arguments(recipe, recipe.base, len(rows), folder)),
        train_dataset=rows,
        data_collator=trainer.collate,
        optimizers=trainer.optimizers(model, recipe.base),
    )
