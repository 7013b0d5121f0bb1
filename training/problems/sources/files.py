"""Rows of local files in the formats that data sets are published in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from training.errors import DataError

Row = dict[str, Any]
Placed = tuple[str, Row]
"""A row, and where it is, for messages."""

SUFFIXES: Final = (".jsonl", ".json", ".tsv", ".parquet")


def read(path: Path, columns: Sequence[str] = ()) -> Iterator[Placed]:
    """The rows of one file, in order.

    JSON Lines, a JSON array, parquet, or tab-separated values without a header, whose columns are
    named by `columns`. Raises DataError, which names the place.
    """
    readers = {".jsonl": _json, ".json": _json, ".parquet": _parquet}
    try:
        if path.suffix == ".tsv":
            yield from _tsv(path, columns)
        elif path.suffix in readers:
            yield from readers[path.suffix](path)
        else:
            raise DataError(f"{path}: cannot read {path.suffix or 'this'}; use {_listed(SUFFIXES)}")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as UTF-8") from error


def find(path: Path, names: Sequence[str]) -> Path:
    """`path` itself if it is a file, else the first of `names` in the folder. Raises DataError."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}; give the place of the data in --path")
    for name in names:
        if (path / name).is_file():
            return path / name
    raise DataError(f"{path} holds none of {_listed(names)}; name the file itself in --path")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _json(path: Path) -> Iterator[Placed]:
    with path.open(encoding="utf-8-sig") as file:
        start = file.read(1)
        while start.isspace():
            start = file.read(1)
        file.seek(0)
        if start == "[":
            for number, row in enumerate(_parsed(path, "the file", file.read()), 1):
                yield _checked(f"{path}, row {number}", row)
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                place = f"line {number}"
                yield _checked(f"{path}, {place}", _parsed(path, place, line))


def _parsed(path: Path, place: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise DataError(f"{path}, {place}: not JSON ({error}); fetch the file again") from error


def _checked(place: str, row: object) -> Placed:
    if not isinstance(row, dict):
        raise DataError(f"{place}: not a JSON object with named fields")
    return place, row


def _tsv(path: Path, columns: Sequence[str]) -> Iterator[Placed]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, values in enumerate(lines, 1):
            if not values:
                continue
            if len(values) != len(columns):
                raise DataError(
                    f"{path}, line {number}: {len(values)} columns, not {len(columns)} "
                    f"({_listed(columns)})"
                )
            yield f"{path}, line {number}", dict(zip(columns, values, strict=True))


def _parquet(path: Path) -> Iterator[Placed]:
    # Comes with `datasets`; heavy, and only some files need it.
    import pyarrow as pa  # type: ignore[import-untyped] # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    try:
        number = 0
        for batch in parquet.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield f"{path}, row {number}", row
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a parquet file ({error}); fetch it again") from error
