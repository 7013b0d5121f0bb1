"""The plot: accuracy on each set, and accuracy against the tokens that a problem costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.errors import EvaluationError
from training.experiment.problems import SETS
from training.experiment.summary import ALL, Figure, Summary


def plot(path: Path, summary: Summary) -> None:
    """Writes a PNG. Raises EvaluationError if matplotlib is not installed."""
    try:
        from matplotlib import figure  # noqa: PLC0415
    except ImportError as error:
        raise EvaluationError(
            "the plot needs matplotlib; install it: pip install '.[eval]' in a checkout"
        ) from error
    page = figure.Figure(figsize=(13, 5.5), layout="constrained")
    sets, costs = page.subplots(1, 2)
    seeds = len(summary.seeds)
    page.suptitle(f"One base model, the same tokens, {seeds} seed{'s' * (seeds > 1)}")
    _sets(sets, summary)
    _costs(costs, summary)
    handles, labels = costs.get_legend_handles_labels()
    page.legend(handles, labels, loc="outside lower center", ncols=3)
    part = path.with_name(path.name + ".part")
    page.savefig(part, format="png", dpi=120)
    part.replace(path)


def _sets(axes: Any, summary: Summary) -> None:
    ways = list(summary.figures)
    for index, way in enumerate(ways):
        for place, name in enumerate(SETS):
            x = place + 0.14 * (index - (len(ways) - 1) / 2)
            one = summary.figures[way][name]
            _point(axes, x, one, f"C{index}")
            values = [100 * value for value in one.seeds.values()]
            axes.plot([x] * len(values), values, "_", color=f"C{index}", alpha=0.6)
    axes.set_xticks(range(len(SETS)), SETS)
    axes.set_ylabel("right, %")
    axes.set_ylim(-3, 103)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title("Accuracy, 95 % intervals over problems; dashes: seeds")


def _costs(axes: Any, summary: Summary) -> None:
    for index, (way, found) in enumerate(summary.figures.items()):
        _point(axes, found[ALL].tokens, found[ALL], f"C{index}", way)
    axes.set_xscale("log", subs=(2, 3, 5))
    for axis in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        axis("{x:.0f}")
    axes.set_xlabel("tokens written for a problem")
    axes.set_ylabel("right, %, all sets")
    axes.grid(alpha=0.3)
    axes.set_title("Accuracy and cost")


def _point(axes: Any, x: float, one: Figure, colour: str, label: str | None = None) -> None:
    value = 100 * one.accuracy.value
    around = [[value - 100 * one.accuracy.low], [100 * one.accuracy.high - value]]
    axes.errorbar([x], [value], yerr=around, fmt="o", color=colour, capsize=3, label=label)
