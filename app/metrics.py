"""The service's own metrics, beside vLLM's in the same registry. docs/metrics.md lists them.

What is measured here is measured per transition or per solution, never per token. Values of labels
come from closed sets: no client can make a new series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.errors import AppError, RateLimitError
from app.host import Host
from app.solving.outcome import basis, family, paths, uses
from app.strategies.base import Spent
from statespace.actions import Action
from statespace.solutions import Solution
from statespace.trace import Origin, Transition, Verdict

SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600)
TOKENS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
TRANSITIONS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 200, 500, 1_000)
METHODS: Final = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})
STORE_TROUBLES: Final = ("unavailable", "refused")
REFUSALS: Final = frozenset({401, 429, 503, 507})
"""Statuses that say nothing of a request, only of its key or of the server."""


class Metrics:
    """All series, registered once for a process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        seconds = partial(Histogram, registry=registry, buckets=SECONDS)

        self.requests = counter(
            "statewise_http_requests",
            "Requests answered; `status` is `gone` if the client left before the answer began.",
            ["method", "route", "status"],
        )
        self.refused = counter(
            "statewise_refused",
            "Requests answered with 401, 429, 503 or 507, by why.",
            ["code"],
        )

        self.in_flight = gauge("statewise_solutions_in_flight", "Solutions that are being made.")
        self.places = gauge("statewise_places", "Solutions that may be made at a time.")
        self.queued = gauge("statewise_queued", "Requests that wait for a place.")
        self.queue_limit = gauge("statewise_queue_limit", "Requests that may wait for a place.")
        self.queue_seconds = seconds(
            "statewise_queue_seconds",
            "Seconds that requests waited for a place, if they had to.",
            ["priority"],
        )

        self.solutions = counter("statewise_solutions", "Solutions ended.", ["status", "strategy"])
        self.incomplete = counter(
            "statewise_incomplete", "Solutions that ended as incomplete, by why.", ["reason"]
        )
        self.duration = seconds(
            "statewise_solution_seconds",
            "Seconds from a solution's place to its end; the wait for it is in the queue's.",
            ["strategy"],
        )
        self.first_transition = seconds(
            "statewise_first_transition_seconds",
            "Seconds from a solution's place to the header of its first transition.",
            ["strategy"],
        )
        self.solution_transitions = Histogram(
            "statewise_solution_transitions",
            "Transitions of a solution, on all its paths.",
            ["strategy"],
            buckets=TRANSITIONS,
            registry=registry,
        )
        self.tokens = counter(
            "statewise_tokens", "Tokens of ended solutions, by kind of usage.", ["kind"]
        )
        self.completion_tokens = counter(
            "statewise_completion_tokens",
            "Generated tokens of ended solutions, by what became of them: `answer`: in what the "
            "answer rests on; `dead_end`: in other transitions of a solution with an answer; "
            "`discarded`: in no transition; `unanswered`: no answer was found; `aborted`: the "
            "solution was cancelled, failed, or its time or the server's was up.",
            ["strategy", "use"],
        )

        self.transitions = counter(
            "statewise_transitions",
            "Transitions. The refuted share is that of verdict `refuted`.",
            ["action", "verdict"],
        )
        self.transition_seconds = seconds(
            "statewise_transition_seconds",
            "Seconds that the model took to write a transition.",
            ["action"],
        )
        self.transition_tokens = Histogram(
            "statewise_transition_tokens",
            "Tokens that the model wrote in a transition.",
            ["action"],
            buckets=TOKENS,
            registry=registry,
        )
        self.backtracks = counter(
            "statewise_backtracks",
            "Backtracks; those by the `verifier` are the retries of `guided`.",
            ["origin"],
        )
        self.answers = counter(
            "statewise_answers",
            "Answers of completed solutions: `clean`: nothing was refuted; `recovered`: something "
            "was, but the answer does not rest on it; `refuted`: it does.",
            ["strategy", "basis"],
        )
        self.paths = counter(
            "statewise_paths",
            "Paths of ended solutions: `answered`, `unanswered`; of a vote also `aborted`: it was "
            "decided before they ended, and `spared`: before they began.",
            ["strategy", "end"],
        )
        self.generations = counter(
            "statewise_generations",
            "Requests to the engine, by how they ended; `aborted` ones were closed from here.",
            ["strategy", "end"],
        )

        self.engine_ready = gauge("statewise_engine_ready", "1 while requests can be served.")
        self.engine_start_seconds = gauge(
            "statewise_engine_start_seconds",
            "Seconds that the engine took to start, or has taken so far.",
        )
        self.engine_unfinished = gauge(
            "statewise_engine_unfinished", "Requests that the engine holds."
        )
        self.loop_lag_seconds = gauge(
            "statewise_loop_lag_seconds", "Seconds that the event loop is behind."
        )
        self.info = gauge("statewise_info", "1, with what runs.", ["version", "engine", "model"])

        self.store_waiting = gauge("statewise_store_waiting", "Events that are not committed yet.")
        self.store_lag_seconds = gauge(
            "statewise_store_lag_seconds", "Age of the oldest event that is not committed."
        )
        self.commit_seconds = seconds(
            "statewise_store_commit_seconds", "Seconds from a commit's beginning to its success."
        )
        self.store_errors = counter(
            "statewise_store_errors",
            "Failures of the store: `unavailable`: it is tried again; `refused`: what was to be "
            "written is lost.",
            ["kind"],
        )

        self.batch_lines = counter(
            "statewise_batch_lines", "Lines of batches answered by this server.", ["state"]
        )
        self.batch_lines_queued = gauge(
            "statewise_batch_lines_queued",
            "Lines of batches that are not answered, of all servers that share the store.",
        )
        self.batch_oldest_seconds = gauge(
            "statewise_batch_oldest_seconds",
            "Age of the oldest batch that is not over, of all servers that share the store.",
        )

        # An increase is seen from the first one on only if the series was there before.
        for kind in STORE_TROUBLES:
            self.store_errors.labels(kind)
        for code in ("full", "queue_timeout"):
            self.refused.labels(code)
        for state in ("completed", "failed"):
            self.batch_lines.labels(state)
        self.solutions.labels("completed", "single")  # refusals are set beside solutions
        self._series = _Series()
        self._by_action = {action: _OfAction(self, action) for action in Action}

    def watch(self, host: Host) -> None:
        """Ask for what is known of the engine at each scrape."""
        self.engine_unfinished.set_function(host.engine.unfinished)
        self.engine_start_seconds.set_function(lambda: host.seconds)
        self.registry.register(_Engine(host))

    def answered(self, scope: Mapping[str, Any], status: int | None) -> None:
        """A request is over. Paths that no route has are one."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "other")
        self.requests.labels(method, route, status or "gone").inc()

    def refuse(self, error: AppError) -> None:
        """A request was answered with an error; counts if it is a refusal."""
        if error.status in REFUSALS:
            self.refused.labels(refusal(error)).inc()

    def begin(self, strategy: str, seconds: float) -> None:
        """The first transition of a solution has begun."""
        self.first_transition.labels(family(strategy)).observe(seconds)

    def count(self, transition: Transition) -> None:
        """A transition was completed."""
        self._by_action[transition.action].count(transition)

    def end(self, solution: Solution, seconds: float, spent: Spent, planned: int) -> None:
        """A solution has ended; `planned` is how many paths it might have had."""
        strategy, of = family(solution.strategy), self._series
        of[self.solutions, solution.status, strategy].inc()
        if solution.incomplete_reason is not None:
            of[self.incomplete, solution.incomplete_reason].inc()
        of[self.duration, strategy].observe(seconds)
        of[self.solution_transitions, strategy].observe(len(solution.transitions))
        for kind, count in solution.usage:
            of[self.tokens, kind.removesuffix("_tokens")].inc(count)
        for use, count in uses(solution).items():
            of[self.completion_tokens, strategy, use].inc(count)
        for end, count in spent.generations.items():
            of[self.generations, strategy, end].inc(count)
        for end, count in paths(solution, planned).items():
            of[self.paths, strategy, end].inc(count)
        if (found := basis(solution)) is not None:
            of[self.answers, strategy, found].inc()


class _Series(dict[tuple[Any, ...], Any]):
    """Metric and labels → the series, looked up once: a lookup costs more than counting."""

    def __missing__(self, key: tuple[Any, ...]) -> Any:
        metric, *labels = key
        found = self[key] = metric.labels(*labels)
        return found


class _OfAction:
    """The series of one action."""

    def __init__(self, metrics: Metrics, action: Action) -> None:
        self._verdicts = {
            verdict: metrics.transitions.labels(action, verdict).inc for verdict in Verdict
        }
        self._seconds = metrics.transition_seconds.labels(action).observe
        self._tokens = metrics.transition_tokens.labels(action).observe
        self._backtracks = (
            {origin: metrics.backtracks.labels(origin).inc for origin in Origin}
            if action is Action.BACKTRACK
            else {}
        )

    def count(self, transition: Transition) -> None:
        self._verdicts[transition.verdict]()
        if transition.origin is Origin.MODEL:
            self._seconds(transition.seconds)
            self._tokens(transition.tokens)
        if self._backtracks:
            self._backtracks[transition.origin]()


class _Engine(Collector):
    """What has labels that change, or is counted elsewhere."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def collect(self) -> Iterable[Metric]:
        """The current phase, the restarts, and each server of a remote engine."""
        phase = GaugeMetricFamily(
            "statewise_engine_phase", "1 for the phase that the engine is in.", labels=["phase"]
        )
        phase.add_metric([self._host.phase], 1)
        yield phase
        yield CounterMetricFamily(
            "statewise_engine_restarts",
            "How often the engine was started again after it had died.",
            self._host.restarts,
        )
        up = GaugeMetricFamily(
            "statewise_upstream_up",
            "Whether a server of the remote engine can be asked.",
            labels=["url"],
        )
        for url, can_be_asked in self._host.engine.upstreams().items():
            up.add_metric([url], can_be_asked)
        yield up


def refusal(error: AppError) -> str:
    """Why a request was refused, as a label."""
    if isinstance(error, RateLimitError):
        return f"rate_limit_{error.limit}"
    return error.code or error.type
