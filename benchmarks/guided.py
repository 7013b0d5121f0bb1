"""What being ready to go back costs where nothing is wrong: `guided` beside `single`.

    python -m benchmarks.guided

Both answer the same problems, of which `single` has first shown that none of its states is refuted:
there the two do the same. They take turns; the ratio of their times is taken within each round.
The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import httpx2

from app.settings import Settings
from benchmarks import machine
from benchmarks.load import Job
from benchmarks.pairs import ratios
from benchmarks.problems import questions
from benchmarks.servers import HOST, Server, Worker, statewise, worker

STREAMS = 16
MAX_TOKENS = 400
STRATEGIES = ("single", "guided")


def main() -> None:
    """Run, print each round and the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=9, help="rounds that count")
    options.add_argument("--requests", type=int, default=32, help="problems in a round")
    chosen = options.parse_args()
    described = machine.describe()
    settings = Settings()
    times: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    with statewise(settings) as server, worker("benchmarks.load", settings) as load:
        clean = _clean(server, chosen.requests)
        for number in range(chosen.pairs + 1):
            for name in STRATEGIES[:: -1 if number % 2 else 1]:
                found = _answer(server, load, clean, name)
                print(
                    f"  {number} {name:8} {found['completion_tokens']} tokens "
                    f"{found['seconds']:.2f} s",
                    flush=True,
                )
                if number:  # the first round warms up
                    times[name].append(found["seconds"])
    result = {
        "benchmark": "guided",
        "machine": described,
        "streams": STREAMS,
        "requests": chosen.requests,
        "seconds": asdict(ratios(times["guided"], times["single"])),
        "rounds": times,
    }
    print(json.dumps(result))


def _clean(server: Server, count: int) -> list[str]:
    """Problems that `single` answers without a refuted state."""
    found: list[str] = []
    with httpx2.Client(base_url=f"http://{HOST}:{server.port}", timeout=120) as client:
        for question in questions(0, 4 * count):
            body = {"question": question, "max_tokens": MAX_TOKENS, "store": False}
            solution = client.post("/v1/solutions", json=body).raise_for_status().json()
            if not solution["verification"]["refuted"]:
                found.append(question)
            if len(found) == count:
                break
    return found


def _answer(server: Server, load: Worker, problems: Sequence[str], strategy: str) -> dict[str, Any]:
    fixed = {"stream": True, "max_tokens": MAX_TOKENS, "store": False, "strategy": strategy}
    bodies = [json.dumps({"question": question, **fixed}) for question in problems]
    found: dict[str, Any] = load.ask(Job(HOST, server.port, "/v1/solutions", bodies, STREAMS))
    return found


if __name__ == "__main__":
    main()
