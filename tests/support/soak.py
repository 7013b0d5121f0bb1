"""Full load for a while: are memory and speed at the end what they were at the beginning?

    python -m tests.support.soak --seconds 120 [--engine vllm] [--plot docs/images/soak.png]

Three kinds of work at once, each as wide as it is told: plain streams, background solutions whose
streams are followed, and a batch after another. Every stream is read whole and checked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil

from tests.support.batching import line
from tests.support.server_process import ServerProcess, start
from tests.support.streams import check_order, events

QUESTIONS: Final = (
    "What is 12 * 7?",
    "Ann has 3 pens. She buys 4 more. How many pens has she now?",
)
LINES: Final = 50
SAMPLE_S: Final = 1.0
WARM: Final = 0.25
"""Share of the time in which pools and caches fill."""
MIB: Final = 1024 * 1024


@dataclass
class Soaked:
    """What was seen."""

    seconds: float = 0.0
    streams: int = 0
    events: int = 0
    lines: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    """Of the server's process, at each of the seconds `at`."""
    engine_mib: list[float] = field(default_factory=list)
    """Of its engine's processes. A cache of keys and values takes memory as it is first used."""

    def growth(self) -> float:
        """The median of the last quarter over that of the one after the warm-up."""
        first, last = self._quarter(WARM, 0.5), self._quarter(0.75, 1.0)
        return statistics.median(last) / statistics.median(first)

    def _quarter(self, start: float, end: float) -> list[float]:
        pairs = zip(self.at, self.memory_mib, strict=True)
        return [mib for at, mib in pairs if start <= at / self.seconds <= end]


class _Load:
    def __init__(self, server: ServerProcess, seconds: float) -> None:
        self.found = Soaked(seconds)
        self._server = server
        self._began = time.monotonic()
        self._number = 0
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=256)
        self._client = httpx2.AsyncClient(base_url=server.url, timeout=300, limits=limits)

    @property
    def _over(self) -> bool:
        return time.monotonic() - self._began >= self.found.seconds

    async def run(self, plain: int, background: int) -> Soaked:
        sampling = asyncio.create_task(self._sample())
        async with self._client:
            await asyncio.gather(
                *(self._stream(deltas=n % 2 == 0) for n in range(plain)),
                *(self._background() for _ in range(background)),
                self._batches(),
            )
        await sampling
        return self.found

    def _body(self, **more: object) -> dict[str, Any]:
        self._number += 1
        return {"question": QUESTIONS[self._number % len(QUESTIONS)], "max_tokens": 200, **more}

    async def _stream(self, *, deltas: bool) -> None:
        while not self._over:
            body = self._body(stream=True, deltas=deltas)
            self._take((await self._client.post("/v1/solutions", json=body)).text)

    async def _background(self) -> None:
        while not self._over:
            made = (
                await self._client.post("/v1/solutions", json=self._body(background=True))
            ).json()
            path = f"/v1/solutions/{made['id']}/events"
            self._take((await self._client.get(path)).text)

    def _take(self, text: str) -> None:
        found = events(text)
        check_order(found)
        self.found.streams += 1
        self.found.events += len(found)
        self.found.statuses[found[-1]["solution"]["status"]] += 1

    async def _batches(self) -> None:
        while not self._over:
            lines = [line(f"id {n}", self._body()) for n in range(LINES)]
            content = "".join(f"{one}\n" for one in lines).encode()
            form = {"data": {"purpose": "batch"}, "files": {"file": ("in.jsonl", content)}}
            file = (await self._client.post("/v1/files", **form)).json()  # type: ignore[arg-type]
            asked = {
                "input_file_id": file["id"],
                "endpoint": "/v1/solutions",
                "completion_window": "24h",
            }
            batch = (await self._client.post("/v1/batches", json=asked)).json()
            while batch["status"] in ("validating", "in_progress", "finalizing"):
                await asyncio.sleep(0.2)
                batch = (await self._client.get(f"/v1/batches/{batch['id']}")).json()
            assert batch["status"] == "completed", batch
            output = await self._client.get(f"/v1/files/{batch['output_file_id']}/content")
            ids = [json.loads(one)["custom_id"] for one in output.text.splitlines()]
            assert ids == [f"id {n}" for n in range(LINES)], "each line once, in order"
            self.found.lines += LINES

    async def _sample(self) -> None:
        process = psutil.Process(self._server.process.pid)
        while not self._over:
            children = process.children(recursive=True)
            self.found.at.append(round(time.monotonic() - self._began, 2))
            self.found.memory_mib.append(_mib([process]))
            self.found.engine_mib.append(_mib(children))
            await asyncio.sleep(SAMPLE_S)


def _mib(processes: Sequence[psutil.Process]) -> float:
    return round(sum(one.memory_info().rss for one in processes) / MIB, 1)


def soak(server: ServerProcess, seconds: float, plain: int = 48, background: int = 16) -> Soaked:
    """Load a server that is ready. Raises `AssertionError` if an event or a line is lost."""
    return asyncio.run(_Load(server, seconds).run(plain, background))


def plot(found: Soaked, title: str, path: Path) -> None:
    """Memory over time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6.4, 2.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, values in (("engine", found.engine_mib), ("server", found.memory_mib)):
        if any(values):
            axes.plot(found.at, values, linewidth=1.2, label=name)
    axes.set_ylim(0, max(found.memory_mib + found.engine_mib) * 1.15)
    axes.legend(fontsize=8)
    axes.set_xlabel("seconds at full load")
    axes.set_ylabel("MiB resident")
    axes.set_title(title, fontsize=9)
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Soak a server that is started for it; the figures are one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--engine", default="vllm")
    parser.add_argument("--plot", type=Path)
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as state:
        server = start(Path(state), "--engine", told.engine, batch_slots=16)
        try:
            server.wait_ready()
            found = soak(server, told.seconds)
            left = server.metric("statewise_solutions_in_flight")
        finally:
            server.process.terminate()
            server.process.wait(60)
    if told.plot:
        total = found.streams + found.lines
        title = f"Engine {told.engine}: {total} solutions, {found.events} events"
        plot(found, title, told.plot)
    told_of = {**vars(found), "growth": round(found.growth(), 4), "left": left}
    print(json.dumps(told_of))


if __name__ == "__main__":
    main()
