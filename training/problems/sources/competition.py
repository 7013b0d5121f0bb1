"""MATH (Hendrycks et al.), from a user's own copy only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from training.errors import DataError
from training.problems.problem import Problem, problem_id
from training.problems.sources.files import Row
from training.problems.sources.hub import Repository
from training.problems.sources.published import Published, text
from training.problems.sources.source import Purpose

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?P<braced>\{)?")
_ESCAPED = re.compile(r"\\[{}]")


class Math(Published):
    r"""Competition problems: `problem`, `solution` with `\boxed{…}`, `level`, `type`.

    A folder of one JSON file a problem (MATH/train/algebra/1.json), or JSON Lines.
    """

    name: ClassVar[str] = "math"
    licence: ClassVar[str] = "MIT (Hendrycks et al.); questions claimed by Art of Problem Solving"
    citation: ClassVar[str] = "Hendrycks et al. 2021, arXiv 2103.03874"
    purpose: ClassVar[Purpose] = "training"
    splits: ClassVar[tuple[str, ...]] = ("train", "test")

    def on_hub(self, named: str | None) -> Repository:  # noqa: ARG002
        raise DataError(
            "math is not fetched: its questions were taken off the Hugging Face hub in 2025, after "
            "a claim by Art of Problem Solving; name your own copy in --path"
        )

    def found(self, split: str, path: Path) -> list[Path]:
        folder = path / split if (path / split).is_dir() else path
        found = sorted(folder.rglob("*.json"), key=_order) if folder.is_dir() else []
        if not found or any(file.parent == folder for file in found):
            return super().found(split, path)
        if folder == path and {"train", "test"} & {f.relative_to(path).parts[0] for f in found}:
            raise DataError(f"{path} has no folder {split}; name the folder of MATH in --path")
        if folder == path and path.name in {"train", "test"} - {split}:
            raise DataError(f"{path} is the {path.name} split by its name; say --split {path.name}")
        return found

    def problem(self, row: Row, split: str) -> Problem:
        question, solution = text(row, "problem"), str(row.get("solution") or "")
        answer = row.get("answer") or boxed(text(row, "solution"))
        if not isinstance(answer, str):
            raise ValueError("no answer: neither the field nor a \\boxed{…} in the solution")
        return Problem(
            id=problem_id(question, answer),
            question=question,
            answer=answer,
            source=self.name,
            split=split,
            operations=0,
            solution=solution,
            licence=self.licence,
        )


def _order(file: Path) -> tuple[str, int, str]:
    return str(file.parent), int(file.stem) if file.stem.isdecimal() else 0, file.name


def boxed(solution: str) -> str | None:
    r"""What the last `\boxed{…}` (or `\fbox{…}`, or `\boxed 2`) of a solution holds; else None."""
    matches = list(_BOX.finditer(solution))
    if not matches:
        return None
    start = matches[-1].end()
    if not matches[-1]["braced"]:
        return (re.split(r"[\s$.,]", solution[start:], maxsplit=1)[0]) or None
    # Escaped braces are text; blanked out, the others balance.
    depth = 1
    for offset, character in enumerate(_ESCAPED.sub("__", solution[start:])):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return solution[start : start + offset].strip() or None
    return None
