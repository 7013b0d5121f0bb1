"""What the fine-tuning tests share: a few made-up traces, and recipes cut down to seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from statespace.text import render
from training import manifest
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


def losses(folder: Path) -> list[float]:
    """The losses that a finished stage recorded."""
    return [entry["loss"] for entry in manifest.read(folder / "manifest.json")["log"]]


def command(step: str, recipe: str, model: Path, output: Path, *arguments: str) -> list[str]:
    """What follows `python -m`: the step as `small` sets it; overrides are those without `--`."""
    words = ["training", step, f"--recipe={RECIPES / recipe}.yaml", f"--model={model}"]
    words.append(f"--output={output}")
    overrides = [word for word in arguments if not word.startswith("--")]
    words += [word for word in arguments if word.startswith("--")]
    return words + [f"--set={override}" for override in (*SMALL, *overrides)]


def killed(step: str, recipe: str, model: Path, output: Path, *arguments: str) -> None:
    """Runs a step in a process of its own, and kills it after its first checkpoint."""
    words = [sys.executable, "-m", *command(step, recipe, model, output, *arguments)]
    said = output.with_suffix(".log")
    with said.open("wb") as stream:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        child = subprocess.Popen(words, stdout=stream, stderr=stream, env=environment)
    while not list((output / "training").glob("checkpoint-*/complete")):
        assert child.poll() is None, said.read_text()
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (output / "manifest.json").exists()
