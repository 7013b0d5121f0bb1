"""Draws the dashboard as a picture, without Grafana, by its own queries to a Prometheus.

    python monitoring/snapshot.py --prometheus http://127.0.0.1:9090 --minutes 5

It needs matplotlib, which is in the extras `train` and `eval`. A query that Prometheus refuses is
an error; a panel without data says so.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import matplotlib as mpl
from matplotlib import dates, pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from PIL import Image

DASHBOARD: Final = Path(__file__).with_name("dashboard.json")
UNIT_INCHES: Final = 0.6, 0.31
"""Width and height of one unit of the dashboard's grid."""
POINTS: Final = 180
DAY_S: Final = 86_400.0
"""Matplotlib counts days since the beginning of Unix time."""
PALETTE: Final = 64
"""Colours of the picture: a third of the bytes, and nothing that is seen."""
LEGEND: Final = 9
"""Series that a panel's legend names; the rest are drawn without a name."""
COLOURS: Final = [f"C{number}" for number in range(10)]
GREY: Final = "#5f6672"

Panel = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """A series of a panel: its name, and its values, NaN where there is none."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Source:
    """A Prometheus, the span that is drawn, and what the dashboard's variables stand for."""

    url: str
    start: float
    end: float
    window: str
    job: str

    @property
    def step(self) -> float:
        """Seconds between two points."""
        return max((self.end - self.start) // POINTS, 1.0)

    @property
    def times(self) -> list[float]:
        """The points, in Unix seconds."""
        count = int((self.end - self.start) / self.step) + 1
        return [self.start + self.step * number for number in range(count)]

    def lines(self, panel: Panel) -> list[Line]:
        """What a panel shows; its own names for its series."""
        found = []
        for target in panel["targets"]:
            for row in self._ask(target["expr"]):
                values = {round(float(at), 3): float(value) for at, value in row["values"]}
                name = named(target["legendFormat"], row["metric"])
                found.append(Line(name, [values.get(round(at, 3), math.nan) for at in self.times]))
        return [line for line in found if any(map(math.isfinite, line.values))]

    def _ask(self, query: str) -> list[dict[str, Any]]:
        for variable, value in (
            ("$__rate_interval", self.window),
            ("$instance", ".*"),
            ("$job", self.job),
        ):
            query = query.replace(variable, value)
        # Whole seconds: Prometheus rounds to milliseconds, and points would not be found again.
        asked: dict[str, str | float] = {
            "query": query,
            "start": self.start,
            "end": self.end,
            "step": self.step,
        }
        answer = httpx2.get(f"{self.url}/api/v1/query_range", params=asked, timeout=60).json()
        if answer["status"] != "success":
            raise SystemExit(f"Prometheus refuses {query}: {answer['error']}")
        rows: list[dict[str, Any]] = answer["data"]["result"]
        return rows


def named(legend: str, labels: Mapping[str, str]) -> str:
    """A legend with a series' labels put in."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)


def told(value: float, unit: str) -> str:
    """A value as a panel says it."""
    if not math.isfinite(value):
        return "–"
    if unit == "percentunit":
        return f"{value:.0%}" if value == 0 or value >= 0.1 else f"{value:.1%}"
    if unit == "s":
        return seconds(value)
    suffix = "/s" if unit == "reqps" else ""
    if value >= 10_000:
        return f"{value / 1000:.0f}k{suffix}"
    return f"{value:.3g}{suffix}" if value < 1000 else f"{value:.0f}{suffix}"


def seconds(value: float) -> str:
    """A duration, short."""
    if value == 0:
        return "0"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.1g} s"


def draw(axes: Axes, panel: Panel, source: Source) -> None:
    """One panel."""
    lines = source.lines(panel)
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.set_title(panel["title"], loc="left", fontsize=9, fontweight="bold", color="#222")
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_color("#d5d8dd")
    if not lines:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", color=GREY, fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    times = [at / DAY_S for at in source.times]
    if panel["type"] == "stat":
        draw_stat(axes, lines[0], unit, times)
    else:
        draw_lines(axes, panel, lines, times)


def draw_stat(axes: Axes, line: Line, unit: str, times: Sequence[float]) -> None:
    """The newest value, over its course."""
    finite = [value for value in line.values if math.isfinite(value)]
    axes.fill_between(times, line.values, color=COLOURS[0], alpha=0.15, linewidth=0)
    axes.set_ylim(0, max(finite) * 2.4 or 1)
    axes.set_xlim(times[0], times[-1])
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(
        0.5, 0.55, told(finite[-1], unit), transform=axes.transAxes,
        ha="center", va="center", fontsize=19, color=COLOURS[0],
    )  # fmt: skip


def draw_lines(axes: Axes, panel: Panel, lines: Sequence[Line], times: Sequence[float]) -> None:
    """All series, on top of each other where the panel stacks them."""
    defaults = panel["fieldConfig"]["defaults"]
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(lines))]
    if defaults["custom"].get("stacking"):
        values = [[0 if math.isnan(one) else one for one in line.values] for line in lines]
        names = [line.name for line in lines]
        axes.stackplot(times, values, labels=names, colors=colours, alpha=0.75, linewidth=0)
    else:
        for line, colour in zip(lines, colours, strict=True):
            axes.plot(times, line.values, label=line.name, color=colour, linewidth=1.2)
    axes.set_ylim(0, defaults.get("max") or None)
    axes.set_xlim(times[0], times[-1])
    axes.grid(color="#eceef1", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7, length=0, colors=GREY)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: told(value, defaults["unit"])))
    axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=6))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
    handles, names = axes.get_legend_handles_labels()
    axes.legend(
        handles[:LEGEND], names[:LEGEND], loc="upper left", bbox_to_anchor=(-0.01, -0.1),
        ncols=3 if max(map(len, names)) < 16 else 2, fontsize=6.5, frameon=False,
        handlelength=1, columnspacing=1, labelspacing=0.25, borderaxespad=0,
    )  # fmt: skip


def picture(dashboard: Mapping[str, Any], source: Source) -> bytes:
    """The whole dashboard as PNG."""
    panels: Sequence[Panel] = dashboard["panels"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    width, height = UNIT_INCHES[0] * 24, UNIT_INCHES[1] * rows
    figure = pyplot.figure(figsize=(width, height), dpi=80)
    for panel in panels:
        place = panel["gridPos"]
        x, top = place["x"] / 24, 1 - place["y"] / rows
        if panel["type"] == "row":
            figure.text(
                0.008, top - 0.5 / rows, panel["title"], fontsize=11, color="#111", va="center"
            )
            continue
        is_stat = panel["type"] == "stat"
        title, legend = 1.0 / rows, (0.3 if is_stat else 2.3) / rows
        left = (0.35 if is_stat else 1.0) / 24
        box = (
            x + left,
            top - place["h"] / rows + legend,
            place["w"] / 24 - left - 0.3 / 24,
            place["h"] / rows - title - legend,
        )
        draw(figure.add_axes(box), panel, source)
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", facecolor="white")
    pyplot.close(figure)
    Image.open(drawn).convert("RGB").quantize(PALETTE).save(small, "png", optimize=True)
    return small.getvalue()


def main() -> None:
    """Ask, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL")
    parser.add_argument("--minutes", type=float, default=60, help="how far back (default: 60)")
    parser.add_argument(
        "--until",
        type=datetime.fromisoformat,
        metavar="TIME",
        help="the end, like 2026-11-27T09:30+00:00 (default: now)",
    )
    parser.add_argument("--window", default="1m", help="of rates (default: 1m)")
    parser.add_argument("--job", default="statewise", help="as Prometheus names it")
    parser.add_argument("--output", type=Path, default=Path("dashboard.png"))
    asked = parser.parse_args()
    mpl.use("agg")
    end = float(int(asked.until.timestamp() if asked.until else time.time()))
    start = end - int(60 * asked.minutes)
    source = Source(asked.prometheus.rstrip("/"), start, end, asked.window, asked.job)
    data = picture(json.loads(DASHBOARD.read_text("utf-8")), source)
    asked.output.write_bytes(data)
    print(f"{asked.output}: {len(data)} bytes")


if __name__ == "__main__":
    main()
