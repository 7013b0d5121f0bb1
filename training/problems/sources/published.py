"""Sets that others published, one row a problem: on the hub, or in local files."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from training import manifest
from training.errors import DataError
from training.problems.problem import Problem
from training.problems.sources import files, hub as hubs
from training.problems.sources.files import Placed, Row
from training.problems.sources.gold import plain
from training.problems.sources.source import Source


class Published(Source):
    """A source whose subclasses say what a row is and where rows are."""

    repository: ClassVar[hubs.Repository | None] = None
    columns: ClassVar[tuple[str, ...]] = ("question", "answer")
    """Of tab-separated files, which have no header."""

    @abstractmethod
    def problem(self, row: Row, split: str) -> Problem:
        """One row as a problem. Raises KeyError, TypeError or ValueError if it is malformed."""

    def names(self, split: str) -> Sequence[str]:
        """What a split's file may be called in a folder."""
        return [f"{split}{suffix}" for suffix in files.SUFFIXES]

    def on_hub(self, named: str | None) -> hubs.Repository:
        """The place on the hub, the usual one unless `named`. Raises DataError if there is none."""
        usual = self.repository or hubs.Repository("")
        if not usual.path and not named:
            raise DataError(f"{self.name} has no usual place; name a file in --path")
        return usual.at(named)

    def hub_split(self, split: str) -> str:
        """The hub's own name of a split."""
        return split

    def found(self, split: str, path: Path) -> list[Path]:
        """The local files of a split, in order. Raises DataError."""
        file = files.find(path, self.names(split))
        check_name(file, split)
        return [file]

    def local(self, split: str, path: Path) -> Iterator[Placed]:
        """The rows of a split in a local file or folder. Raises DataError."""
        for file in self.found(split, path):
            yield from files.read(file, self.columns)

    def inputs(
        self, split: str, *, path: Path | None = None, hub: str | None = None
    ) -> dict[str, Any]:
        if path is None:
            return {"hub": asdict(self.on_hub(hub)), "split": self.hub_split(split)}
        digests = [manifest.file_digest(file) for file in self.found(split, path)]
        digest = digests[0] if len(digests) == 1 else "sha256:" + manifest.key(digests)
        return {"path": path.name, "files": len(digests), "digest": digest}

    def load(
        self, split: str, *, path: Path | None = None, hub: str | None = None
    ) -> Iterator[Problem]:
        self.check_split(split)
        if path and hub:
            raise DataError("--path and --hub name two places; give one")
        if path is None:
            return self._problems(hubs.read(self.on_hub(hub), self.hub_split(split)), split)
        return self._problems(self.local(split, path), split)

    def _problems(self, rows: Iterator[Placed], split: str) -> Iterator[Problem]:
        for place, row in rows:
            try:
                yield self.problem(row, split)
            except KeyError as error:
                raise DataError(
                    f"{place}: there is no field {error.args[0]}, which rows of {self.name} have; "
                    f"name a file of {self.name}"
                ) from error
            except (TypeError, ValueError) as error:
                raise DataError(f"{place}: {error}; correct the row or fetch it again") from error


def check_name(file: Path, split: str) -> None:
    """Raises DataError if a file's name says that it is the other split."""
    said = set(re.split(r"[^a-z]+", file.stem.lower()))
    for other in {"train", "test"} - {split}:
        if split in ("train", "test") and other in said:
            raise DataError(f"{file} is the {other} split by its name; say --split {other}")


def number(row: Row, field: str) -> str:
    """A field that must be a number, in plain digits. Raises KeyError, ValueError."""
    try:
        return plain(row[field])
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


def text(row: Row, field: str) -> str:
    """A field that must be text with something in it. Raises KeyError, ValueError."""
    value = row[field]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{field}: {value!r} is no text")
    return value
