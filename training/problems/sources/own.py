"""A practitioner's own file of problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from training.errors import DataError
from training.problems.problem import Problem, problem_id
from training.problems.sources.files import Placed, Row
from training.problems.sources.published import Published, number, text
from training.problems.sources.source import Purpose


class Own(Published):
    """`question` and `answer`, and if you like `id`, `split`, `licence` and `solution`.

    JSON Lines, a JSON array, parquet, or tab-separated question and answer. Rows that name another
    split are left out; other fields are not read.
    """

    name: ClassVar[str] = "own"
    licence: ClassVar[str] = "unknown"
    citation: ClassVar[str] = ""
    purpose: ClassVar[Purpose] = "training"
    splits: ClassVar[tuple[str, ...]] = ()

    def local(self, split: str, path: Path) -> Iterator[Placed]:
        others: set[str] = set()
        empty = True
        for place, row in super().local(split, path):
            stated = row.get("split") or split
            if stated == split:
                empty = False
                yield place, row
            else:
                others.add(str(stated))
        if empty and others:
            raise DataError(
                f"{path} has no rows of the split {split}; name one that it has: --split "
                f"{' or '.join(sorted(others))}"
            )

    def names(self, split: str) -> Sequence[str]:
        return ("problems.jsonl", *super().names(split))

    def problem(self, row: Row, split: str) -> Problem:
        question, answer = text(row, "question"), row["answer"]
        answer = text(row, "answer").strip() if isinstance(answer, str) else number(row, "answer")
        return Problem(
            id=str(row.get("id") or problem_id(question, answer)),
            question=question,
            answer=answer,
            source=self.name,
            split=split,
            operations=0,
            solution=str(row.get("solution") or ""),
            licence=str(row.get("licence") or row.get("license") or self.licence),
        )
