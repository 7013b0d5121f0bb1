"""Where the front end's processor time goes: our own process under load.

    python -m benchmarks.profile

64 streams of the one-layer model, whose engine costs little, or of the starter. Writes the samples
(`benchmarks.sampler`), the ten functions that take most (by themselves, and with what they call) as
Markdown, and a flame graph.
"""

from __future__ import annotations

import argparse
import json
import sys
import sysconfig
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.settings import Settings
from benchmarks import dummy, flame, machine, sampler
from benchmarks.contestants import Asked, ours_alone
from benchmarks.problems import questions
from benchmarks.result import PLOT, RESULT, markdown
from benchmarks.serve import RUNS
from benchmarks.servers import ROOT, worker

STREAMS: Final = 64
WRITE_S: Final = 10.0
"""What the server may take to write what it has seen."""
TOP: Final = 10
EVERYTHING: Final = 0.9
_BEFORE: Final = ("site-packages/", f"{ROOT}/", f"{sysconfig.get_path('stdlib')}/")
"""What a path is shown without."""


@dataclass(frozen=True, slots=True)
class Samples:
    """How often each stack of the main thread was seen, outermost function first."""

    stacks: Counter[tuple[str, ...]]

    @classmethod
    def read(cls, text: str) -> Samples:
        """From what `benchmarks.sampler` writes: frames by semicolons, then a count."""
        stacks: Counter[tuple[str, ...]] = Counter()
        for line in text.splitlines():
            frames, _, count = line.rpartition(" ")
            if frames:
                stacks[tuple(map(_short, frames.split(";")))] += int(count)
        return cls(stacks)

    @property
    def total(self) -> int:
        """All samples."""
        return self.stacks.total()

    def alone(self) -> Counter[str]:
        """Samples in which a function was at the top."""
        found: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            found[stack[-1]] += count
        return found

    def whole(self) -> Counter[str]:
        """Samples in which a function was anywhere; once, however often it calls itself."""
        found: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            for frame in set(stack):
                found[frame] += count
        return found


def main() -> None:
    """Sample, print and write."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--model", choices=("starter", *dummy.SIZES), default="one-layer")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--out", type=Path, default=RUNS / "profile", help="folder")
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    described = machine.describe()
    raw = chosen.out / "stacks.txt"
    tokens, seconds = _record(chosen.model, chosen.seconds, raw)
    samples = Samples.read(raw.read_text("utf-8") if raw.exists() else "")
    if not samples.total:
        sys.exit(f"nothing was seen of the server; see {raw}")
    graph = flame.svg(samples.stacks)
    (chosen.out / PLOT).write_text(graph, "utf-8")
    found = {
        "benchmark": "profile",
        "machine": described,
        "revision": machine.revision(),
        "model": chosen.model,
        "streams": STREAMS,
        "samples": samples.total,
        "busy": round(samples.total * sampler.INTERVAL_S / seconds, 3),
        "tokens_per_s": round(tokens / seconds),
        "alone": _shares(samples.alone(), samples.total),
        "whole": _shares(samples.whole(), samples.total),
    }
    print(functions(found))
    (chosen.out / RESULT).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found))


def _record(model: str, seconds: int, raw: Path) -> tuple[int, float]:
    """Samples while the load runs, for `seconds` at least; tokens and seconds of the load."""
    raw.unlink(missing_ok=True)
    tokens, spent, number = 0, 0.0, 1
    with (
        worker("benchmarks.load", Settings()) as load,
        ours_alone(load, _asked(model), raw) as ours,
    ):
        ours.answer(questions(0, STREAMS))  # warms up
        sampler.record(ours.service.pid)
        while spent < seconds:
            outcome = ours.answer(questions(number * STREAMS, 4 * STREAMS))
            tokens, spent = tokens + outcome["completion_tokens"], spent + outcome["seconds"]
            number += 4
        sampler.record(ours.service.pid)
        deadline = time.monotonic() + WRITE_S
        while not raw.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    return tokens, spent


def _asked(model: str) -> Asked:
    options = [f"--max-num-seqs={STREAMS}"]
    if model == "starter":
        return Asked(Settings(), options, 400, 0.0, STREAMS)
    made = dummy.SIZES[model]
    folder = dummy.make(RUNS / "models" / model, made)
    options += [] if made.weights else ["--load-format=dummy"]
    return Asked(Settings(model=str(folder)), options, 256, 0.0 if made.weights else 1.0, STREAMS)


def functions(found: dict[str, Any]) -> str:
    """The functions that take most: by themselves, then with what they call."""
    tables = []
    for title, shown, other in (
        ("by itself", "alone", "whole"),
        ("with what it calls", "whole", "alone"),
    ):
        # What everything runs in says nothing.
        shares = {name: share for name, share in found[shown].items() if share < EVERYTHING}
        rows = [
            [f"`{name}`", f"{share:.1%}", f"{found[other].get(name, 0):.1%}"]
            for name, share in list(shares.items())[:TOP]
        ]
        second = "with what it calls" if shown == "alone" else "by itself"
        tables.append(markdown(["function", title, second], rows))
    return "\n\n".join(tables)


def _shares(counter: Counter[str], total: int) -> dict[str, float]:
    """Of all functions that were seen in one sample of a thousand."""
    shares = {name: round(count / total, 4) for name, count in counter.most_common()}
    return {name: share for name, share in shares.items() if share >= 0.001}


def _short(frame: str) -> str:
    """`function (path/file.py:12)` without the line, and without where packages are installed."""
    name, found, place = frame.partition(" (")
    if not found:
        return frame
    path = place.rstrip(")").rpartition(":")[0] or place.rstrip(")")
    for before in _BEFORE:
        path = path.rpartition(before)[2]
    return f"{name} ({path})"


if __name__ == "__main__":
    main()
