"""Traces from problems whose solution is known: from their graph, or from annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

from statespace.text import render
from training import manifest, rows
from training.problems import jsonl, output as outputs
from training.problems.problem import Problem
from training.problems.sources.trainable import trainable
from training.rows import Reason, RejectedRow, TraceRow, row_key
from training.traces import annotated, graph
from training.traces.inputs import digests

Known = Literal["graph", "annotated"]

TRACES: Final = "traces.jsonl"
FAILED: Final = "failed.jsonl"
CODE: Final = (Path(__file__).parent,)
"""What decides the traces; its digest is part of a file's key."""

_MISSING: Final[dict[Known, str]] = {
    "graph": "the problem has no graph of quantities",
    "annotated": "the problem's solution has no marks that a trace could be made from",
}


def traces(problems: Iterable[Problem], origin: Known) -> Iterator[TraceRow | RejectedRow]:
    """One row a problem and id, in order; a RejectedRow where it does not give a trace."""
    recipe = manifest.key("traces", origin)
    seen: set[str] = set()
    for problem in problems:
        if problem.id in seen:
            continue
        seen.add(problem.id)
        text = _text(problem, origin)
        row = TraceRow(
            key=row_key(problem.id, 0, recipe),
            problem=problem.id,
            question=problem.question,
            gold=problem.answer,
            trace=text or "",
            origin=origin,
            source=problem.source,
            split=problem.split,
            licence=problem.licence,
        )
        if text is None:
            detail = _MISSING[origin]
            yield RejectedRow(**row.model_dump(), reason=Reason.FAILED, detail=detail)
        else:
            yield row


def _text(problem: Problem, origin: Known) -> str | None:
    if origin == "graph":
        return render(graph.trace(problem)) if problem.quantities else None
    found = annotated.trace(problem.question, problem.solution) if problem.solution else None
    return render(found) if found else None


def make(
    problems: Path, origin: Known, folder: Path, advance: Callable[[int], None] = lambda *_: None
) -> dict[str, Any]:
    """Writes the folder's traces.jsonl and failed.jsonl; a finished one is left as it is.

    Returns the manifest. Raises DataError.
    """
    target, failed = folder / TRACES, folder / FAILED
    outputs.check_apart(target, problems)
    inputs = digests([problems])
    key = manifest.key("traces", origin, inputs, manifest.source_digest(CODE))
    if done := outputs.finished(target, key):
        return done
    found = list(_counted(traces(trainable(jsonl.read(problems)), origin), advance))
    counts = {
        path: rows.write(path, (row for row in found if isinstance(row, RejectedRow) is rejected))
        for path, rejected in ((target, False), (failed, True))
    }
    return outputs.finish(target, counts, step="traces", key=key, origin=origin, inputs=inputs)


def _counted(
    found: Iterable[TraceRow | RejectedRow], advance: Callable[[int], None]
) -> Iterator[TraceRow | RejectedRow]:
    for row in found:
        yield row
        advance(1)
