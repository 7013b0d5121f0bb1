"""What the fine-tuning tests share: a few made-up traces, and recipes cut down to seconds."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from statespace.text import render
from training.finetune.recipe import FinetuneRecipe, load
from training.problems import generator
from training.progress import Report
from training.rows import TraceRow, row_key, write
from training.traces import graph

RECIPES = Path(__file__).resolve().parents[2] / "training" / "recipes"
SMALL = (
    "precision=fp32",
    "model.lora.rank=2",
    "model.lora.dropout=0",
    "sft.batch=4",
    "sft.per_device_batch=2",
    "sft.learning_rate=0.01",
    "sft.max_steps=4",
    "sft.save_steps=2",
    "sft.logging_steps=1",
    "sft.length=512",
    "dpo.batch=4",
    "dpo.per_device_batch=2",
    "dpo.learning_rate=0.01",
    "dpo.max_steps=3",
    "dpo.save_steps=2",
    "dpo.logging_steps=1",
)


def traces(path: Path, count: int = 24, *, split: str = "seen") -> Path:
    """A file of accepted traces."""
    problems = [generator.generate(9, index, operations=(1, 1)) for index in range(count)]
    rows = [
        TraceRow(
            key=row_key(problem.id, 0, "test"),
            problem=problem.id,
            question=problem.question,
            gold=problem.answer,
            trace=render(graph.trace(problem)),
            origin="graph",
            source="procedural",
            split=split,
            licence="Apache-2.0",
        )
        for problem in problems
    ]
    write(path, rows)
    return path


def small(recipe: str, model: Path, *overrides: str) -> FinetuneRecipe:
    """A shipped recipe for a tiny model and a few steps."""
    return load(RECIPES / f"{recipe}.yaml", [*SMALL, *overrides], model=str(model))


def report() -> Report:
    """A report that says nothing."""
    return Report(Console(quiet=True))
