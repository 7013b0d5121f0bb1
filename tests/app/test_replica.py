"""The chores of a process that shares a store, without a server around them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from app.errors import StoreError
from app.keeping.replica import Lease, Replica
from app.store.database import Database
from app.store.solutions import Kept, SolutionStore
from tests.app.test_store import kept


class Runs:
    """What a test says is made here."""

    def __init__(self, *ids: str, draining: bool = False, fails: bool = False) -> None:
        self.here = ids
        self.draining = draining
        self.fails = fails
        self.adopted: list[str] = []

    def ids(self) -> Sequence[str]:
        return self.here

    def stop_one(self, solution_id: str) -> None:
        raise AssertionError(solution_id)

    async def adopt(self, kept: Kept) -> None:
        self.adopted.append(kept.id)
        if self.fails:
            raise RuntimeError("adoption fails")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SolutionStore]:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await database.open()
    found = SolutionStore(database)
    for number in (1, 2):
        await found.insert(kept(number, leased_until=time.time() - 5, leased_by="dead"))
    yield found
    await database.close()


async def test_ones_own_is_not_taken_over_when_its_lease_has_run_out(store: SolutionStore) -> None:
    runs = Runs("sol_1")
    await Replica(store, Lease(60, "dead"), runs=runs)._take_over()
    assert runs.adopted == ["sol_2"]


async def test_a_server_that_ends_takes_nothing_over(store: SolutionStore) -> None:
    runs = Runs(draining=True)
    await Replica(store, Lease(60), runs=runs)._take_over()
    assert runs.adopted == []
    assert len(await store.expired(time.time())) == 2


async def test_what_cannot_be_adopted_does_not_hold_up_the_rest(store: SolutionStore) -> None:
    runs = Runs(fails=True)
    replica = Replica(store, Lease(0.0), runs=runs)
    await replica._take_over()
    assert sorted(runs.adopted) == ["sol_1", "sol_2"]
    await replica._renew()
    assert len(await store.expired(time.time() + 1)) == 2, "and is found again"


async def test_who_makes_nothing_does_not_ask_what_was_cancelled(store: SolutionStore) -> None:
    asked: list[str] = []

    async def cancelled(owner: str) -> Sequence[str]:
        asked.append(owner)
        return []

    store.cancelled = cancelled  # type: ignore[method-assign]
    await Replica(store, Lease(60, "idle"), runs=Runs())._poll()
    await Replica(store, Lease(60, "busy"), runs=Runs("sol_1"))._poll()
    assert asked == ["busy"]


async def test_after_an_outage_the_living_have_time_to_renew(
    store: SolutionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody reaches the store all leases run out; who comes first would end the others."""
    renew = store.renew

    async def away(*_: object) -> None:
        raise StoreError("away")

    for seconds, adopted in ((60.0, []), (0.0, ["sol_1", "sol_2"])):
        runs = Runs()
        replica = Replica(store, Lease(seconds, "back"), runs=runs)
        monkeypatch.setattr(store, "renew", away)
        with pytest.raises(StoreError):
            await replica._renew()
        monkeypatch.setattr(store, "renew", renew)
        await replica._take_over()
        assert sorted(runs.adopted) == adopted
