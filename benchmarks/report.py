"""Writes the accepted results into docs/performance.md, between its markers.

    python -m benchmarks.report [--check | --accept NAME …]

A marker names a part of a result: `<!-- serve-starter: table -->` to `<!-- end -->`. No figure in
these parts is written by hand. `--accept` first takes the latest results of these names over from
where the benchmarks leave them. `--check` writes nothing and ends with 1 if a part is stale.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable
from typing import Any, Final

from benchmarks import result
from benchmarks.profile import functions
from benchmarks.serve import RUNS
from benchmarks.servers import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
BASELINES: Final = ROOT / "benchmarks" / "baselines"
IMAGES: Final = ROOT / "docs" / "images"
_PART: Final = re.compile(r"(<!-- (?!test:)([a-z0-9-]+): ([a-z]+) -->\n).*?(<!-- end -->)", re.S)


def main() -> None:
    """Fill the page in, draw the plots."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--check", action="store_true")
    options.add_argument("--accept", nargs="+", metavar="NAME", default=[])
    chosen = options.parse_args()
    for name in chosen.accept:
        _accept(name)
    page = PAGE.read_text("utf-8")
    new = filled(page, read)
    if chosen.check:
        sys.exit(0 if new == page else f"{PAGE.name} is stale: python -m benchmarks.report")
    PAGE.write_text(new, "utf-8")


def _accept(name: str) -> None:
    """Take a result and its picture over."""
    latest = RUNS / name / result.RESULT
    if not latest.is_file():
        sys.exit(f"there is no result {latest}; run the benchmark first")
    BASELINES.mkdir(exist_ok=True)
    IMAGES.mkdir(exist_ok=True)
    shutil.copy(latest, BASELINES / f"{name}.json")
    shutil.copy(RUNS / name / result.PLOT, IMAGES / f"{name}.svg")


def read(name: str) -> dict[str, Any] | None:
    """An accepted result, if there is one."""
    path = BASELINES / f"{name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def filled(page: str, read: Callable[[str], dict[str, Any] | None]) -> str:
    """The page with its parts written anew. Raises `KeyError` for a part that nobody writes."""

    def part(match: re.Match[str]) -> str:
        name, kind = match[2], match[3]
        found = read(name)
        if found is None:
            text = "Not measured yet."
        elif kind == "plot":
            text = f"![{name}](images/{name}.svg)"
        else:
            text = PARTS[kind](found)
        return f"{match[1]}\n{text}\n\n{match[4]}"

    return _PART.sub(part, page)


def _goals(found: dict[str, Any]) -> str:
    widths = list(found["widths"])
    rows: dict[str, list[str]] = {}
    for goal, width, value in result.goals(found):
        cells = rows.setdefault(str(goal), ["–"] * len(widths))
        mark = "✓" if goal.met(value) else "✗"
        cells[widths.index(str(width))] = (
            f"{mark} {value['median']:.2f} ({value['low']:.2f}–{value['high']:.2f})"
        )
    return result.markdown(
        ["goal", *(f"{width} streams" for width in widths)],
        [[goal, *cells] for goal, cells in rows.items()],
    )


def _machine(found: dict[str, Any]) -> str:
    about = found.get("manifest", found)
    machine = about["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    said = [f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB"]
    said += [f"Python {machine['python']}, {packages}", f"measured on {machine['date']}"]
    if about.get("revision"):
        commit, _, dirty = about["revision"].partition("-")
        said.append(f"at revision `{commit[:12]}`" + (" with changes" if dirty else ""))
    if "number_format" in about:
        said.append(f"in {about['number_format']}")
    return "; ".join(said) + "."


PARTS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "table": result.table,
    "ratios": result.comparisons,
    "goals": _goals,
    "machine": _machine,
    "functions": functions,
}


if __name__ == "__main__":
    main()
