"""The service's own metrics, beside vLLM's in the same registry."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from statespace.solutions import Solution
from statespace.trace import Transition

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600)


class Metrics:
    """Counters and histograms, registered once for a process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self.in_flight = Gauge(
            "statewise_solutions_in_flight", "Solutions that are being made.", registry=registry
        )
        self.solutions = Counter(
            "statewise_solutions", "Solutions ended.", ["status", "strategy"], registry=registry
        )
        self.engine_unfinished = Gauge(
            "statewise_engine_unfinished",
            "Requests that the engine holds.",
            registry=registry,
        )
        self.queued = Gauge(
            "statewise_queued", "Requests that wait for a place.", registry=registry
        )
        self.queue_seconds = Histogram(
            "statewise_queue_seconds",
            "Seconds that requests waited for a place, if they had to.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.refused = Counter(
            "statewise_refused", "Requests refused.", ["code"], registry=registry
        )
        self.transitions = Counter(
            "statewise_transitions", "Transitions.", ["action", "verdict"], registry=registry
        )
        self.tokens = Counter("statewise_tokens", "Tokens by kind.", ["kind"], registry=registry)
        self.duration = Histogram(
            "statewise_solution_seconds",
            "Seconds from request to end.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_transition = Histogram(
            "statewise_first_transition_seconds",
            "Seconds from request to the first transition's header.",
            buckets=_SECONDS,
            registry=registry,
        )

    def count(self, transition: Transition) -> None:
        """A transition was completed."""
        self.transitions.labels(transition.action, transition.verdict).inc()

    def end(self, solution: Solution, seconds: float) -> None:
        """A solution has ended."""
        self.solutions.labels(solution.status, solution.strategy).inc()
        self.duration.observe(seconds)
        for kind, count in solution.usage:
            self.tokens.labels(kind.removesuffix("_tokens")).inc(count)
