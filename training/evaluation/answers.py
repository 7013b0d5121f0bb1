"""`answers.jsonl`: what was answered so far, one line each, safe against being killed.

A line is written and synced before the sample counts as answered; a line that was cut off is
dropped when the file is opened next. The key of a line covers the problem, the sample, the options
and the model, so that one folder never mixes answers that were asked for in different ways.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Self

from pydantic import Field

from statespace.solutions import Solution
from statespace.trace import Frozen
from training import rows
from training.errors import DataError

NAME: Final = "answers.jsonl"


class AnswerRow(Frozen):
    """One solution that a server gave."""

    key: Annotated[str, Field(description="`row_key` of problem, sample, options and model.")]
    problem: str
    sample: int
    solution: Solution


class Answers:
    """The answers in a folder. A context manager that holds a lock on the file.

    Raises DataError if another process writes there, or a line is malformed.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise DataError(f"cannot write to {folder}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._drop_torn_line()
            # As JSON: tens of thousands of solutions as objects would fill the memory.
            self._solutions = {
                row.key: row.solution.model_dump_json().encode()
                for row in rows.read(self.path, AnswerRow)
            }
        except BlockingIOError as error:
            self._file.close()
            raise DataError(
                f"another evaluation is writing to {folder}; wait for it or name another --output"
            ) from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def get(self, key: str) -> Solution | None:
        """The solution of a sample that is answered."""
        content = self._solutions.get(key)
        return None if content is None else Solution.model_validate_json(content)

    def __contains__(self, key: str) -> bool:
        return key in self._solutions

    def add(self, row: AnswerRow) -> None:
        """Keep an answer. Raises DataError if it cannot be written: the disk is full, say."""
        if row.key in self:
            return
        line = row.model_dump_json().encode() + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError as error:
            raise DataError(
                f"cannot write {self.path}: {error.strerror}; free space, run again"
            ) from error
        self._solutions[row.key] = row.solution.model_dump_json().encode()

    def _drop_torn_line(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
