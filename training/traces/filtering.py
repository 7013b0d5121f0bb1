"""The step that filters: traces → accepted.jsonl, rejected.jsonl, a manifest and a plot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Final

from training import manifest, rows
from training.errors import DataError
from training.problems import output as outputs
from training.problems.sources.trainable import trainable
from training.rows import TraceRow
from training.traces.filters import Accepted, Limits, Rejected, Scope, filtered
from training.traces.inputs import digests
from training.traces.summary import Summary, plot

ACCEPTED: Final = "accepted.jsonl"
REJECTED: Final = "rejected.jsonl"
CODE: Final = (Path(__file__).parent / "filters.py", Path(__file__).parents[2] / "statespace")


def run(  # noqa: PLR0913
    traces: Sequence[Path],
    folder: Path,
    *,
    limits: Limits,
    unit: str,
    scope: Scope = "problem",
    advance: Callable[[int], None] = lambda *_: None,
) -> Summary:
    """Judges the rows of all files in order, and writes each to one of two files.

    `unit` says what lengths are measured in. Returns the counts. Raises DataError; the outputs are
    then as they were before.
    """
    for path in traces:
        outputs.check_apart(folder / ACCEPTED, path)
        outputs.check_apart(folder / REJECTED, path)
    inputs = digests(traces)
    summary = Summary()
    counts = {folder / ACCEPTED: 0, folder / REJECTED: 0}

    def split(found: Iterable[Accepted | Rejected]) -> Iterator[tuple[Path, bytes]]:
        for one in found:
            summary.add(one)
            good = isinstance(one, Accepted)
            path = folder / (ACCEPTED if good else REJECTED)
            row = one.row if isinstance(one, Accepted) else one.kept
            counts[path] += 1
            yield path, row.model_dump_json().encode() + b"\n"
            advance(1)

    found = filtered(trainable(read(traces)), limits, scope)
    _write(list(counts), split(found))
    outputs.finish(
        folder / ACCEPTED,
        counts,
        step="filter",
        inputs=inputs,
        options={
            "longest": limits.longest,
            "unit": unit,
            "forward": limits.forward,
            "duplicates": scope,
        },
        code=manifest.source_digest(CODE),
        summary=summary.record(),
    )
    _draw(summary, folder, unit)
    return summary


def _draw(summary: Summary, folder: Path, unit: str) -> None:
    for suffix in ("png", "svg"):
        path = folder / f"summary.{suffix}"
        try:
            plot(summary, path, unit)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise DataError(
                f"cannot write {path}: {error.strerror}; free space, run again"
            ) from error


def read(traces: Sequence[Path]) -> Iterator[TraceRow]:
    """The rows of all files. Raises DataError if one is not what its manifest says."""
    for path in traces:
        outputs.check_whole(path)
    return chain.from_iterable(rows.read(path, TraceRow) for path in traces)


def _write(paths: Sequence[Path], lines: Iterable[tuple[Path, bytes]]) -> None:
    """Writes lines to several files such that each is absent, old or complete."""
    parts = {path: path.with_name(path.name + ".part") for path in paths}
    try:
        with ExitStack() as stack:
            files = {}
            for path, part in parts.items():
                part.parent.mkdir(parents=True, exist_ok=True)
                files[path] = stack.enter_context(part.open("wb"))
            for path, line in lines:
                files[path].write(line)
            for file in files.values():
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise DataError(
            f"cannot write {paths[0].parent}: {error.strerror}; free space, run again"
        ) from error
