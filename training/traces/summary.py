"""What became of traces: counts by reason, origin and source, as a table and as a plot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from training.rows import Reason
from training.traces.filters import Accepted, Rejected

ACCEPTED: Final = "accepted"
OUTCOMES: Final = (ACCEPTED, *(reason.value for reason in Reason))

Group = tuple[str, str]
"""An origin and a source."""


@dataclass(slots=True)
class Summary:
    """Counts of outcomes for each origin and source, and the accepted traces' lengths."""

    counts: dict[Group, Counter[str]] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)

    def add(self, found: Accepted | Rejected) -> None:
        """Counts a trace."""
        outcome = ACCEPTED if isinstance(found, Accepted) else found.reason.value
        group = (found.row.origin, found.row.source)
        self.counts.setdefault(group, Counter())[outcome] += 1
        if isinstance(found, Accepted):
            self.lengths.append(found.length)

    @property
    def total(self) -> Counter[str]:
        """Counts over all groups."""
        return sum(self.counts.values(), Counter())

    def record(self) -> dict[str, Any]:
        """The counts as a manifest keeps them."""
        groups = {"/".join(group): dict(self.counts[group]) for group in sorted(self.counts)}
        return {"total": dict(self.total), "groups": groups, "lengths": quartiles(self.lengths)}


def quartiles(lengths: list[int]) -> dict[str, int]:
    """The least, the quartiles and the greatest; empty for no lengths."""
    ordered = sorted(lengths)
    last = len(ordered) - 1
    names = ("min", "q1", "median", "q3", "max")
    return {name: ordered[last * n // 4] for n, name in enumerate(names)} if ordered else {}


def table(summary: Summary) -> Table:
    """Rows are groups, columns are outcomes that occur, with each group's accepted share."""
    total = summary.total
    shown = [outcome for outcome in OUTCOMES if total[outcome]]
    found = Table("origin", "source", title="traces")
    for name in (*shown, "all", "share"):
        found.add_column(name.replace("_", " "), justify="right")
    for group in sorted(summary.counts):
        found.add_row(*group, *_cells(summary.counts[group], shown))
    if len(summary.counts) > 1:
        found.add_section()
        found.add_row("all", "", *_cells(total, shown))
    return found


def _cells(counts: Counter[str], shown: list[str]) -> list[str]:
    share = f"{counts[ACCEPTED] / counts.total():.1%}"
    return [*(str(counts[outcome]) for outcome in shown), str(counts.total()), share]


def plot(summary: Summary, path: Path, unit: str) -> None:
    """Outcomes of each group as stacked bars, beside the accepted lengths in `unit`s.

    The suffix of `path` says which kind of picture: .png, .svg.
    """
    # By the object's own canvas: pyplot would keep global state and look for a display.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    groups = sorted(summary.counts)
    with rc_context({"svg.hashsalt": "statewise"}):
        figure = Figure(figsize=(11, 2.2 + 0.5 * len(groups)), layout="constrained")
        bars, lengths = figure.subplots(1, 2)
        starts = [0] * len(groups)
        for outcome in (outcome for outcome in OUTCOMES if summary.total[outcome]):
            widths = [summary.counts[group][outcome] for group in groups]
            names = [" · ".join(group) for group in groups]
            bars.barh(names, widths, left=starts, label=outcome.replace("_", " "))
            starts = [start + width for start, width in zip(starts, widths, strict=True)]
        bars.set_xlabel("traces")
        bars.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
        lengths.hist(summary.lengths or [0], bins=40)
        lengths.set_xlabel(f"length of accepted traces, {unit}s")
        lengths.set_ylabel("traces")
        # Without a date the same counts make the same file.
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
