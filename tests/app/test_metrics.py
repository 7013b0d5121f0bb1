"""What is measured is what has happened, in series that no client can multiply."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from app.metrics import Metrics
from app.solving.outcome import basis, paths, uses
from app.store.database import Database
from statespace.actions import Action
from statespace.solutions import IncompleteReason, Path, Solution, Status, Usage
from statespace.trace import Transition, Verdict
from tests.conftest import REPOSITORY
from tests.support.gauges import (
    ASTRAY,
    LONG,
    SPLIT,
    families,
    measured,
    solve,
    solve_with_every_strategy,
)
from tests.support.server import LocalServer

MOST_SERIES = 2_000


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with measured() as server:
        yield server


def sample(server: LocalServer, name: str, **labels: str) -> float:
    return server.metrics.registry.get_sample_value(f"statewise_{name}", labels) or 0.0


def state(number: int, verdict: Verdict = Verdict.VERIFIED, tokens: int = 10) -> Transition:
    return Transition(
        id=number,
        parent=number - 1,
        action=Action.SOLVE_SUBQUESTION,
        label="Solve Subquestion",
        verdict=verdict,
        tokens=tokens,
    )


def solution(**changes: object) -> Solution:
    """States 1 to 3, of which the answer rests on 1 and 3; 5 of 35 tokens are in none."""
    values: dict[str, object] = {
        "id": "sol_1",
        "status": Status.COMPLETED,
        "question": "q",
        "model": "m",
        "strategy": "single",
        "answer": "7",
        "answer_path": 0,
        "transitions": tuple(map(state, (1, 2, 3))),
        "paths": (Path(path=0, states=(0, 1, 3), answer="7", resolved=True),),
        "usage": Usage(completion_tokens=35, discarded_tokens=5),
        "created_at": 0.0,
    }
    return Solution.model_validate(values | changes)


def test_every_token_has_become_something() -> None:
    none = {"answer": None, "answer_path": None}
    assert uses(solution()) == {"answer": 20, "dead_end": 10, "discarded": 5}
    no_answer = solution(
        status=Status.INCOMPLETE, incomplete_reason=IncompleteReason.NO_ANSWER, **none
    )
    assert uses(no_answer) == {"unanswered": 35}
    for cut_off in (
        solution(status=Status.CANCELLED, **none),
        solution(status=Status.FAILED, **none),
        solution(status=Status.INCOMPLETE, incomplete_reason=IncompleteReason.SHUTDOWN, **none),
        solution(status=Status.INCOMPLETE, incomplete_reason=IncompleteReason.DEADLINE, **none),
    ):
        assert uses(cut_off) == {"aborted": 35}
    plain = solution(text="It is 7.", transitions=(), usage=Usage(completion_tokens=35))
    assert uses(plain) == {"answer": 35, "dead_end": 0}


@pytest.mark.parametrize(
    ("refuted", "found"), [(None, "clean"), (2, "recovered"), (3, "refuted"), (1, "refuted")]
)
def test_what_an_answer_rests_on(refuted: int | None, found: str) -> None:
    states = tuple(
        state(n, Verdict.REFUTED if n == refuted else Verdict.VERIFIED) for n in (1, 2, 3)
    )
    assert basis(solution(transitions=states)) == found
    assert basis(solution(transitions=states, status=Status.INCOMPLETE)) is None


def test_paths_of_a_vote_that_were_not_needed() -> None:
    ended = (
        Path(path=0, states=(0, 1, 3), answer="7", resolved=True, weight=1.0),
        Path(path=1, states=(0, 2), weight=0.0),
        Path(path=2, states=(0,)),
    )
    assert paths(solution(strategy="vote-8", paths=ended), 8) == {
        "answered": 1,
        "unanswered": 1,
        "aborted": 1,
        "spared": 5,
    }
    assert paths(solution(), 1) == {"answered": 1}


def test_what_guided_has_won(server: LocalServer) -> None:
    assert solve(server, ASTRAY, "guided")["answer"] == "24"
    assert sample(server, "backtracks_total", origin="verifier") == 1
    assert sample(server, "answers_total", strategy="guided", basis="recovered") == 1
    assert sample(server, "generations_total", strategy="guided", end="aborted") == 1
    assert sample(server, "generations_total", strategy="guided", end="stop") == 1
    # The verifier's own states take no tokens and no time of the model's.
    assert sample(server, "transition_tokens_count", action="backtrack") == 0
    assert sample(server, "transition_tokens_count", action="solve_subquestion") == 3
    refuted = {"action": "solve_subquestion", "verdict": "refuted"}
    assert sample(server, "transitions_total", **refuted) == 1


def test_what_a_vote_has_spared(server: LocalServer) -> None:
    told = solve(server, SPLIT, "vote-8", vote={"stop": "certain", "waves": [3]})
    ends = ("answered", "unanswered", "aborted", "spared")
    counted = {end: sample(server, "paths_total", strategy="vote", end=end) for end in ends}
    assert sum(counted.values()) == 8
    assert sample(server, "first_transition_seconds_count", strategy="vote") == 1
    assert counted["spared"] == 8 - len(told["paths"])
    kinds = ("answer", "dead_end", "discarded")
    tokens = [sample(server, "completion_tokens_total", strategy="vote", use=use) for use in kinds]
    assert sum(tokens) == told["usage"]["completion_tokens"]
    assert sample(server, "solution_transitions_sum", strategy="vote") == len(told["transitions"])


def test_tokens_of_a_client_that_goes_are_counted_as_aborted(server: LocalServer) -> None:
    body = {"question": LONG, "stream": True}
    with httpx2.stream("POST", f"{server.url}/v1/solutions", json=body) as response:
        for line in response.iter_lines():
            if line == "event: transition.completed":
                break
    deadline = time.monotonic() + 10
    labels = {"strategy": "single", "use": "aborted"}
    while not (aborted := sample(server, "completion_tokens_total", **labels)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert aborted == sample(server, "tokens_total", kind="completion") > 0
    assert sample(server, "generations_total", strategy="single", end="aborted") == 1


def test_requests_are_counted_by_route(server: LocalServer) -> None:
    solve(server, SPLIT)
    for name in ("sol_1", "sol_2"):
        httpx2.get(f"{server.url}/v1/solutions/{name}")
    httpx2.get(f"{server.url}/no/such/{'x' * 50}")
    httpx2.request("PROPFIND", f"{server.url}/v1/solutions")
    count = "http_requests_total"
    made = {"method": "POST", "route": "/v1/solutions", "status": "200"}
    asked = {"method": "GET", "route": "/v1/solutions/{solution_id}", "status": "404"}
    assert sample(server, count, **made) == 1
    assert sample(server, count, **asked) == 2
    assert sample(server, count, method="GET", route="other", status="404") == 1
    assert sample(server, count, method="other", route="/v1/solutions", status="405") == 1


def test_refusals_are_counted_once_each() -> None:
    with measured(0.05, max_in_flight=1, max_queued=0) as server:
        held = httpx2.stream(
            "POST", f"{server.url}/v1/solutions", json={"question": LONG, "stream": True}
        )
        with held as response:
            lines = response.iter_lines()
            next(lines)
            assert solve(server, SPLIT)["error"]["code"] == "full"
        assert sample(server, "refused_total", code="full") == 1
        assert sample(server, "places") == 1
        assert sample(server, "queue_limit") == 0


def test_clients_cannot_multiply_series(server: LocalServer) -> None:
    """A memory of every name that was ever asked for is a leak, and Prometheus's end."""
    for number in range(1, 6):
        solve(server, SPLIT, f"vote-{number}")
        solve(server, SPLIT, f"nonsense-{number}")
        httpx2.get(f"{server.url}/v1/models/{number}")
    found = families(server)
    assert "nonsense" not in str(found)
    assert sum(len(family.samples) for family in found.values()) < MOST_SERIES


async def test_a_store_that_cannot_be_reached_is_counted() -> None:
    metrics = Metrics(CollectorRegistry())
    database = Database("sqlite:////nonexistent/folder/x.db")
    database.failed = metrics.store_errors.labels("unavailable").inc
    with pytest.raises(Exception, match="cannot be reached"):
        async with database.writing():
            pass
    labels = {"kind": "unavailable"}
    assert metrics.registry.get_sample_value("statewise_store_errors_total", labels) == 1


def test_what_alerts_compare_is_there_before_it_has_happened(server: LocalServer) -> None:
    """Prometheus takes a sum with a missing series for no answer: the alert would stay silent."""
    page = httpx2.get(f"{server.url}/metrics").text
    for series in (
        'statewise_batch_lines_total{state="completed"}',
        'statewise_batch_lines_total{state="failed"}',
        'statewise_refused_total{code="full"}',
        'statewise_solutions_total{status="completed",strategy="single"}',
        'statewise_store_errors_total{kind="refused"}',
    ):
        assert f"\n{series} 0.0\n" in page, series


def test_the_page_lists_every_metric_as_it_is(server: LocalServer) -> None:
    """docs/metrics.md would otherwise tell of metrics that are gone, and not of new ones."""
    solve_with_every_strategy(server)
    page = (REPOSITORY / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(statewise_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    told = {name: (kind, labels, meaning) for name, kind, labels, meaning in rows}
    assert len(told) == len(rows)
    assert told == described(server.metrics)


def described(metrics: Metrics) -> dict[str, tuple[str, str, str]]:
    """Every own metric as the page has it."""
    declared = [
        metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)
    ]
    labels = {metric._name: metric._labelnames for metric in declared}
    found = {}
    for family in metrics.registry.collect():
        of = labels.get(family.name) or getattr(family, "_labelnames", ())
        name = f"{family.name}_total" if family.type == "counter" else family.name
        told = ", ".join(f"`{label}`" for label in of) or "–"
        found[name] = (family.type, told, family.documentation)
    return found
