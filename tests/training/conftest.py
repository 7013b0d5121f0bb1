"""Fixtures of the training tests: a recipe so small that a whole run takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from training.recipe import Recipe

MINIATURE: dict[str, Any] = {
    "name": "miniature",
    "seed": 7,
    "compile": False,
    "gsm8k": None,
    "tokenizer": {"vocabulary": 420, "problems": 60},
    "model": {
        "width": 64,
        "feed_forward": 96,
        "layers": 1,
        "heads": 1,
        "key_value_heads": 1,
        "positions": 512,
    },
    "base": {
        "tokens": 64 * 8 * 8,
        "length": 64,
        "batch": 8,
        "learning_rate": 0.003,
        "warmup": 0.1,
        "decay": 0.2,
        "save_steps": 2,
        "arithmetic": 0.3,
    },
    "sft": {
        "tokens": 384 * 4 * 8,
        "length": 384,
        "batch": 4,
        "learning_rate": 0.003,
        "muon": 0.003,
        "warmup": 0.1,
        "decay": 0.2,
        "save_steps": 2,
        "operations": {1: 0.6, 2: 0.4},
    },
    "advanced": {
        "pairs": {"generated": 12, "samples": 2, "sampled": 1, "operations": {1: 1.0}},
        "sft": {
            "tokens": 384 * 4 * 3,
            "length": 384,
            "batch": 4,
            "learning_rate": 0.001,
            "warmup": 0.1,
            "decay": 0.2,
            "save_steps": 2,
        },
        "dpo": {
            "tokens": 6000,
            "length": 500,
            "batch": 4,
            "learning_rate": 0.0001,
            "warmup": 0.1,
            "decay": 0.2,
            "save_steps": 2,
        },
    },
    "evaluation": {"problems": 3, "batch": 2, "max_new_tokens": 6, "gsm8k": None},
}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Sums in another order give other last digits: runs compare only at one number of threads."""
    torch.set_num_threads(1)


@pytest.fixture
def miniature() -> Recipe:
    return Recipe.model_validate(MINIATURE)


@pytest.fixture
def starter(repository: Path) -> Path:
    """The recipe of the shipped checkpoint."""
    return repository / "training" / "recipes" / "starter.yaml"
