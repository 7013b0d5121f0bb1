"""Rows of the data files between steps: JSON Lines, one pydantic model a line.

problems.jsonl → traces → accepted.jsonl + rejected.jsonl → pairs.jsonl
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from statespace.trace import Frozen
from training.errors import DataError

Origin = Literal["graph", "annotated", "teacher", "self"]
"""Who wrote a trace: our generator, an annotator, a stronger model, the model being trained."""
Repairer = Literal["teacher", "self", "graph"]
PairMode = Literal["trajectory", "step"]


class TraceRow(Frozen):
    """A problem with one trace for it, in the text format of `statespace.text`."""

    key: Annotated[str, Field(description="`row_key` of problem, sample and recipe.")]
    problem: Annotated[str, Field(description="Id of the problem.")]
    question: str
    gold: Annotated[str, Field(description="The right answer, which the trace may miss.")]
    trace: str
    origin: Origin
    sample: Annotated[int, Field(ge=0)] = 0
    source: Annotated[str, Field(description="Where the problem is from: procedural, gsm8k, …")]
    split: str
    licence: str


class Reason(StrEnum):
    """Why a trace was not accepted; the first that applies, in this order."""

    FAILED = "failed"
    """The teacher gave none: `detail` says why."""
    UNPARSED = "unparsed"
    ILLEGAL = "illegal"
    UNRESOLVED = "unresolved"
    REFUTED = "refuted"
    WRONG_ANSWER = "wrong_answer"
    TOO_LONG = "too_long"
    DUPLICATE = "duplicate"


class RejectedRow(TraceRow):
    """A trace that a filter turned away; wrong ones are what stage 2 is made from."""

    reason: Reason
    detail: str = ""


class PairRow(Frozen):
    """A preference: after the question and `prefix`, write `chosen` rather than `rejected`.

    `prefix` holds the states that both share, up to and with the blank line after the last.
    """

    key: str
    problem: str
    question: str
    prefix: str = ""
    chosen: str
    rejected: str
    mode: PairMode
    repair: Repairer
    wrong: Annotated[Origin, Field(description="Who wrote the wrong trace.")]
    complete: Annotated[
        bool, Field(description="Whether both end the trace; if not, no end token.")
    ]


Row = TypeVar("Row", bound=BaseModel)


def row_key(problem: str, sample: int, recipe: str) -> str:
    """The key of one unit of work: the same inputs, the same key, on any machine."""
    return hashlib.sha256(f"{problem}\0{sample}\0{recipe}".encode()).hexdigest()[:32]


def read(path: Path, model: type[Row]) -> Iterator[Row]:
    """The rows of a file in order. Raises DataError, which names the line."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(path, number, line, model)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _row(path: Path, number: int, line: bytes, model: type[Row]) -> Row:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the line"
        raise DataError(
            f"{path}, line {number}: {key}: {first['msg']}; delete the line or make the file again"
        ) from error


def write(path: Path, rows: Iterable[BaseModel]) -> int:
    """Writes rows such that the file is either absent, old or complete; returns their number.

    Raises DataError if they cannot be written: the disk is full, say.
    """
    part = path.with_name(path.name + ".part")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            for count, row in enumerate(rows, 1):  # noqa: B007
                file.write(row.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"cannot write {path}: {error.strerror}; free space, run again") from error
    return count
