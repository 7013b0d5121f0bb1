"""Several strategies on the same problems: what each gets right, and what it costs.

The first one is what the others are compared with, problem by problem. `refuted` is the most that a
verifier of arithmetic can put right: wrong answers of the first strategy that rest on a refuted
transition. A misread problem is clean arithmetic, and not among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from statespace.trace import Frozen
from training import manifest
from training.errors import DataError
from training.evaluation.interval import Share
from training.evaluation.judgement import Judgement
from training.evaluation.plot import empty, save
from training.evaluation.results import SetResult
from training.statistics import paired

NAME: Final = "comparison"
Judged = Mapping[tuple[str, int], Judgement]
_WIDE: Final = 4
"""Ratio of costs beyond which an axis is logarithmic."""


class Against(Frozen):
    """A strategy beside the first one, over the problems that both have solutions of."""

    pairs: int
    difference: Annotated[float, Field(description="Of the shares right.")]
    low: Annotated[float, Field(description="95 % bootstrap interval over problems.")]
    high: float
    wrong_to_right: int
    right_to_wrong: int
    first_right: int
    refuted: Annotated[
        int, Field(description="Wrong answers of the first that rest on what is refuted.")
    ]
    recovered: Annotated[int, Field(description="Those of them that this one has right.")]
    tokens: Annotated[float, Field(description="Generated tokens, as a ratio of the first's.")]


class Compared(Frozen):
    """A strategy on one set."""

    strategy: str
    accuracy: Share
    tokens: Annotated[float, Field(description="Generated per problem, all paths.")]
    seconds: Annotated[float, Field(description="Per problem, at the concurrency of the run.")]
    against: Against | None = None


def compare(results: Sequence[tuple[str, SetResult]]) -> list[Compared]:
    """Strategies by name with what was found on the same set; the first is compared with."""
    first = _by_sample(results[0][1])
    return [
        Compared(
            strategy=name,
            accuracy=found.report.accuracy,
            tokens=found.report.tokens.completion.mean,
            seconds=found.report.seconds.mean,
            against=_against(first, _by_sample(found)) if index else None,
        )
        for index, (name, found) in enumerate(results)
    ]


def write(folder: Path, strategies: Sequence[tuple[str, Sequence[SetResult]]]) -> None:
    """Writes comparison.json, .md and .png of sets in the same order.

    Raises DataError if they cannot be written, EvaluationError if matplotlib is missing.
    """
    sets = [(results[0][1].set.name, compare(results)) for results in _by_set(strategies)]
    told = {"sets": {name: [one.model_dump() for one in found] for name, found in sets}}
    text = "\n".join(f"## {name}\n\n{table(found)}" for name, found in sets)
    try:
        manifest.write(folder / f"{NAME}.json", told)
        (folder / f"{NAME}.md").write_text(text, encoding="utf-8")
        _plot(folder / f"{NAME}.png", sets)
    except OSError as error:
        raise DataError(
            f"cannot write to {folder}: {error.strerror}; free space, run again"
        ) from error


def table(found: Sequence[Compared]) -> str:
    """A Markdown table, a row for each strategy."""
    head = (
        "| strategy | right % (95 %) | against the first | put right / spoilt | of refuted wrongs "
        "| tokens | × | seconds |\n|---|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    return head + "".join(map(_row, found))


def _row(one: Compared) -> str:
    share, against = one.accuracy, one.against
    cells = [
        one.strategy,
        f"{_percent(share.value)} ({_percent(share.low)}–{_percent(share.high)})",
    ]
    if against is None:
        cells += ["", "", ""]
    else:
        low, high = 100 * against.low, 100 * against.high
        cells += [
            f"{100 * against.difference:+.1f} ({low:+.1f} to {high:+.1f})",
            f"{against.wrong_to_right} / {against.right_to_wrong}",
            f"{against.recovered} of {against.refuted}",
        ]
    ratio = f"{against.tokens:.2f}" if against else "1"
    cells += [f"{one.tokens:.0f}", ratio, f"{one.seconds:.2f}"]
    return f"| {' | '.join(cells)} |\n"


def _against(first: Judged, other: Judged) -> Against:
    keys = [key for key in first if key in other]
    pairs = [(first[key], other[key]) for key in keys]
    found = paired([[b.right for _, b in pairs]], [[a.right for a, _ in pairs]])
    refuted = [(a, b) for a, b in pairs if not a.right and a.refuted_on_path]
    spent = sum(a.completion_tokens for a, _ in pairs)
    return Against(
        pairs=len(pairs),
        difference=found.difference,
        low=found.low,
        high=found.high,
        wrong_to_right=found.only_ours,
        right_to_wrong=found.only_theirs,
        first_right=sum(a.right for a, _ in pairs),
        refuted=len(refuted),
        recovered=sum(b.right for _, b in refuted),
        tokens=sum(b.completion_tokens for _, b in pairs) / spent if spent else 0.0,
    )


def _by_sample(found: SetResult) -> Judged:
    return {(one.problem, one.sample): one for one in found.judgements if one.failed is None}


def _by_set(
    strategies: Sequence[tuple[str, Sequence[SetResult]]],
) -> list[list[tuple[str, SetResult]]]:
    names = [name for name, _ in strategies]
    columns = zip(*(results for _, results in strategies), strict=True)
    return [list(zip(names, column, strict=True)) for column in columns]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _plot(path: Path, sets: Sequence[tuple[str, Sequence[Compared]]]) -> None:
    """Accuracy over tokens per problem, and over seconds, a line of panels for each set."""
    figure = empty(12, 4.2 * len(sets))
    panels = figure.subplots(len(sets), 2, squeeze=False)
    for (name, found), (left, right) in zip(sets, panels, strict=True):
        _points(left, found, [one.tokens for one in found])
        _points(right, found, [one.seconds for one in found])
        left.set_title(name)
        left.set_xlabel("generated tokens per problem")
        right.set_xlabel("seconds per problem, as many at a time as in the run")
        right.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.02, 0.5))
    save(figure, path)


def _points(axes: Any, found: Sequence[Compared], places: Sequence[float]) -> None:
    for index, (one, place) in enumerate(zip(found, places, strict=True)):
        value = 100 * one.accuracy.value
        around = [[value - 100 * one.accuracy.low], [100 * one.accuracy.high - value]]
        style = {"fmt": "o", "color": f"C{index % 10}", "capsize": 3, "label": one.strategy}
        axes.errorbar([place], [value], yerr=around, **style)
    if max(places) > _WIDE * min(places) > 0:
        axes.set_xscale("log")
    axes.margins(x=0.1, y=0.1)
    axes.grid(alpha=0.3)
    axes.set_ylabel("right, %")
