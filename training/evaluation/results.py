"""What an evaluation leaves in its folder, beside `answers.jsonl`.

judgements.jsonl   what was found about each sample
results.json       the manifest and the report of each set
results.png        the plot
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training import manifest, rows
from training.errors import DataError
from training.evaluation.judgement import Judgement
from training.evaluation.plot import plot
from training.evaluation.report import Report
from training.evaluation.sets import ProblemSet

RESULTS: Final = "results.json"
PLOT: Final = "results.png"
JUDGEMENTS: Final = "judgements.jsonl"
_PACKAGES: Final = ("statewise", "httpx2", "math-verify", "matplotlib", "pydantic")


class SetJudgement(Judgement):
    """A line of `judgements.jsonl`."""

    set: str


@dataclass(frozen=True, slots=True)
class SetResult:
    """One set with what was found on it."""

    set: ProblemSet
    report: Report
    judgements: tuple[Judgement, ...]

    @property
    def tolerances(self) -> list[float]:
        """The relative tolerances that numbers were compared with, least first."""
        own = self.set.tolerance
        return sorted({one.tolerance if own is None else own for one in self.set.problems})


def write(folder: Path, found: Sequence[SetResult], about: Mapping[str, Any]) -> None:
    """Writes all three files; `about` says what was evaluated, and how.

    Raises DataError if they cannot be written, EvaluationError if matplotlib is missing.
    """
    lines = (
        SetJudgement(set=result.set.name, **judgement.model_dump())
        for result in found
        for judgement in result.judgements
    )
    rows.write(folder / JUDGEMENTS, lines)
    versions = {"python": platform.python_version(), **_versions()}
    code = manifest.source_digest([Path(__file__).parent])
    try:
        manifest.write(
            folder / RESULTS,
            {
                "manifest": {**about, "code": code, "versions": versions},
                "sets": [_entry(result) for result in found],
            },
        )
        title = f"{about['model']}, {about['options']['strategy']}"
        plot(folder / PLOT, title, [(one.set.name, one.report, one.judgements) for one in found])
    except OSError as error:
        raise DataError(
            f"cannot write to {folder}: {error.strerror}; free space, run again"
        ) from error


def _entry(result: SetResult) -> dict[str, Any]:
    found = result.set
    return {
        "name": found.name,
        "described": found.described,
        "problems": found.digest,
        "sources": sorted({f"{one.source}/{one.split}" for one in found.problems}),
        "relative_tolerances": result.tolerances,
        "report": result.report.model_dump(mode="json"),
        "failures": [
            {"problem": one.problem, "sample": one.sample, "reason": one.failed}
            for one in result.judgements
            if one.failed is not None
        ],
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra that was not needed
    return found
