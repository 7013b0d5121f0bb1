"""Whether serving has become better or worse than an accepted result.

    python -m benchmarks.compare benchmarks/baselines/serve-starter.json [RESULT]

Ratios to who ran beside us are compared, not times: a slower machine is no regression. A ratio is
better or worse where the two intervals have nothing in common. Ends with 1 if anything is worse.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.result import HIGHER_IS_BETTER, RESULT, markdown
from benchmarks.serve import RUNS

Verdict = Literal["better", "worse", "same", "missing"]


@dataclass(frozen=True, slots=True)
class Change:
    """One ratio at one width, then and now."""

    width: str
    name: str
    before: dict[str, Any]
    now: dict[str, Any] | None

    @property
    def verdict(self) -> Verdict:
        """What became of it."""
        if self.now is None:
            return "missing"
        higher = self.name.partition(":")[0] in HIGHER_IS_BETTER
        if self.now["low"] > self.before["high"]:
            return "better" if higher else "worse"
        if self.now["high"] < self.before["low"]:
            return "worse" if higher else "better"
        return "same"


def changes(baseline: dict[str, Any], result: dict[str, Any]) -> Iterator[Change]:
    """All ratios of the baseline. Those at widths that the result leaves out are left out."""
    for width, before in baseline["widths"].items():
        if (now := result["widths"].get(width)) is None:
            continue
        for name, ratio in before["ratios"].items():
            yield Change(width, name, ratio, now["ratios"].get(name))


def main() -> None:
    """Print what has changed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("baseline", type=Path)
    options.add_argument("result", type=Path, nargs="?", help="default: the same run's latest")
    chosen = options.parse_args()
    latest = RUNS / chosen.baseline.stem / RESULT
    found = list(changes(_read(chosen.baseline), _read(chosen.result or latest)))
    told = [change for change in found if change.verdict != "same"]
    rows = [
        [change.width, change.name, _span(change.before), _span(change.now), change.verdict]
        for change in told
    ]
    if rows:
        print(markdown(["streams", "ratio", "baseline", "now", ""], rows))
    worse = sum(change.verdict in ("worse", "missing") for change in found)
    print(f"{len(found)} ratios compared, {len(told)} beyond the intervals, {worse} worse")
    sys.exit(1 if worse or not found else 0)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        sys.exit(f"there is no result {path}; run `python -m benchmarks.serve` first")
    if found.get("benchmark") != "serve":
        sys.exit(f"{path} is no result of `python -m benchmarks.serve`")
    return found


def _span(found: dict[str, Any] | None) -> str:
    if found is None:
        return "–"
    return f"{found['median']:.2f} ({found['low']:.2f}–{found['high']:.2f})"


if __name__ == "__main__":
    main()
