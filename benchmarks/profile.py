"""Where the front end's time goes: our own process under load, sampled by py-spy.

    python -m benchmarks.profile

64 streams of the one-layer model, whose engine costs little. Writes the samples, the ten functions
that take most (by themselves, and with what they call) as Markdown, and a flame graph. Needs the
right to look into another process: run it as root, or allow `ptrace`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.settings import Settings
from benchmarks import dummy, flame, machine
from benchmarks.contestants import Asked, ours_alone
from benchmarks.problems import questions
from benchmarks.result import PLOT, RESULT, markdown
from benchmarks.serve import RUNS
from benchmarks.servers import worker

STREAMS: Final = 64
RATE: Final = 200
"""Samples a second."""
TOP: Final = 10
EVERYTHING: Final = 0.9
_SITE: Final = "site-packages/"
_OTHER_THREADS: Final = "_bootstrap (threading.py)"
"""What they begin with."""


@dataclass(frozen=True, slots=True)
class Samples:
    """How often each stack of the main thread was seen, outermost function first.

    Other threads wait nearly always, and py-spy does not always see that they do.
    """

    stacks: Counter[tuple[str, ...]]

    @classmethod
    def read(cls, text: str) -> Samples:
        """From py-spy's raw format: frames by semicolons, then a count."""
        stacks: Counter[tuple[str, ...]] = Counter()
        for line in text.splitlines():
            frames, _, count = line.rpartition(" ")
            stack = tuple(map(_short, frames.split(";")))
            if frames and not stack[0].endswith(_OTHER_THREADS):
                stacks[stack] += int(count)
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
    options.add_argument("--model", choices=dummy.SIZES, default="one-layer")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--out", type=Path, default=RUNS / "profile", help="folder")
    chosen = options.parse_args()
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
    if spy is None:
        sys.exit("py-spy is missing: pip install py-spy")
    chosen.out.mkdir(parents=True, exist_ok=True)
    described = machine.describe()
    raw = chosen.out / "stacks.txt"
    tokens, seconds = _record(spy, chosen.model, chosen.seconds, raw)
    samples = Samples.read(raw.read_text("utf-8"))
    if not samples.total:
        sys.exit(f"py-spy saw nothing of the server; see {raw}")
    graph = flame.svg(samples.stacks)
    (chosen.out / PLOT).write_text(graph, "utf-8")
    found = {
        "benchmark": "profile",
        "machine": described,
        "revision": machine.revision(),
        "model": chosen.model,
        "streams": STREAMS,
        "samples": samples.total,
        "busy": round(samples.total / (chosen.seconds * RATE), 3),
        "tokens_per_s": round(tokens / seconds),
        "alone": _shares(samples.alone(), samples.total),
        "whole": _shares(samples.whole(), samples.total),
    }
    print(functions(found))
    (chosen.out / RESULT).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found))


def _record(spy: str, model: str, seconds: int, raw: Path) -> tuple[int, float]:
    """Samples while the load runs; tokens and seconds of the load."""
    made = dummy.SIZES[model]
    folder = dummy.make(RUNS / "models" / model, made)
    options = [f"--max-num-seqs={STREAMS}", *([] if made.weights else ["--load-format=dummy"])]
    temperature = 0.0 if made.weights else 1.0
    asked = Asked(Settings(model=str(folder)), options, 256, temperature, STREAMS)
    done = threading.Event()
    tokens, spent = 0, 0.0
    with (
        worker("benchmarks.load", Settings()) as load,
        ours_alone(load, asked) as ours,
    ):
        ours.answer(questions(0, STREAMS))  # warms up

        def record() -> None:
            command = [spy, "record", "--pid", str(ours.service.pid), "--rate", str(RATE)]
            command += ["--duration", str(seconds), "--format", "raw", "--output", str(raw)]
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
            done.set()

        recording = threading.Thread(target=record)
        recording.start()
        number = 1
        while not done.is_set():
            outcome = ours.answer(questions(number * STREAMS, 4 * STREAMS))
            tokens, spent = tokens + outcome["completion_tokens"], spent + outcome["seconds"]
            number += 4
        recording.join()
    return tokens, spent


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
    if _SITE in path:
        path = path.split(_SITE, 1)[1]
    return f"{name} ({path})"


if __name__ == "__main__":
    main()
