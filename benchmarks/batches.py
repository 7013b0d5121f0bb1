"""What a running batch costs those who wait, and what they cost the batch.

    python -m benchmarks.batches

A few clients ask one problem after the other, as people do, and the time from each request to its
first transition is taken: in turns while nothing else runs, and while a batch fills all places that
batches may have. The batch's throughput is taken alone and beside these clients. The last line
printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import httpx2

from app.settings import Settings
from benchmarks import machine
from benchmarks.pairs import Spread, spread
from benchmarks.problems import questions
from benchmarks.servers import HOST, statewise

MAX_TOKENS: Final = 400
PAUSE_S: Final = 0.3
"""What a client waits between an answer and its next question."""
LINES: Final = 20_000
"""Lines of the batch: more than are answered while it is measured."""
RAMP_S: Final = 10.0
"""How long the batch runs before anything is taken."""


@dataclass(slots=True)
class Found:
    """What was measured, over all rounds; seconds to the first transition, lines per second."""

    idle: list[float] = field(default_factory=list)
    beside_batch: list[float] = field(default_factory=list)
    batch_alone: list[float] = field(default_factory=list)
    batch_beside_clients: list[float] = field(default_factory=list)
    in_flight: list[float] = field(default_factory=list)


class Service:
    """The server that is measured."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.Client(base_url=url, timeout=120)
        self._asked = 0
        self._lock = threading.Lock()

    def probe(self, clients: int, count: int) -> list[float]:
        """Seconds to the first transition of `count` requests, by `clients` at a time."""
        found: list[float] = []

        def client() -> None:
            while True:
                with self._lock:
                    if len(found) >= count:
                        return
                    self._asked += 1
                    number = self._asked
                seconds = self._first_transition(questions(LINES + number, 1)[0])
                with self._lock:
                    found.append(seconds)
                time.sleep(PAUSE_S)

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def upload(self, lines: Sequence[dict[str, Any]]) -> str:
        """An input file; its id."""
        content = "\n".join(map(json.dumps, lines)).encode()
        form: Any = {"purpose": (None, "batch"), "file": ("lines.jsonl", content)}
        return str(self._call("POST", "/v1/files", files=form)["id"])

    @contextmanager
    def batch(self, file_id: str) -> Any:
        """A batch that runs until the block ends; gives its id."""
        body = {
            "input_file_id": file_id,
            "endpoint": "/v1/solutions",
            "completion_window": "24h",
        }
        batch_id = self._call("POST", "/v1/batches", json=body)["id"]
        while self._call("GET", f"/v1/batches/{batch_id}")["status"] == "validating":
            time.sleep(0.2)
        time.sleep(RAMP_S)
        try:
            yield batch_id
        finally:
            self._call("POST", f"/v1/batches/{batch_id}/cancel")
            while self._call("GET", f"/v1/batches/{batch_id}")["status"] != "cancelled":
                time.sleep(0.2)
            while self.in_flight():
                time.sleep(0.1)

    def answered(self, batch_id: str) -> int:
        """Lines of the batch that are answered."""
        return int(self._call("GET", f"/v1/batches/{batch_id}")["request_counts"]["completed"])

    def in_flight(self) -> float:
        """Solutions that are being made."""
        for line in self._http.get("/metrics").text.splitlines():
            if line.startswith("statewise_solutions_in_flight "):
                return float(line.split()[1])
        return 0.0

    def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        response = self._http.request(method, path, **content)
        response.raise_for_status()
        found: dict[str, Any] = response.json()
        return found

    def _first_transition(self, question: str) -> float:
        """Asks, and reads to the end."""
        body = {"question": question, "stream": True, "max_tokens": MAX_TOKENS, "store": False}
        began = time.perf_counter()
        seconds = 0.0
        with self._http.stream("POST", "/v1/solutions", json=body) as response:
            for line in response.iter_lines():
                if not seconds and line == "event: transition.started":
                    seconds = time.perf_counter() - began
        return seconds or time.perf_counter() - began


def main() -> None:
    """Run, print and sum up."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", help="checkpoint folder; default: the starter")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=40, help="in a round, of each kind")
    options.add_argument("--clients", type=int, default=2)
    options.add_argument("--seconds", type=float, default=20.0, help="the batch is taken alone for")
    options.add_argument("--slots", type=int, help="lines at a time; default: the service's")
    chosen = options.parse_args()
    if chosen.slots:
        os.environ["STATEWISE_BATCH_SLOTS"] = str(chosen.slots)
    settings = Settings(model=chosen.model) if chosen.model else Settings()
    described = machine.describe()
    with statewise(settings) as server:
        service = Service(f"http://{HOST}:{server.port}")
        found = measure(service, chosen)
    result = {
        "benchmark": "batches",
        "machine": described,
        "model": settings.served_name,
        "clients": chosen.clients,
        "max_tokens": MAX_TOKENS,
        "slots": chosen.slots,
        **summary(found),
        "raw": asdict(found),
    }
    print(json.dumps(result))


def measure(service: Service, chosen: argparse.Namespace) -> Found:
    """All rounds."""
    file_id = service.upload([_line(number) for number in range(LINES)])
    found = Found()
    service.probe(chosen.clients, chosen.clients * 2)  # does not count
    for number in range(chosen.rounds):
        found.idle += service.probe(chosen.clients, chosen.requests)
        with service.batch(file_id) as batch_id:
            found.in_flight.append(service.in_flight())
            before, began = service.answered(batch_id), time.monotonic()
            time.sleep(chosen.seconds)
            after, ended = service.answered(batch_id), time.monotonic()
            found.batch_alone.append((after - before) / (ended - began))
            found.beside_batch += service.probe(chosen.clients, chosen.requests)
            last = service.answered(batch_id)
            found.batch_beside_clients.append((last - after) / (time.monotonic() - ended))
        print(f"  {number} {json.dumps(summary(found))}", flush=True)
    return found


def summary(found: Found) -> dict[str, Any]:
    """Percentiles, their ratios and the throughputs."""
    idle, beside = percentiles(found.idle), percentiles(found.beside_batch)
    rates: dict[str, Spread] = {
        "batch_alone_lines_per_s": spread(found.batch_alone),
        "batch_beside_clients_lines_per_s": spread(found.batch_beside_clients),
        "batch_in_flight": spread(found.in_flight),
    }
    return {
        "first_transition_s": {"idle": idle, "beside_batch": beside},
        "ratio": {name: round(beside[name] / idle[name], 2) for name in idle},
        **{name: asdict(rate) for name, rate in rates.items()},
    }


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 95th, by the nearest rank. Raises `IndexError` for no values."""
    ordered = sorted(seconds)
    ranks = {"p50": 0.5, "p95": 0.95}
    return {
        name: round(ordered[math.ceil(len(ordered) * share) - 1], 4)
        for name, share in ranks.items()
    }


def _line(number: int) -> dict[str, Any]:
    return {
        "custom_id": str(number),
        "method": "POST",
        "url": "/v1/solutions",
        "body": {"question": questions(number, 1)[0], "max_tokens": MAX_TOKENS},
    }


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
