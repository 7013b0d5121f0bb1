"""Token rows of stage 1 from accepted traces, and the account of what went in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from training import manifest, rows
from training.data import IGNORED
from training.errors import DataError
from training.finetune.chat import Chat
from training.rows import TraceRow


def sft_rows(files: Sequence[Path], chat: Chat, length: int) -> tuple[Dataset, dict[str, Any]]:
    """Rows of `input_ids` and `labels`, and the account of them.

    Labels are -100 on the prompt, so that the loss falls on the trace and the turn's end only.
    Examples of more than `length` tokens are left out and counted, never cut. Raises DataError.
    """
    columns: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
    origins: Counter[tuple[str, ...]] = Counter()
    seen: set[str] = set()
    too_long = repeated = tokens = 0
    for row in _rows(files):
        if row.key in seen:
            repeated += 1
            continue
        seen.add(row.key)
        before, after = chat.example(row.question, row.trace)
        if len(before) + len(after) > length:
            too_long += 1
            continue
        columns["input_ids"].append(before + after)
        columns["labels"].append([IGNORED] * len(before) + after)
        origins[row.source, row.split, row.origin, row.licence] += 1
        tokens += len(before) + len(after)
    if not columns["input_ids"]:
        raise DataError(
            f"no example is left of {', '.join(map(str, files))}: {too_long} are longer than "
            f"{length} tokens; raise the stage's length, or make more traces"
        )
    account = {
        "files": {path.name: manifest.file_digest(path) for path in files},
        "examples": len(columns["input_ids"]),
        "tokens": tokens,
        "too_long": too_long,
        "repeated": repeated,
        "length": length,
        "sources": [
            {"source": source, "split": split, "origin": origin, "licence": licence, "rows": count}
            for (source, split, origin, licence), count in sorted(origins.items())
        ],
    }
    return Dataset.from_dict(columns), account


def _rows(files: Sequence[Path]) -> Iterator[TraceRow]:
    for path in files:
        for row in rows.read(path, TraceRow):
            if row.split in {"test", "heldout"}:
                raise DataError(
                    f"{path}: problem {row.problem} is of the {row.split} split, which is for "
                    "evaluation; make the file again from a training split"
                )
            yield row
