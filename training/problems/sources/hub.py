"""Rows of data sets on the Hugging Face hub, or of a local copy of such a repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from training.errors import DataError
from training.problems.sources.files import Placed


@dataclass(frozen=True, slots=True)
class Repository:
    """Where on the hub a data set is: `load_dataset(path, configuration, revision=…)`."""

    path: str
    """`owner/name`, or the folder of a local copy."""
    configuration: str | None = None
    revision: str | None = None

    def at(self, named: str | None) -> Repository:
        """This one, but for the path and revision that a user names as `PATH[@REVISION]`."""
        if named is None:
            return self
        path, _, revision = named.partition("@")
        return replace(self, path=path, revision=revision or None)


def read(repository: Repository, split: str) -> Iterator[Placed]:
    """The rows of one split, by the hub's own name of it. Raises DataError."""
    for number, row in enumerate(_load(repository, split), 1):
        yield f"{repository.path}, {split} row {number}", dict(row)


def _load(repository: Repository, split: str) -> Any:
    # Seconds to import, and not needed for local files.
    import datasets  # noqa: PLC0415
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    try:
        return datasets.load_dataset(
            repository.path, repository.configuration, split=split, revision=repository.revision
        )
    except (DatasetsError, OSError, RuntimeError, ValueError) as error:
        raise DataError(
            f"cannot load {repository.path} ({split}) from the Hugging Face hub: {error}; without "
            "the network, fetch the file elsewhere and name it in --path"
        ) from error
