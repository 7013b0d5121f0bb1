"""How long does the first request of each kind take after a start, with and without warm-up?

    python -m benchmarks.first_use

Each kind is asked six times for eight tokens, one after another, on a server that has just started;
the first time stands beside the median of the others. The order is that of `KINDS`: what an earlier
kind has loaded is there for the later ones, as it is for clients.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from statistics import median
from typing import Any, Final

import httpx2

from app.settings import Settings
from benchmarks import machine
from benchmarks.servers import HOST, statewise

QUESTION: Final = "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"
TIMES: Final = 6
TOKENS: Final = 8
KINDS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "single": ("/v1/solutions", {}),
    "sampled, with a seed": ("/v1/solutions", {"temperature": 0.7, "top_p": 0.9, "seed": 1}),
    "guided": ("/v1/solutions", {"strategy": "guided"}),
    "vote-2": ("/v1/solutions", {"strategy": "vote-2"}),
    "beam by log-probabilities": (
        "/v1/solutions",
        {"strategy": "beam", "beam": {"width": 2, "candidates": 2, "confidence": True}},
    ),
    "chat": ("/v1/chat/completions", {}),
}


def main() -> None:
    """Print a table, and the figures as one JSON line."""
    found: dict[str, Any] = {"machine": machine.describe()}
    for warm_up in (False, True):
        os.environ["STATEWISE_WARM_UP"] = str(warm_up)
        with statewise(Settings()) as server:
            url = f"http://{HOST}:{server.port}"
            start = httpx2.get(f"{url}/startupz").json()
            kinds = {name: _times(url, path, body) for name, (path, body) in KINDS.items()}
        found["warm" if warm_up else "cold"] = {
            "start_s": start["seconds"],
            "phases": start["phases"],
            "kinds": kinds,
        }
    print(f"{'':28}{'cold: first':>14}{'later':>9}{'warm: first':>14}{'later':>9}  (ms)")
    for name in KINDS:
        row = [found[how]["kinds"][name] for how in ("cold", "warm")]
        cells = [f"{times[0]:.0f}" for times in row], [f"{median(times[1:]):.0f}" for times in row]
        print(f"{name:28}{cells[0][0]:>14}{cells[1][0]:>9}{cells[0][1]:>14}{cells[1][1]:>9}")
    print(json.dumps(found))


def _times(url: str, path: str, body: Mapping[str, Any]) -> list[float]:
    """Milliseconds of each request of a kind."""
    if path.endswith("completions"):
        body = {**body, "messages": [{"role": "user", "content": QUESTION}]}
    else:
        body = {**body, "question": QUESTION}
    body = {**body, "max_tokens": TOKENS}
    took = []
    with httpx2.Client(base_url=url, timeout=120) as client:
        client.get("/livez")  # the connection is there
        for _ in range(TIMES):
            began = time.perf_counter()
            client.post(path, json=body).raise_for_status()
            took.append(round(1000 * (time.perf_counter() - began), 1))
    return took


if __name__ == "__main__":
    main()
