"""Token rows of stage 1 from accepted traces, and the account of what went in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from datasets import Dataset

from statespace.actions import START_SUCCESSORS, Action
from statespace.text import header
from training import manifest, rows
from training.data import IGNORED
from training.errors import DataError
from training.finetune.chat import Chat
from training.problems import output as outputs
from training.problems.sources.trainable import trainable
from training.rows import TraceRow


def sft_rows(files: Sequence[Path], chat: Chat, length: int) -> tuple[Dataset, dict[str, Any]]:
    """Rows of `input_ids` and `labels`, and the account of them.

    Labels are -100 on the prompt, so that the loss falls on the trace and the turn's end only.
    Examples of more than `length` tokens are left out and counted, never cut. Raises DataError.
    """
    columns: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
    origins: Counter[tuple[str, ...]] = Counter()
    begun: Counter[str] = Counter()
    headers = {action: chat.prompt.data(header(1, action)) for action in START_SUCCESSORS}
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
        begun[_first_action(after, headers)] += 1
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
        "first_actions": dict(sorted(begun.items())),
        "made": sources(files),
        "sources": [
            {"source": source, "split": split, "origin": origin, "licence": licence, "rows": count}
            for (source, split, origin, licence), count in sorted(origins.items())
        ],
    }
    return Dataset.from_dict(columns), account


def _first_action(ids: Sequence[int], headers: Mapping[Action, Sequence[int]]) -> Action:
    """Whose header the ids of a trace begin with, to the token; of others none could be given."""
    found = (action for action, given in headers.items() if ids[: len(given)] == given)
    return next(found, Action.OTHER)


def _rows(files: Sequence[Path]) -> Iterator[TraceRow]:
    """Rows to train on. Raises DataError for a torn file or one from an evaluation set."""
    for path in files:
        outputs.check_whole(path)
    return trainable(chain.from_iterable(rows.read(path, TraceRow) for path in files))


def sources(files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """What the manifests beside files say of how these were made: step, inputs and counts."""
    found = {}
    for path in files:
        record = manifest.read(outputs.manifest_of(path)) or {}
        counts = record.get("summary", {}).get("total") or record.get("counts") or {}
        if record:
            made = {"step": record.get("step"), "inputs": record.get("inputs"), "counts": counts}
            found[path.name] = made
    return found
