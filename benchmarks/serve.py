"""What serving costs: this service beside vLLM's own server and beside no server at all.

    python -m benchmarks.serve                      # the starter
    python -m benchmarks.serve --model one-layer    # an engine that costs little
    python -m benchmarks.serve --speculation        # ours without and with n-gram speculation

All contestants run at the same time, idle but for the one whose turn it is, over the same engine
options, and answer the same problems in each round, in an order that is drawn for it. Tokens are
those that each one says it generated. Ratios are taken within a round, so that what slows the
machine cancels out. Rounds are kept as they end: the same command goes on where it was stopped.
What follows `--` goes to every contestant's engine. The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from app.engines import cpu
from app.settings import Settings
from benchmarks import contestants, dummy, machine, problems, result
from benchmarks.contestants import Asked, Contestant
from benchmarks.rounds import Journal, JournalError, Round, check_idle, measure
from benchmarks.servers import ROOT, Worker, worker

WIDTHS: Final = (1, 16, 64, 256, 512)
SPECULATION_WIDTHS: Final = (1, 16, 64)
QUICK_WIDTHS: Final = (1, 16)
PAIRS: Final = 5
MAIN: Final = ("statewise", "vllm", "vllm, gathered", "bare")
DEFAULTS: Final = ("vllm, defaults",)
DEFAULTS_WIDTH: Final = 64
DEFAULTS_ROUNDS: Final = 3
LEAST: Final = 6
"""Problems in a round, at least."""
RUNS: Final = ROOT / "runs" / "benchmarks"


def main() -> None:
    """Run, print a table and the result."""
    ours, engine = _divided(sys.argv[1:])
    chosen = _parser().parse_args(ours)
    # The contestants are ended when this process is asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        run = Run(chosen, engine)
    except JournalError as error:
        sys.exit(str(error))
    run.perform()
    found = result.of(run.journal.rounds, run.journal.about)
    result.write(found, run.out)
    print((run.out / result.TABLE).read_text("utf-8"))
    print(json.dumps(found))


def _parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--model", default="starter", help="`starter`, `one-layer`, `tiny`, `8b`, or a folder"
    )
    options.add_argument("--widths", type=int, nargs="+", help=f"streams; default: {WIDTHS}")
    options.add_argument("--pairs", type=int, help=f"rounds that count; default: {PAIRS}")
    options.add_argument("--waves", type=float, help="problems in a round, for each stream")
    options.add_argument("--max-tokens", type=int, help="of one answer; default: 400, or 256")
    options.add_argument("--only", nargs="+", metavar="NAME", help=f"default: {MAIN}")
    options.add_argument("--speculation", action="store_true", help="ours, without and with")
    options.add_argument("--quick", action="store_true", help="a trial: few and short rounds")
    options.add_argument("--out", type=Path, help="folder of rounds and result; default: in runs/")
    options.add_argument("--fresh", action="store_true", help="drop the rounds that are there")
    options.add_argument("--seed", type=int, default=0, help="of the order within each round")
    return options


def _divided(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own arguments, and the engine's after `--`."""
    if "--" not in arguments:
        return list(arguments), []
    at = list(arguments).index("--")
    return list(arguments[:at]), list(arguments[at + 1 :])


class Run:
    """One run: who is asked what, and the rounds so far."""

    def __init__(self, chosen: argparse.Namespace, engine: Sequence[str]) -> None:
        self._chosen = chosen
        self._engine = list(engine)
        quick = chosen.quick
        mode = "speculation" if chosen.speculation else "serve"
        name = f"{mode}-{Path(chosen.model).name}" + ("-quick" if quick else "")
        self.out: Path = chosen.out or RUNS / name
        self._made = dummy.SIZES.get(chosen.model)
        # The starter ends its answers itself; who writes for ever needs an end.
        self._max_tokens = chosen.max_tokens or (256 if self._made else 400)
        self._temperature = 1.0 if self._made and not self._made.weights else 0.0
        widths = SPECULATION_WIDTHS if chosen.speculation else WIDTHS
        self._widths = chosen.widths or (QUICK_WIDTHS if quick else widths)
        self._pairs = chosen.pairs or (2 if quick else PAIRS)
        if chosen.fresh:
            (self.out / "rounds.jsonl").unlink(missing_ok=True)
        run = {
            "mode": mode,
            "model": Path(chosen.model).name,
            "max_tokens": self._max_tokens,
            "temperature": self._temperature,
            "waves": chosen.waves,
            "quick": quick,
            "seed": chosen.seed,
            "engine_options": self._engine,
            "code": machine.code(),
        }
        about = {
            **run,
            "machine": machine.describe(),
            "revision": machine.revision(),
            "number_format": cpu.number_format() if cpu.is_cpu() else "the model's",
            "stream_interval": Settings().stream_interval,
            "problems_seed": problems.SEED,
        }
        self.journal = Journal(self.out / "rounds.jsonl", run, about=about)

    def perform(self) -> None:
        """All rounds that are not kept yet."""
        with worker("benchmarks.load", Settings()) as load:
            for width in self._widths:
                self._at(width, load)
            if self._chosen.speculation or self._chosen.quick or self._chosen.only:
                return
            if cpu.is_cpu() and DEFAULTS_WIDTH in self._widths:
                # Alone, after the others: its processes spin.
                asked = self._asked(DEFAULTS_WIDTH)
                alone = contestants.defaults(load, asked)
                self._rounds(alone, DEFAULTS, DEFAULTS_WIDTH, DEFAULTS_ROUNDS)

    def _at(self, width: int, load: Worker) -> None:
        asked = self._asked(width)
        if self._chosen.speculation:
            names = ("statewise", *contestants.SPECULATION)
            self._rounds(contestants.speculating(load, asked), names, width, self._pairs)
        else:
            names = tuple(self._chosen.only or MAIN)
            self._rounds(contestants.servers(load, asked, names), names, width, self._pairs)

    def _asked(self, width: int) -> Asked:
        options = [f"--max-num-seqs={width}"]
        model = self._chosen.model
        if self._made is not None:
            model = str(dummy.make(RUNS / "models" / model, self._made))
            options += [] if self._made.weights else ["--load-format=dummy"]
        elif model == "starter":
            model = Settings().model
        # The keys and values of the longest answers of all streams.
        settings = Settings(model=model, cpu_kv_cache_gib=1 if width < 256 else 2)
        options += self._engine
        return Asked(settings, options, self._max_tokens, self._temperature, width)

    def _rounds(
        self,
        starting: AbstractContextManager[list[Contestant]],
        names: Sequence[str],
        width: int,
        pairs: int,
    ) -> None:
        """One warm-up round that does not count, then those that are not kept yet."""
        left = [n for n in range(1, pairs + 1) if not self.journal.has(names, width, n)]
        if not left:
            return
        requests = self._requests(width)
        print(f"{width} streams, {requests} problems a round", flush=True)
        with starting as taking:
            if names != DEFAULTS:
                check_idle(taking)
            self._round(taking, width, 0, min(requests, max(width, LEAST)))
            for number in left:
                self.journal.add(self._round(taking, width, number, requests))

    def _round(
        self, taking: Sequence[Contestant], width: int, number: int, requests: int
    ) -> list[Round]:
        order = random.Random(f"{self._chosen.seed}/{width}/{number}").sample(taking, len(taking))
        found = []
        for contestant in order:
            found.append(measure(contestant, width, number, requests))
            print(f"  {number} {_line(found[-1])}", flush=True)
        return found

    def _requests(self, width: int) -> int:
        """Problems in a round: as many as take seconds, and one for each stream at least."""
        waves = self._chosen.waves
        if waves is None:
            waves = 1.0 if self._chosen.quick else max(1.0, min(3.0, self._enough() / width))
        return max(LEAST, round(width * float(waves)))

    def _enough(self) -> int:
        """Streams of which one answer each takes long enough to measure."""
        return 1024 if self._made else 128


def _line(found: Round) -> str:
    first = f"{found.first_p50_s:6.3f}" if found.first_p50_s is not None else "     -"
    return (
        f"{found.contestant:22} {found.tokens:7} tokens {found.seconds:6.1f} s "
        f"{found.tokens_per_s:7.0f}/s {first} s first {found.service_us:6.1f} µs service "
        f"{found.engine_us:6.1f} µs engine {found.client_us:5.1f} µs client"
    )


if __name__ == "__main__":
    main()
