"""Stage 2, step by step: the model's own answers, the curriculum, fine-tuning, preferences.

Each step works in a folder of its caller's and, killed anywhere, goes on when it is called again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoModelForCausalLM

from training import data, dpo, manifest, rows, sft, trainer
from training.curriculum import collect, tokens
from training.curriculum.collect import Collection, Repairing
from training.curriculum.pairs import AdvancedRow, is_anchor
from training.curriculum.sampler import Sampler
from training.curriculum.settings import Advanced, Dpo, Pairs
from training.problems.problem import Problem
from training.progress import Report
from training.rows import PairRow, TraceRow
from training.steps import Steps

_CHUNK: Final = 256
"""Problems whose samples are kept together: what a killed run does again at most."""


@dataclass(frozen=True, slots=True)
class Run:
    """What all steps share."""

    seed: int
    compile: bool
    report: Report


@dataclass(frozen=True, slots=True)
class _Fundamental:
    """The part of a recipe that stage 1's trainer reads, for stage 2's traces."""

    seed: int
    compile: bool
    sft: Advanced


def load(folder: Path) -> Any:
    """A checkpoint's model in float32, to be trained on."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def sampled(
    run: Run, sampler: Sampler, problems: Sequence[Problem], samples: int, folder: Path
) -> Iterator[TraceRow]:
    """The model's answers to `problems`, kept in `folder` chunk by chunk."""
    task = run.report.begin("own answers", len(problems) * samples)
    for start in range(0, len(problems), _CHUNK):
        chunk = problems[start : start + _CHUNK]
        path = folder / f"{start // _CHUNK:06}.jsonl"
        if not path.is_file():
            rows.write(path, sampler.rows(chunk, samples))
        run.report.advance(task, len(chunk) * samples)
        yield from rows.read(path, TraceRow)


def collected(  # noqa: PLR0913
    run: Run,
    settings: Pairs,
    mend: Repairing,
    *,
    tested: frozenset[str],
    sampler: Sampler | None,
    folder: Path,
) -> Collection:
    """Wrong traces of generated problems, and of the model's own; repaired and made into rows.

    Questions in `tested` are left out.
    """
    made = Collection(settings.mode, settings.repair, settings.noticing)
    choose = (run.seed, settings.operations, tested)
    found = collect.generated(settings.generated, *choose)
    for problem, states, sample in collect.corrupted(found, run.seed):
        made.add(problem, states, mend, origin="graph", sample=sample)
    if sampler is not None and settings.samples:
        problems = collect.asked(settings.samples, *choose)
        written = sampled(run, sampler, problems, settings.sampled, folder / "samples")
        known = {problem.id: problem for problem in problems}
        for problem, states, sample in collect.written(written, known, made.counts):
            made.add(problem, states, mend, origin="self", sample=sample)
    return made


def finetuned(  # noqa: PLR0913, PLR0917
    run: Run,
    settings: Advanced,
    start: Path,
    tokenizer: Any,
    examples: Sequence[AdvancedRow],
    folder: Path,
) -> tuple[Any, dict[str, Any]]:
    """The model in `start`, fine-tuned on advanced and clean traces; and what to record."""
    packed = tokens.packed(
        examples, tokenizer, tokens=settings.tokens, length=settings.length, seed=run.seed
    )
    recipe: Any = _Fundamental(run.seed, run.compile, settings)
    made = sft.build(recipe, load(start), tokenizer, packed, folder)
    record = trainer.fit(made, settings, Steps(run.report, "advanced traces"))
    return made.model, {"data": data.digest(packed), **record}


def preferred(  # noqa: PLR0913, PLR0917
    run: Run,
    settings: Dpo,
    start: Path,
    tokenizer: Any,
    pairs: Sequence[PairRow],
    folder: Path,
) -> tuple[Any, dict[str, Any]]:
    """The model in `start`, trained on preferences; and what to record."""
    encoded = tokens.pairs(pairs, tokenizer, settings.length)
    budgeted = tokens.budgeted(encoded, settings.tokens, run.seed)
    made = dpo.build(run, settings, load(start), tokenizer, budgeted, folder)
    record = trainer.fit(made, settings, Steps(run.report, "preferences"))
    account = {
        "pairs": len(pairs),
        "anchors": sum(map(is_anchor, pairs)),
        "too_long": len(pairs) - len(encoded),
        "rows": len(budgeted),
    }
    return made.model, {"data": f"sha256:{manifest.key(encoded)}", **account, **record}
