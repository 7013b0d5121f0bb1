"""Rounds of the benchmark of serving: how one is measured, and the file that they are kept in."""

from __future__ import annotations

import json
import math
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.contestants import Contestant
from benchmarks.problems import golds, questions
from statespace.answers import equal

IDLE_S: Final = 2.0
IDLE_SHARE: Final = 0.1
"""Share of a core that an idle contestant may take: beyond it, it would distort the others."""
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Round:
    """What one contestant did with one round's problems. CPU in microseconds per token."""

    contestant: str
    width: int
    number: int
    requests: int
    tokens: int
    prompt_tokens: int
    bytes: int
    seconds: float
    tokens_per_s: float
    answers_per_s: float
    solved_per_s: float
    first_p50_s: float | None
    first_p99_s: float | None
    service_us: float
    engine_us: float
    client_us: float
    rss_begin_mib: float
    rss_end_mib: float
    """Of the service's process, before and after."""
    drafted: int = 0
    accepted: int = 0
    """Guessed tokens, and those of them that were right."""


class JournalError(Exception):
    """The rounds kept so far belong to another run."""


class Journal:
    """A file with one JSON object a line: what the run is, then each round as it has ended."""

    def __init__(self, path: Path, run: dict[str, Any], *, about: dict[str, Any]) -> None:
        """`run` is what must be the same to go on; `about` is kept as it was at the beginning.

        Raises `JournalError` if the file holds another run.
        """
        self._path = path
        self.rounds: list[Round] = []
        if path.exists():
            head, *lines = path.read_text("utf-8").split("\n")[:-1]  # a torn last line is dropped
            found = json.loads(head)
            if found["run"] != json.loads(json.dumps(run)):
                changed = sorted(key for key in run if found["run"].get(key) != run[key])
                raise JournalError(
                    f"{path} was begun with another {', '.join(changed) or 'run'}; take another "
                    "--out, or --fresh to begin anew"
                )
            self.about = found["about"]
            self.rounds = [Round(**json.loads(line)) for line in lines]
            self._rewrite(head)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.about = about
            path.write_text(json.dumps({"run": run, "about": about}) + "\n", "utf-8")

    def _rewrite(self, head: str) -> None:
        lines = [head, *(json.dumps(asdict(each)) for each in self.rounds)]
        self._path.write_text("\n".join(lines) + "\n", "utf-8")

    def add(self, rounds: Sequence[Round]) -> None:
        """Keep what all contestants did in one round: a pair is kept whole or not at all."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(asdict(each)) + "\n" for each in rounds))
        self.rounds += rounds

    def has(self, names: Sequence[str], width: int, number: int) -> bool:
        """Whether all of `names` have ended this round."""
        ended = {
            each.contestant for each in self.rounds if (each.width, each.number) == (width, number)
        }
        return ended >= set(names)


def measure(contestant: Contestant, width: int, number: int, requests: int) -> Round:
    """One contestant answers one round's problems."""
    first = number * requests
    problems, right = questions(first, requests), golds(first, requests)
    service = contestant.service
    children = service.children(recursive=True)
    guesses = Guesses.of(contestant)
    begin = service.memory_info().rss
    service_s, engine_s = cpu_s([service]), cpu_s(children)
    outcome = contestant.answer(problems)
    service_s, engine_s = cpu_s([service]) - service_s, cpu_s(children) - engine_s
    tokens, seconds = outcome["completion_tokens"], outcome["seconds"]
    solved = sum(
        found is not None and bool(equal(found, gold))
        for found, gold in zip(outcome["answers"], right, strict=True)
    )
    guessed = Guesses.of(contestant)

    def per_token(cpu: float) -> float:
        return round(float(cpu) / int(tokens) * 1e6, 2)

    return Round(
        contestant=contestant.name,
        width=width,
        number=number,
        requests=requests,
        tokens=tokens,
        prompt_tokens=outcome["prompt_tokens"],
        bytes=outcome["bytes"],
        seconds=round(seconds, 3),
        tokens_per_s=round(tokens / seconds, 1),
        answers_per_s=round(requests / seconds, 3),
        solved_per_s=round(solved / seconds, 3),
        first_p50_s=percentile(outcome["first_s"], 0.5),
        first_p99_s=percentile(outcome["first_s"], 0.99),
        service_us=per_token(service_s),
        engine_us=per_token(engine_s),
        client_us=per_token(outcome["client_s"]),
        rss_begin_mib=round(begin / _MIB, 1),
        rss_end_mib=round(service.memory_info().rss / _MIB, 1),
        drafted=guessed.drafted - guesses.drafted,
        accepted=guessed.accepted - guesses.accepted,
    )


@dataclass(frozen=True, slots=True)
class Guesses:
    """What a server says of its speculation."""

    drafted: int = 0
    accepted: int = 0

    @classmethod
    def of(cls, contestant: Contestant) -> Guesses:
        """None for who makes none."""
        if contestant.metrics is None:
            return cls()
        with urllib.request.urlopen(contestant.metrics) as answer:
            return cls.read(answer.read().decode())

    @classmethod
    def read(cls, metrics: str) -> Guesses:
        """From a page of metrics."""
        sums = {"draft": 0.0, "accepted": 0.0}
        for line in metrics.splitlines():
            for kind in sums:
                if line.startswith(f"vllm:spec_decode_num_{kind}_tokens_total"):
                    sums[kind] += float(line.rsplit(" ", 1)[1])
        return cls(int(sums["draft"]), int(sums["accepted"]))


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    """CPU time of `processes` and their threads, without their children.

    The kernel's own clock of a process (`clock_getcpuclockid(3)`): what psutil reads is rounded to
    hundredths of a second.
    """
    return float(sum(time.clock_gettime(((~process.pid) << 3) | 2) for process in processes))


def percentile(values: Sequence[float], share: float) -> float | None:
    """By the nearest rank; None for no values."""
    ordered = sorted(values)
    return round(ordered[math.ceil(len(ordered) * share) - 1], 4) if ordered else None


def check_idle(contestants: Sequence[Contestant]) -> None:
    """Raises `RuntimeError` if someone who waits keeps a core busy."""
    services = {contestant.service.pid: contestant for contestant in contestants}
    trees = {
        found.name: [found.service, *found.service.children(recursive=True)]
        for found in services.values()
    }
    before = {name: cpu_s(tree) for name, tree in trees.items()}
    time.sleep(IDLE_S)
    for name, tree in trees.items():
        if (share := (cpu_s(tree) - before[name]) / IDLE_S) > IDLE_SHARE:
            raise RuntimeError(f"{name} takes {share:.0%} of a core while it waits")
