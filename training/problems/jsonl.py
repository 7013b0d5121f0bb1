"""Problems files: one problem a line, with the graph of quantities where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import RootModel

from training import rows
from training.problems import output
from training.problems.problem import Problem


class ProblemRow(RootModel[Problem]):
    """One line of a problems file."""


def read(path: Path) -> Iterator[Problem]:
    """The problems of a file, in order.

    Raises DataError if the file is not what its manifest says, or a line is malformed.
    """
    output.check_whole(path)
    return (row.root for row in rows.read(path, ProblemRow))


def write(path: Path, problems: Iterable[Problem]) -> int:
    """Writes problems such that the file is absent, old or complete; returns their number.

    Raises DataError if they cannot be written.
    """
    return rows.write(path, (ProblemRow(problem) for problem in problems))
