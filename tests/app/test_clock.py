"""Clocks that are set while servers run: nobody's work is taken, and none is left for ever."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from app.access.admission import Admission
from app.access.keys import Key
from app.errors import RateLimitError
from app.keeping.replica import Lease, Replica
from app.metrics import Metrics
from app.settings import Settings
from app.store.database import Database
from app.store.solutions import SolutionStore
from tests.app.test_replica import Runs
from tests.app.test_store import kept

HOURS = 5 * 3600.0
LEASE_S = 15.0


class Clocks:
    """A wall clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.steady = time.monotonic()
        self.ahead = 0.0

    def wall(self) -> float:
        return 1_700_000_000.0 + self.steady + self.ahead

    def monotonic(self) -> float:
        return self.steady


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    found = Clocks()
    clock = SimpleNamespace(monotonic=found.monotonic, time=found.wall)
    monkeypatch.setattr("app.keeping.replica.time", clock)
    return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SolutionStore]:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await database.open()
    yield SolutionStore(database)
    await database.close()


async def taken(replica: Replica, runs: Runs) -> list[str]:
    """What it takes over now."""
    runs.adopted.clear()
    await replica._take_over()
    return sorted(runs.adopted)


@pytest.mark.parametrize("hours", [HOURS, -HOURS])
async def test_the_living_keep_their_work_when_the_clock_is_set(
    store: SolutionStore, clocks: Clocks, hours: float
) -> None:
    runs = Runs()
    replica = Replica(store, Lease(LEASE_S, clock=clocks.wall), runs=runs)
    other = Lease(LEASE_S, "other", clocks.wall)
    await store.insert(kept(1, leased_until=other.until(), leased_by="other"))
    await store.insert(kept(2, leased_until=other.until(), leased_by="dead"))
    clocks.steady += LEASE_S / 2
    assert await taken(replica, runs) == []
    clocks.ahead = hours
    assert await taken(replica, runs) == [], "the others have not renewed their leases yet"
    clocks.steady += LEASE_S / 3
    await store.renew(["sol_1"], "other", other.until())
    assert await taken(replica, runs) == []
    clocks.steady += LEASE_S * 0.9
    await store.renew(["sol_1"], "other", other.until())
    assert await taken(replica, runs) == ["sol_2"], "nor does the dead one's wait for hours"


async def test_a_server_that_has_just_started_takes_no_lease_for_absurd(
    store: SolutionStore, clocks: Clocks
) -> None:
    """The clock may have been put back a moment ago, and whoever lives is about to renew."""
    await store.insert(kept(1, leased_until=clocks.wall() + HOURS, leased_by="other"))
    runs = Runs()
    replica = Replica(store, Lease(LEASE_S, clock=clocks.wall), runs=runs)
    assert await taken(replica, runs) == []
    clocks.steady += LEASE_S
    assert await taken(replica, runs) == ["sol_1"]


async def test_leases_go_by_the_databases_clock(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose clock is wrong would else take everybody's work."""
    database = Database(database_url)
    true = time.time()
    wrong = SimpleNamespace(monotonic=time.monotonic, time=lambda: true + HOURS)
    monkeypatch.setattr("app.store.database.time", wrong)
    await database.open()
    found = database.now()
    await database.close()
    if database.is_sqlite:
        assert found == true + HOURS, "all who share it have one clock"
    else:
        assert abs(found - true) < 600


def test_limits_do_not_follow_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    admission = Admission(Settings(), Metrics(CollectorRegistry()))
    key = Key(name="k", sha256="0" * 64, requests_per_minute=1)
    admission.enter(key, 1)
    for hours in (HOURS, -HOURS):
        monkeypatch.setattr("time.time", lambda hours=hours: 1_700_000_000.0 + hours)
        with pytest.raises(RateLimitError) as refused:
            admission.enter(key, 1)
        assert refused.value.retry_after is not None
        assert 0 < refused.value.retry_after <= 60
