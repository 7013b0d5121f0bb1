"""The result of the benchmark of serving: medians, ratios with intervals, a table and a plot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal

from benchmarks.pairs import divided, interval
from benchmarks.rounds import Round

RESULT: Final = "result.json"
TABLE: Final = "table.md"
PLOT: Final = "plot.svg"
FIGURES: Final = (
    "tokens_per_s",
    "answers_per_s",
    "solved_per_s",
    "first_p50_s",
    "first_p99_s",
    "service_us",
    "engine_us",
    "client_us",
)
HIGHER_IS_BETTER: Final = frozenset({"tokens_per_s", "answers_per_s", "solved_per_s"})
COMPARED: Final = ("tokens_per_s", "service_us", "first_p50_s", "first_p99_s")
"""Figures of which ratios are taken."""
PAIRS: Final = (
    ("statewise", "vllm"),
    ("statewise", "vllm, gathered"),
    ("statewise", "bare"),
    ("vllm", "bare"),
    ("statewise, no deltas", "vllm"),
    ("statewise, no deltas", "bare"),
    ("statewise, kept", "statewise"),
    ("statewise, background", "statewise"),
    ("ngram 3", "statewise"),
    ("ngram 5", "statewise"),
)
"""Ours and theirs, of those who took turns."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a comparison shall come to, at every width."""

    figure: str
    theirs: str
    bound: float
    kind: Literal["ratios", "differences"] = "ratios"

    def met(self, found: dict[str, Any]) -> bool:
        """Whether a median meets it."""
        value: float = found["median"]
        return value >= self.bound if self.figure in HIGHER_IS_BETTER else value <= self.bound

    @property
    def name(self) -> str:
        """The comparison's."""
        return f"{self.figure}: statewise / {self.theirs}"

    def __str__(self) -> str:
        sign = "≥" if self.figure in HIGHER_IS_BETTER else "≤"
        if self.kind == "differences":
            return f"{self.figure}: statewise − {self.theirs} {sign} {self.bound}"
        return f"{self.name} {sign} {self.bound}"


GOALS: Final = (
    Goal("tokens_per_s", "vllm", 1.0),
    Goal("tokens_per_s", "bare", 0.95),
    Goal("service_us", "vllm", 0.5),
    Goal("service_us", "bare", 6.0, "differences"),
    Goal("first_p50_s", "vllm", 1.0),
    Goal("first_p99_s", "vllm", 1.0),
)


def of(rounds: Sequence[Round], about: dict[str, Any]) -> dict[str, Any]:
    """The whole result."""
    widths = sorted({each.width for each in rounds})
    return {
        "benchmark": "serve",
        "manifest": about,
        "widths": {str(width): _at([r for r in rounds if r.width == width]) for width in widths},
        "rounds": [asdict(each) for each in rounds],
    }


def _at(rounds: Sequence[Round]) -> dict[str, Any]:
    """What was found at one width."""
    by_name: dict[str, dict[int, Round]] = {}
    for each in rounds:
        by_name.setdefault(each.contestant, {})[each.number] = each
    ratios, differences = {}, {}
    for ours, theirs in PAIRS:
        if not {ours, theirs} <= by_name.keys():
            continue
        numbers = sorted(by_name[ours].keys() & by_name[theirs].keys())
        for figure in COMPARED:
            pairs = [
                (getattr(by_name[ours][n], figure), getattr(by_name[theirs][n], figure))
                for n in numbers
            ]
            if not pairs or any(None in pair for pair in pairs):
                continue
            mine, others = zip(*pairs, strict=True)
            ratios[f"{figure}: {ours} / {theirs}"] = asdict(interval(divided(mine, others)))
            if figure == "service_us":
                added = [one - other for one, other in pairs]
                differences[f"{figure}: {ours} / {theirs}"] = asdict(interval(added))
    return {
        "requests": rounds[0].requests,
        "contestants": {name: _medians(list(found.values())) for name, found in by_name.items()},
        "ratios": ratios,
        "differences": differences,
    }


def _medians(rounds: Sequence[Round]) -> dict[str, Any]:
    found: dict[str, Any] = {"rounds": len(rounds), "tokens": sum(each.tokens for each in rounds)}
    for figure in FIGURES:
        values = [value for each in rounds if (value := getattr(each, figure)) is not None]
        found[figure] = round(median(values), 4) if values else None
    ordered = sorted(rounds, key=lambda each: each.number)
    found["rss_begin_mib"] = ordered[0].rss_begin_mib
    found["rss_end_mib"] = ordered[-1].rss_end_mib
    if drafted := sum(each.drafted for each in rounds):
        found["accepted"] = round(sum(each.accepted for each in rounds) / drafted, 3)
    return found


def goals(result: dict[str, Any]) -> Iterator[tuple[Goal, int, dict[str, Any]]]:
    """Each goal at each width at which it was measured, with what was found."""
    for goal in GOALS:
        for width, found in result["widths"].items():
            if (value := found[goal.kind].get(goal.name)) is not None:
                yield goal, int(width), value


def write(result: dict[str, Any], folder: Path) -> None:
    """Result, table and plot as files."""
    (folder / RESULT).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    (folder / TABLE).write_text(f"{table(result)}\n\n{comparisons(result)}\n", "utf-8")
    plot(result, folder / PLOT)


def table(result: dict[str, Any]) -> str:
    """Medians of all contestants, as Markdown."""
    rows = []
    for width, found in result["widths"].items():
        for name, each in found["contestants"].items():
            rss = f"{each['rss_begin_mib']:.0f} → {each['rss_end_mib']:.0f}"
            cells = [width, name, f"{each['tokens_per_s']:,.0f}", f"{each['solved_per_s']:.2f}"]
            cells += [_ms(each["first_p50_s"]), _ms(each["first_p99_s"])]
            cells += [f"{each[figure]:.1f}" for figure in ("service_us", "engine_us", "client_us")]
            rows.append([*cells, rss] + ([f"{each['accepted']:.0%}"] if "accepted" in each else []))
    head = ["streams", "", "tokens/s", "solved/s", "first event p50, ms", "p99, ms"]
    head += ["front end, µs/token", "engine", "client", "front end's memory, MiB"]
    if any(len(row) > len(head) for row in rows):
        head.append("guesses taken")
    return markdown(head, rows)


def comparisons(result: dict[str, Any]) -> str:
    """Ratios with their intervals, a line a comparison and a column a width, as Markdown."""
    widths = list(result["widths"])
    rows = []
    for kind, title in (("ratios", " / "), ("differences", " − ")):
        names = dict.fromkeys(name for each in result["widths"].values() for name in each[kind])
        for name in names:
            cells = [_span(result["widths"][width][kind].get(name)) for width in widths]
            rows.append([name.replace(" / ", title), *cells])
    return markdown(["", *(f"{width} streams" for width in widths)], rows)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; short rows are filled up."""
    width = len(head)
    lines = [list(head), ["---", *["---:"] * (width - 1)]]
    lines += [[*row, *[""] * (width - len(row))] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:,.0f}"


def _span(found: dict[str, Any] | None) -> str:
    if found is None:
        return "–"
    return f"{found['median']:.2f} ({found['low']:.2f}–{found['high']:.2f})"


def plot(result: dict[str, Any], path: Path) -> None:
    """Ratios of tokens/s and of the front end's CPU time per token, over the width."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "statewise"  # the same figures make the same file
    from matplotlib import pyplot as plt  # noqa: PLC0415

    widths = list(result["widths"])
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    titles = {"tokens_per_s": "tokens/s", "service_us": "front-end CPU per token"}
    for axis, (measured, title) in zip(axes, titles.items(), strict=True):
        for ours, theirs in PAIRS:
            name = f"{measured}: {ours} / {theirs}"
            found = [(w, each) for w in widths if (each := result["widths"][w]["ratios"].get(name))]
            if found:
                _line(axis, found, f"{ours} / {theirs}")
        axis.axhline(1, color="grey", linewidth=0.8)
        axis.set(title=f"{title}, ratio", xlabel="streams", xscale="log")
        axis.set_xticks([int(w) for w in widths], widths)
        axis.minorticks_off()
        axis.set_ylim(bottom=0)
        axis.legend(fontsize="x-small")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _line(axis: Any, found: Sequence[tuple[str, dict[str, Any]]], label: str) -> None:
    medians = [each["median"] for _, each in found]
    below = [each["median"] - each["low"] for _, each in found]
    above = [each["high"] - each["median"] for _, each in found]
    at = [int(width) for width, _ in found]
    axis.errorbar(at, medians, yerr=[below, above], marker="o", capsize=3, label=label)
