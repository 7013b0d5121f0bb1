"""The plot of results: accuracy with intervals, by set and by length, and tokens per solution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from training.errors import EvaluationError
from training.evaluation.interval import Share
from training.evaluation.judgement import Judgement
from training.evaluation.report import Report

_PERCENT: Final = (-3, 103)
"""Limits of an axis on which 0 and 100 can be seen."""


def plot(
    path: Path, title: str, results: Sequence[tuple[str, Report, Sequence[Judgement]]]
) -> None:
    """Writes a PNG. Raises EvaluationError if matplotlib is not installed."""
    lengths = any(len(report.by_operations) > 1 for _, report, _ in results)
    figure = empty(14 if lengths else 10, 4 + 0.3 * len(results))
    panels = figure.subplots(1, 3 if lengths else 2)
    figure.suptitle(title)
    _accuracies(panels[0], results)
    if lengths:
        _lengths(panels[1], results)
    _tokens(panels[-1], results)
    figure.legend(
        [panels[0].plot([], [], f"C{index}o-")[0] for index in range(len(results))],
        [name for name, _, _ in results],
        loc="outside lower center",
        ncols=min(4, len(results)),
    )
    save(figure, path)


def empty(width: float, height: float) -> Any:
    """A figure, in inches. Raises EvaluationError if matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise EvaluationError(
            "the plot needs matplotlib; install it: pip install '.[eval]' in a checkout"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Writes a PNG, whole or not at all. Raises OSError."""
    part = path.with_name(path.name + ".part")
    try:
        figure.savefig(part, format="png", dpi=120)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _accuracies(axes: Any, results: Sequence[tuple[str, Report, Sequence[Judgement]]]) -> None:
    for index, (_, report, _) in enumerate(results):
        _point(axes, report.accuracy, index, f"C{index}", "o")
        if report.majority:
            _point(axes, report.majority, index + 0.25, f"C{index}", "s")
    voted = any(report.majority for _, report, _ in results)
    axes.set_yticks(range(len(results)), [name for name, _, _ in results])
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.set_xlim(*_PERCENT)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("right, %" + (" (● one sample, ■ majority)" if voted else ""))
    axes.set_title("Accuracy, 95 % intervals")


def _point(axes: Any, share: Share, y: float, colour: str, marker: str) -> None:
    value = 100 * share.value
    around = [[value - 100 * share.low], [100 * share.high - value]]
    axes.errorbar([value], [y], xerr=around, fmt=marker, color=colour, capsize=4)
    axes.annotate(f"{value:.1f}", (value, y), (0, 6), textcoords="offset points", ha="center")


def _lengths(axes: Any, results: Sequence[tuple[str, Report, Sequence[Judgement]]]) -> None:
    for index, (_, report, _) in enumerate(results):
        shares = report.by_operations
        if len(shares) < 2:
            continue
        values = [100 * share.value for share in shares.values()]
        below = [100 * (share.value - share.low) for share in shares.values()]
        above = [100 * (share.high - share.value) for share in shares.values()]
        # Side by side, so that intervals do not hide each other.
        places = [operations + 0.06 * (index - len(results) / 2) for operations in shares]
        axes.errorbar(places, values, yerr=[below, above], fmt="o-", color=f"C{index}", capsize=3)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(*_PERCENT)
    axes.grid(alpha=0.3)
    axes.set_xlabel("operations")
    axes.set_ylabel("right, %")
    axes.set_title("By length of the problem")


def _tokens(axes: Any, results: Sequence[tuple[str, Report, Sequence[Judgement]]]) -> None:
    counts = [
        [one.completion_tokens for one in judgements if one.failed is None]
        for _, _, judgements in results
    ]
    most = max((max(found, default=0) for found in counts), default=0)
    for index, found in enumerate(counts):
        if found:
            axes.hist(
                found,
                bins=24,
                range=(0, most + 1),
                weights=[100 / len(found)] * len(found),
                histtype="step",
                linewidth=1.5,
                color=f"C{index}",
            )
    axes.set_xlabel("tokens written")
    axes.set_ylabel("solutions, %")
    axes.set_title("Cost")
