"""The procedural generator as a source: as many problems as are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from training.errors import DataError
from training.problems.generator import generate
from training.problems.problem import Problem, Split
from training.problems.sources.source import Purpose, Source


@dataclass(frozen=True)
class Procedural(Source):
    """Made here, with the graph of quantities; its splits are its wordings."""

    seed: int = 0
    operations: tuple[int, int] = (1, 6)
    """The least and the most operations of a problem."""

    name: ClassVar[str] = "procedural"
    licence: ClassVar[str] = "Apache-2.0"
    citation: ClassVar[str] = "Statewise, training/problems/generator.py"
    purpose: ClassVar[Purpose] = "training"
    splits: ClassVar[tuple[str, ...]] = ("seen", "heldout")
    finite: ClassVar[bool] = False

    def inputs(
        self,
        split: str,  # noqa: ARG002
        *,
        path: Path | None = None,  # noqa: ARG002
        hub: str | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        return {"seed": self.seed, "operations": list(self.operations)}

    def load(
        self, split: str, *, path: Path | None = None, hub: str | None = None
    ) -> Iterator[Problem]:
        """Problems without end. Raises DataError."""
        self.check_split(split)
        if path or hub:
            raise DataError("procedural problems are made, not read; leave out --path and --hub")
        low, high = self.operations
        if not 1 <= low <= high <= 6:
            raise DataError(f"--operations {low}-{high}: problems have 1 to 6 operations")
        wordings: Split = "heldout" if split == "heldout" else "seen"
        return (
            generate(self.seed, index, split=wordings, operations=self.operations)
            for index in count()
        )
