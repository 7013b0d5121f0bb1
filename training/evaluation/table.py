"""The table of results, a row for each set."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from training.evaluation.interval import Share, Spread
from training.evaluation.report import Report


def table(reports: Sequence[tuple[str, Report]], width: int) -> Table:
    """Sets by name with their reports; figures that say nothing anywhere are left out.

    Where a row for each set would be wider than `width` characters, each has a column.
    """
    cells = [(name, _cells(report)) for name, report in reports]
    kept = [
        title for title in (cells[0][1] if cells else {}) if any(found[title] for _, found in cells)
    ]
    rows = [["set", *kept], *([name, *map(found.__getitem__, kept)] for name, found in cells)]
    across = _table(rows)
    unbounded = Console(width=10_000)
    if Measurement.get(unbounded, unbounded.options, across).maximum <= width:
        return across
    one_line = [[cell.replace("\n", " · ") for cell in row] for row in rows]
    return _table(list(map(list, zip(*one_line, strict=True))))


def _table(rows: Sequence[Sequence[str]]) -> Table:
    found = Table(
        title="Three figures: mean, median and 95th percentile.",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_lines=any("\n" in cell for row in rows[1:] for cell in row),
    )
    head, *body = rows
    found.add_column(Text(head[0]), overflow="fold")
    for title in head[1:]:
        found.add_column(Text(title), justify="right", overflow="fold")
    for row in body:
        found.add_row(*map(Text, row))
    return found


def _cells(report: Report) -> dict[str, str]:
    moves = report.corrections
    failed = f"{report.failed}\n{'wrong' if report.failed_count_as_wrong else 'left out'}"
    return {
        "problems": str(report.problems),
        "failed": failed if report.failed else "",
        "right %\n(95 %)": _share(report.accuracy),
        "majority %\n(95 %)": _share(report.majority) if report.majority else "",
        "pass@k %": "\n".join(f"{k}: {100 * v:.1f}" for k, v in report.pass_at.items()),
        "resolved\nlegal %": f"{_percent(report.resolved)}\n{_percent(report.legal)}",
        "refuted\nstates": f"{report.refuted}\n{_percent(report.refuted_share)} %",
        "states": _spread(report.transitions),
        "tokens": _spread(report.tokens.completion),
        "prompt\ncached": f"{report.tokens.prompt.mean:.0f}\n{report.tokens.cached.mean:.0f}",
        "seconds": _spread(report.seconds, 1),
        "Verify\nused %": _percent(report.verify_used) if report.verify.verifies else "",
        "precision\nby graph\nrecall %": (
            f"{_percent(report.verify_precision)}\n{_percent(report.verify_precision_by_graph)}\n"
            f"{_percent(report.verify_recall)}"
            if report.verify.verifies
            else ""
        ),
        "wrong→right\nright→wrong": (
            f"{moves.wrong_to_right}\n{moves.right_to_wrong}"
            if any(moves.model_dump().values())
            else ""
        ),
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _share(share: Share) -> str:
    return f"{100 * share.value:.1f}\n({100 * share.low:.1f}–{100 * share.high:.1f})"


def _spread(spread: Spread, digits: int = 0) -> str:
    return "\n".join(f"{one:.{digits}f}" for one in (spread.mean, spread.median, spread.p95))
