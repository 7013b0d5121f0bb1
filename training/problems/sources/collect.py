"""The step that makes a problems file from a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

from training import manifest
from training.errors import DataError
from training.problems import jsonl, output as outputs
from training.problems.problem import Problem
from training.problems.sources.source import Source
from training.problems.sources.trainable import is_trainable

CODE: Final = Path(__file__).parent.parent
"""All that decides what a source gives; its digest is part of a file's key."""


_PATIENCE: Final = 1000
"""Problems in vain for each distinct one, before the source counts as exhausted."""


def collect(  # noqa: PLR0913
    source: Source,
    split: str,
    output: Path,
    *,
    path: Path | None = None,
    hub: str | None = None,
    count: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> tuple[dict[str, Any], bool]:
    """Writes `count` problems (all, if None), each id once; returns the manifest, and whether made.

    A finished file with the same key is left as it is. `advance` is called for each problem.
    Raises DataError.
    """
    source.check_split(split)
    if count is None and not source.finite:
        raise DataError(f"{source.name} has no end; say how many problems with --count")
    outputs.check_apart(output, *([path] if path else []))
    asked = {
        "source": source.name,
        "split": split,
        "options": asdict(source),
        "inputs": source.inputs(split, path=path, hub=hub),
        "count": count,
    }
    key = manifest.key("problems", asked, manifest.source_digest([CODE]))
    if done := outputs.finished(output, key):
        return done, False
    distinct = _Distinct(source.load(split, path=path, hub=hub))
    rows = jsonl.write(output, _counted(islice(distinct, count), advance))
    if not rows:
        output.unlink()
        raise DataError(f"{source.name} gave no problems; is the file empty?")
    record = outputs.finish(
        output,
        {output: rows},
        step="problems",
        key=key,
        **asked,
        purpose="training" if is_trainable(source.name, split) else "evaluation",
        licence=source.licence,
        citation=source.citation,
        duplicates=distinct.duplicates,
    )
    return record, True


def _counted(problems: Iterable[Problem], advance: Callable[[], None]) -> Iterator[Problem]:
    for problem in problems:
        yield problem
        advance()


class _Distinct:
    """Problems with those left out that came before. Raises DataError if an id means two."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._problems = problems
        self.duplicates = 0

    def __iter__(self) -> Iterator[Problem]:
        seen: dict[str, tuple[str, str]] = {}
        for problem in self._problems:
            content = (problem.question, problem.answer)
            known = seen.setdefault(problem.id, content)
            if known is content:
                yield problem
            elif known == content:
                self._again(len(seen))
            else:
                raise DataError(
                    f"two problems have the id {problem.id}; give each its own, or leave ids out"
                )

    def _again(self, distinct: int) -> None:
        self.duplicates += 1
        if self.duplicates > _PATIENCE * distinct:
            raise DataError(f"no more than {distinct} different problems; ask for a lower --count")
