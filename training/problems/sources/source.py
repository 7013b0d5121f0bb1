"""What all sources of problems have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from training.errors import DataError
from training.problems.problem import Problem

Purpose = Literal["training", "evaluation"]
"""Sets for evaluation are never trained on; `check_trainable` sees to it."""


@dataclass(frozen=True)
class Source(ABC):
    """A set of problems under one licence. Sources with options take them when they are made."""

    name: ClassVar[str]
    licence: ClassVar[str]
    citation: ClassVar[str]
    purpose: ClassVar[Purpose]
    splits: ClassVar[tuple[str, ...]]
    """The first is the default; empty: any."""
    finite: ClassVar[bool] = True

    @abstractmethod
    def load(
        self, split: str, *, path: Path | None = None, hub: str | None = None
    ) -> Iterator[Problem]:
        """The problems of a split, in the published order, each with an id made from its content.

        `path`: a file or folder in the published format. `hub`: `PATH[@REVISION]` of a repository
        on the Hugging Face hub, instead of the usual one. Raises DataError.
        """

    @abstractmethod
    def inputs(
        self, split: str, *, path: Path | None = None, hub: str | None = None
    ) -> dict[str, Any]:
        """What decides the problems that `load` gives, as JSON values. Raises DataError."""

    def check_split(self, split: str) -> None:
        """Raises DataError if there is no such split."""
        if self.splits and split not in self.splits:
            raise DataError(f"there is no split {split}: {self.name} has {', '.join(self.splits)}")
