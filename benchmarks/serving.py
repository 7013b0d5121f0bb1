"""What serving costs: this service beside vLLM's own server and beside no server at all.

    python -m benchmarks.serving

All contestants run at the same time, idle but for the one whose turn it is, over the same engine
options, and answer the same problems in each round. Tokens are those that each one says it
generated. Ratios are taken within a round, so that what slows the machine cancels out. The last
line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from app.engines import cpu
from app.settings import Settings
from benchmarks import machine
from benchmarks.bare import BareJob
from benchmarks.load import Job
from benchmarks.pairs import Spread, ratios, spread
from benchmarks.problems import questions
from benchmarks.servers import HOST, Server, Worker, statewise, vllm_server, worker

STREAMS: Final = 64
MAX_TOKENS: Final = 400
DEFAULTS_ROUNDS: Final = 3
IDLE_S: Final = 2.0
IDLE_SHARE: Final = 0.1
"""Share of a core that an idle contestant may take: beyond it, it would distort the others."""

Answer = Callable[[Sequence[str]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to answer questions, and the process that is the service."""

    name: str
    service: psutil.Process
    answer: Answer


@dataclass(frozen=True, slots=True)
class Round:
    """What one contestant did with one round's problems. Times in microseconds per token."""

    tokens: int
    prompt_tokens: int
    bytes: int
    seconds: float
    tokens_per_s: float
    service_us: float
    engine_us: float


Rounds = dict[str, list[Round]]


def main() -> None:
    """Run, print a table and the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", help="checkpoint folder; default: the starter")
    options.add_argument("--pairs", type=int, default=7, help="rounds that count")
    options.add_argument("--requests", type=int, default=192, help="problems in a round")
    options.add_argument("--only", nargs="+", metavar="NAME", help="contestants; default: all")
    chosen = options.parse_args()
    # The contestants are ended when this process is asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    settings = Settings(model=chosen.model) if chosen.model else Settings()
    described = machine.describe()
    with worker("benchmarks.load", settings) as load:
        rounds = _taking_turns(settings, load, chosen)
        if chosen.only is None:
            rounds |= _defaults(settings, load)
    compared = _compare(rounds)
    _print(rounds, compared)
    result = {
        "benchmark": "serving",
        "machine": described,
        "model": _model(settings),
        "number_format": cpu.number_format() if cpu.is_cpu() else "the model's",
        "streams": STREAMS,
        "requests": chosen.requests,
        "max_tokens": MAX_TOKENS,
        "stream_interval": settings.stream_interval,
        "ratios": {name: asdict(found) for name, found in compared.items()},
        "rounds": {name: [asdict(each) for each in found] for name, found in rounds.items()},
    }
    print(json.dumps(result))


def _taking_turns(settings: Settings, load: Worker, chosen: argparse.Namespace) -> Rounds:
    with _contestants(settings, load) as contestants:
        _check_idle(contestants)
        only = chosen.only or [each.name for each in contestants]
        taking = [each for each in contestants if each.name in only]
        return compete(taking, chosen.pairs, chosen.requests)


@contextmanager
def _contestants(settings: Settings, load: Worker) -> Iterator[list[Contestant]]:
    """Everyone who takes turns, started."""
    with ExitStack() as stack:
        ours = stack.enter_context(statewise(settings))
        theirs = stack.enter_context(vllm_server(settings, profile=True))
        bare = stack.enter_context(worker("benchmarks.bare", settings))
        bare.hear()
        gathered = {"stream_interval": settings.stream_interval}

        def generate(questions: Sequence[str]) -> dict[str, Any]:
            return bare.ask(BareJob(questions, STREAMS, MAX_TOKENS, settings.stream_interval))

        yield [
            Contestant("statewise", ours.process, _solutions(ours, load, deltas=True)),
            Contestant("vllm", theirs.process, _chat(theirs, load, settings)),
            Contestant("bare", bare.process, generate),
            Contestant("statewise, no deltas", ours.process, _solutions(ours, load, deltas=False)),
            Contestant(
                "statewise, kept",
                ours.process,
                _solutions(ours, load, deltas=True, kept={"store": True}),
            ),
            Contestant(
                "statewise, background",
                ours.process,
                _solutions(ours, load, deltas=True, kept={"background": True}),
            ),
            Contestant("vllm, gathered", theirs.process, _chat(theirs, load, settings, gathered)),
        ]


def _solutions(
    server: Server, load: Worker, *, deltas: bool, kept: dict[str, bool] | None = None
) -> Answer:
    """Streamed solutions; vLLM's own server keeps nothing, so unless `kept` neither do we."""

    def answer(questions: Sequence[str]) -> dict[str, Any]:
        fixed = {"stream": True, "deltas": deltas, "max_tokens": MAX_TOKENS, "temperature": 0.0}
        fixed |= kept or {"store": False}
        bodies = [json.dumps({"question": question, **fixed}) for question in questions]
        return load.ask(Job(HOST, server.port, "/v1/solutions", bodies, STREAMS))

    return answer


def _chat(
    server: Server, load: Worker, settings: Settings, more: dict[str, Any] | None = None
) -> Answer:
    fixed = {
        "model": settings.served_name,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": MAX_TOKENS,
        "temperature": 0.0,
        **(more or {}),
    }

    def answer(questions: Sequence[str]) -> dict[str, Any]:
        bodies = [
            json.dumps({"messages": [{"role": "user", "content": question}], **fixed})
            for question in questions
        ]
        return load.ask(Job(HOST, server.port, "/v1/chat/completions", bodies, STREAMS))

    return answer


def compete(contestants: Sequence[Contestant], pairs: int, requests: int) -> Rounds:
    """One warm-up round that does not count, then `pairs` rounds, every other one backwards."""
    rounds: Rounds = {contestant.name: [] for contestant in contestants}
    for number in range(pairs + 1):
        problems = questions(number * requests, requests)
        for contestant in contestants[:: -1 if number % 2 else 1]:
            found = _measure(contestant, problems)
            print(f"  {number} {contestant.name:22} {_line(found)}", flush=True)
            if number:
                rounds[contestant.name].append(found)
    return rounds


def _measure(contestant: Contestant, problems: Sequence[str]) -> Round:
    children = contestant.service.children(recursive=True)
    service, engine = _cpu_s([contestant.service]), _cpu_s(children)
    outcome = contestant.answer(problems)
    service, engine = _cpu_s([contestant.service]) - service, _cpu_s(children) - engine
    tokens, seconds = outcome["completion_tokens"], outcome["seconds"]
    return Round(
        tokens=tokens,
        prompt_tokens=outcome["prompt_tokens"],
        bytes=outcome["bytes"],
        seconds=round(seconds, 3),
        tokens_per_s=round(tokens / seconds, 1),
        service_us=round(service / tokens * 1e6, 2),
        engine_us=round(engine / tokens * 1e6, 2),
    )


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    """User and system time of `processes`, without their children."""
    times = [process.cpu_times() for process in processes]
    return float(sum(time.user + time.system for time in times))


def _check_idle(contestants: Sequence[Contestant]) -> None:
    """Raises `RuntimeError` if someone who waits keeps a core busy."""
    services = {contestant.service.pid: contestant for contestant in contestants}
    trees = {
        found.name: [found.service, *found.service.children(recursive=True)]
        for found in services.values()
    }
    before = {name: _cpu_s(tree) for name, tree in trees.items()}
    time.sleep(IDLE_S)
    for name, tree in trees.items():
        if (share := (_cpu_s(tree) - before[name]) / IDLE_S) > IDLE_SHARE:
            raise RuntimeError(f"{name} takes {share:.0%} of a core while it waits")


def _defaults(settings: Settings, load: Worker) -> Rounds:
    """vLLM's server as it comes, alone: its processes spin on a CPU, so it cannot take turns."""
    if not cpu.is_cpu():
        return {}
    with vllm_server(settings, profile=False) as server:
        alone = Contestant("vllm, defaults", server.process, _chat(server, load, settings))
        return compete([alone], DEFAULTS_ROUNDS, STREAMS)


def _compare(rounds: Rounds) -> dict[str, Spread]:
    """Ours to theirs, round by round; those of the defaults are left out: they were alone."""
    found = {}
    for ours, theirs in [
        ("statewise", "vllm"),
        ("statewise", "vllm, gathered"),
        ("statewise", "bare"),
        ("statewise, no deltas", "vllm"),
        ("statewise, no deltas", "bare"),
        ("statewise, kept", "statewise"),
        ("statewise, background", "statewise"),
        ("vllm", "bare"),
    ]:
        if not {ours, theirs} <= rounds.keys():
            continue
        for figure in ("tokens_per_s", "service_us"):
            pair = ([getattr(each, figure) for each in rounds[name]] for name in (ours, theirs))
            found[f"{figure}: {ours} / {theirs}"] = ratios(*pair)
    return found


def _print(rounds: Rounds, compared: dict[str, Spread]) -> None:
    print("\nmedians")
    for name, found in rounds.items():
        rate = spread([each.tokens_per_s for each in found]).median
        cost = spread([each.service_us for each in found]).median
        print(f"  {name:22} {rate:8.0f} tokens/s  {cost:6.1f} µs of service CPU per token")
    print("ratios within a round, median (least-greatest)")
    for name, ratio in compared.items():
        print(f"  {name:52} {ratio.median:.2f} ({ratio.min:.2f}-{ratio.max:.2f})")


def _line(found: Round) -> str:
    return (
        f"{found.tokens:7} tokens {found.seconds:6.1f} s {found.tokens_per_s:7.0f}/s "
        f"{found.service_us:6.1f} µs service {found.engine_us:6.1f} µs engine"
    )


def _model(settings: Settings) -> dict[str, object]:
    weights = Path(settings.model) / "model.safetensors"
    size = weights.stat().st_size if weights.is_file() else None
    return {"name": settings.served_name, "weights_bytes": size}


if __name__ == "__main__":
    main()
