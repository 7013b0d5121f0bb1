"""`statewise top`: what a server does right now."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from statespace.solutions import Solution, Status
from statewise.client import Client, RefusedError, ServerError
from statewise.failures import NO_SERVER, fail
from statewise.terminal import one_line, print_utf8, visible
from statewise.waiting import found_server

SHOWN: Final = 10
"""Running solutions that are listed."""
WIDTH: Final = 60
TOKENS: Final = ("vllm:generation_tokens_total", 'statewise_tokens_total{kind="completion"}')
"""Where generated tokens are counted: as they come, or, if no engine does, as solutions end."""


@dataclass(frozen=True, slots=True)
class Running:
    """A solution that is being made."""

    id: str
    status: str
    strategy: str
    seconds: float
    transitions: int
    question: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A server at one moment; what it does not tell is None."""

    url: str
    phase: str
    ready: bool
    engine: str | None
    model: str | None
    version: str | None
    running: float | None
    places: float | None
    queued: float | None
    queue_limit: float | None
    batch_lines: float | None
    tokens_per_second: float | None
    solutions: float | None
    verified: float | None
    refuted: float | None
    refused: float | None
    cache_used: float | None
    solving: list[Running]


def top_command(*, url: str | None, interval_s: float, once: bool, as_json: bool) -> int:
    """Show a server until Ctrl-C; once for scripts. On no terminal each look is a line."""
    console = Console()
    with found_server(url, None) as found, Client(found, patience_s=interval_s) as client:
        watch = Watch(client)
        display = Live(console=console, auto_refresh=False)
        live = console.is_terminal and not (console.is_dumb_terminal or once or as_json)
        try:
            watch.look()  # rates need two
            while True:
                time.sleep(interval_s)
                now = watch.look()
                if as_json:
                    print_utf8()
                    print(dumped(now), flush=True)
                elif live:
                    display.start()
                    display.update(drawn(now), refresh=True)
                elif once:
                    console.print(drawn(now))
                else:
                    console.print(Text(visible(line(now))), soft_wrap=True)
                if once:
                    return 0
        except ServerError as error:
            fail(str(error), NO_SERVER)
        except KeyboardInterrupt:
            return 0
        finally:
            display.stop()


class Watch:
    """Looks at a server, and remembers what it has seen for rates."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tokens: tuple[float, float] | None = None

    def look(self) -> Snapshot:
        """How it stands. Raises `ServerError` if it cannot be reached."""
        client = self._client
        startup = client.startup()
        series = _series(client)
        none = 0.0 if series else None  # a counter is there once something was counted
        version = _version(client)
        return Snapshot(
            url=client.url,
            phase=str(startup.get("phase", "?")),
            ready=bool(startup.get("started")),
            engine=version.get("engine"),
            model=version.get("model"),
            version=version.get("statewise"),
            running=series.get("statewise_solutions_in_flight"),
            places=series.get("statewise_places"),
            queued=series.get("statewise_queued"),
            queue_limit=series.get("statewise_queue_limit"),
            batch_lines=series.get("statewise_batch_lines_queued"),
            tokens_per_second=self._rate(series),
            solutions=series.get("statewise_solutions_total", none),
            verified=series.get('statewise_transitions_total{verdict="verified"}', none),
            refuted=series.get('statewise_transitions_total{verdict="refuted"}', none),
            refused=series.get("statewise_refused_total", none),
            cache_used=series.get("vllm:kv_cache_usage_perc"),
            solving=_solving(client),
        )

    def _rate(self, series: dict[str, float]) -> float | None:
        found = next((series[name] for name in TOKENS if name in series), 0.0)
        if not series:
            return None
        now = time.monotonic()
        before, self._tokens = self._tokens, (now, found)
        if before is None or now <= before[0]:
            return None
        return round((found - before[1]) / (now - before[0]), 1)


def dumped(now: Snapshot) -> str:
    """A snapshot as JSON."""
    return one_line(json.dumps(asdict(now)))


def line(now: Snapshot) -> str:
    """A snapshot in one line."""
    parts = [now.phase, f"{_of(now.running, now.places)} running", f"{_n(now.queued)} queued"]
    return " · ".join([*parts, f"{_n(now.tokens_per_second)} tokens/s"])


def drawn(now: Snapshot) -> Group:
    """A snapshot as a page."""
    head = f"{now.model or '?'} at {now.url} · {now.engine or '?'} · Statewise {now.version or '?'}"
    table = Table.grid(padding=(0, 2))
    for name, told in (
        ("phase", now.phase),
        ("running", _of(now.running, now.places)),
        ("queued", _of(now.queued, now.queue_limit)),
        ("batch lines", _n(now.batch_lines)),
        ("tokens/s", _n(now.tokens_per_second)),
        ("solved so far", _n(now.solutions)),
        ("transitions", f"{_n(now.verified)} verified, {_n(now.refuted)} refuted"),
        ("refused", _n(now.refused)),
        ("KV cache", "–" if now.cache_used is None else f"{now.cache_used:.0%}"),
    ):
        table.add_row(Text(name, "dim"), Text(visible(told)))
    solving = Table(box=None, padding=(0, 2, 0, 0), expand=True, header_style="dim")
    for name in ("solution", "status", "strategy", "s", "states"):
        solving.add_column(name, no_wrap=True)
    solving.add_column("problem", no_wrap=True, ratio=1)  # gets what the others leave
    for one in now.solving:
        row = (one.id, one.status, one.strategy, f"{one.seconds:.0f}", str(one.transitions))
        solving.add_row(*(Text(visible(part)) for part in (*row, one.question)))
    style = "bold green" if now.ready else "bold yellow"
    return Group(Text(visible(head), style), table, *([solving] if now.solving else []))


def _series(client: Client) -> dict[str, float]:
    """Values of /metrics by name, and by name and label; none if that needs another key."""
    try:
        text = client.metrics()
    except RefusedError:
        return {}
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
            for name, value in sample.labels.items():
                labelled = f'{sample.name}{{{name}="{value}"}}'
                found[labelled] = found.get(labelled, 0.0) + sample.value
    return found


def _version(client: Client) -> dict[str, str]:
    try:
        return {name: str(told) for name, told in client.version().items()}
    except RefusedError:
        return {}


def _solving(client: Client) -> list[Running]:
    """The newest solutions of this key that are being made."""
    try:
        listed = client.list(status=Status.IN_PROGRESS, limit=SHOWN)
        return [_running(solution) for solution in listed]
    except RefusedError:
        return []


def _running(solution: Solution) -> Running:
    question = " ".join(solution.question.split())
    return Running(
        id=solution.id,
        status=solution.status.value,
        strategy=solution.strategy,
        seconds=round(max(0.0, time.time() - solution.created_at), 1),
        transitions=len(solution.transitions),
        question=question if len(question) <= WIDTH else f"{question[: WIDTH - 1]}…",
    )


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"


def _of(value: float | None, limit: float | None) -> str:
    return _n(value) if limit is None else f"{_n(value)} of {_n(limit)}"
