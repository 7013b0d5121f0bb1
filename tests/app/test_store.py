"""The store on SQLite and on PostgreSQL: the same rules hold on both."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from app.errors import StoreError
from app.keeping.commits import Commits
from app.keeping.journal import Journal
from app.store.database import Database
from app.store.schema import metadata
from app.store.solutions import ConflictError, Kept, Query, SolutionStore
from app.web import sse
from statespace.solutions import Solution, Status
from tests.support.postgres import Postgres

ME, OTHER = "me", "other"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database(database_url)
    await found.open()
    yield found
    await found.close()


def kept(number: int = 0, **changes: Any) -> Kept:
    body = Solution(
        id=f"sol_{number}", status=Status.QUEUED, question="?", model="m", strategy="single",
        created_at=float(number),
    )  # fmt: skip
    values: dict[str, Any] = {
        "id": body.id, "owner": "ann", "kind": "solution", "status": "queued", "model": "m",
        "strategy": "single", "background": True, "retry": False, "request": "{}",
        "body": body.model_dump_json(), "created_at": body.created_at, "leased_by": ME,
        "leased_until": time.time() + 60,
    }  # fmt: skip
    return Kept(**(values | changes))


async def test_the_migrations_make_the_schema(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_servers_that_start_together_migrate_once(database_url: str) -> None:
    found = [Database(database_url) for _ in range(4)]
    await asyncio.gather(*(one.open() for one in found))
    for one in found:
        await one.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "sqlite:///FILE"),
        ("mysql://x/y", "mysql is not supported"),
        ("sqlite:////proc/nowhere/x.db", "STATEWISE_DATABASE_URL"),
        ("postgresql://ann:secret@127.0.0.1:1/x", "STATEWISE_DATABASE_URL"),
    ],
)
async def test_an_unusable_database_is_said_without_its_password(url: str, told: str) -> None:
    with pytest.raises(StoreError, match=told) as error:
        await Database(url).open()
    assert "secret" not in str(error.value)


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"x" * 5000)
    with pytest.raises(StoreError, match="not a database"):
        await Database(f"sqlite:///{path}").open()


async def test_owners_see_their_own(database: Database) -> None:
    store = SolutionStore(database)
    await store.insert(kept(1))
    await store.insert(kept(2, owner="ben"))
    assert await store.get("sol_1", "ann") == kept(1, leased_until=(await one(store)).leased_until)
    assert await store.get("sol_1", "ben") is None
    assert [found.id for found in (await store.page(Query("ben")))[0]] == ["sol_2"]


async def one(store: SolutionStore) -> Kept:
    found = await store.get("sol_1")
    assert found is not None
    return found


async def test_an_idempotency_key_is_used_once_by_each_owner(database: Database) -> None:
    store = SolutionStore(database)
    await store.insert(kept(1, idempotency_key="k"))
    with pytest.raises(ConflictError):
        await store.insert(kept(2, idempotency_key="k"))
    await store.insert(kept(3, idempotency_key="k", owner="ben"))
    await store.insert(kept(4))
    await store.insert(kept(5))
    found = await store.by_key("ann", "k")
    assert found is not None
    assert found.id == "sol_1"


async def test_an_expired_lease_goes_to_one_of_many(database: Database) -> None:
    store = SolutionStore(database)
    now = time.time()
    for number in range(6):
        await store.insert(kept(number, leased_until=now - 1))
    await store.insert(kept(7, leased_until=now + 60))
    await store.insert(kept(8, leased_until=now - 1, status="completed"))
    expired = await store.expired(now)
    assert sorted(expired) == [f"sol_{number}" for number in range(6)]
    claims = await asyncio.gather(
        *(store.claim(one, f"replica-{n}", now, now + 60) for n in range(5) for one in expired)
    )
    taken = [found for found in claims if found is not None]
    assert sorted(found.id for found in taken) == sorted(expired), "each by one"
    assert all(found.attempt == 2 for found in taken)


async def committed(database: Database, replica: str, row: Kept, count: int) -> list[str]:
    """Ids that `replica` is told to have lost when it appends events to `row`."""
    lost: list[str] = []
    commits = Commits(database, replica)
    commits.lost = lost.append
    commits.start()
    journal = Journal(row.id, commits.append, lambda _: None)
    for sequence in range(count):
        journal.numbered(sequence, sse.encode("x", sequence, row.id), None)
    await commits.stop()
    return lost


async def test_who_has_lost_its_lease_writes_nothing(database: Database) -> None:
    store = SolutionStore(database)
    await store.insert(kept(1))
    assert await committed(database, OTHER, kept(1), 3) == ["sol_1"]
    assert await store.frames("sol_1", -1, 10) == []
    assert await committed(database, ME, kept(1), 3) == []
    assert [number for number, _ in await store.frames("sol_1", -1, 10)] == [0, 1, 2]


async def test_the_same_number_is_never_kept_twice(database: Database) -> None:
    store = SolutionStore(database)
    await store.insert(kept(1))
    await committed(database, ME, kept(1), 3)
    before = await store.frames("sol_1", -1, 10)
    # As after a commit whose confirmation was lost.
    assert await committed(database, ME, kept(1), 5) == []
    after = await store.frames("sol_1", -1, 10)
    assert after[:3] == before
    assert [number for number, _ in after] == [0, 1, 2, 3, 4]


async def test_an_insert_and_its_events_come_in_one_commit(database: Database) -> None:
    store = SolutionStore(database)
    commits = Commits(database, ME)
    commits.start()
    row = kept(1)
    commits.insert(row)
    journal = Journal(row.id, commits.append, lambda _: None)
    ended = Solution.model_validate_json(row.body).model_copy(
        update={"status": Status.COMPLETED, "completed_at": 5.0, "answer": "3"}
    )
    journal.numbered(0, sse.encode("solution.completed", 0, row.id), ended)
    await commits.stop()
    found = await one(store)
    assert (found.status, found.last_sequence, found.completed_at) == ("completed", 0, 5.0)
    assert found.leased_by is None
    assert Solution.model_validate_json(found.body) == ended


async def test_a_sweep_takes_what_is_over_and_old(database: Database) -> None:
    store = SolutionStore(database)
    await store.insert(kept(1, status="completed", expires_at=10.0))
    await store.insert(kept(2, status="completed", expires_at=30.0))
    await store.insert(kept(3, expires_at=10.0))
    await committed(database, ME, kept(1), 2)
    assert await store.sweep(20.0) == 1
    assert await store.get("sol_1") is None
    assert await store.frames("sol_1", -1, 10) == []
    assert await store.get("sol_2") is not None
    assert await store.get("sol_3") is not None, "what is being made is left alone"


async def test_pages_of_rows_made_at_one_moment(database: Database) -> None:
    store = SolutionStore(database)
    for number in range(9):
        await store.insert(replace(kept(number), created_at=1.0))
    seen: list[str] = []
    more, query = True, Query("ann", limit=2)
    while more:
        rows, more = await store.page(query)
        seen += [row.id for row in rows]
        query = replace(query, after=seen[-1])
    assert seen == [f"sol_{number}" for number in reversed(range(9))]


async def test_only_what_is_named_is_renewed(database: Database) -> None:
    store = SolutionStore(database)
    for number in (1, 2):
        await store.insert(kept(number, leased_until=5.0))
    await store.insert(kept(3, leased_until=5.0, leased_by=OTHER))
    await store.renew(["sol_1", "sol_3"], ME, 50.0)
    assert sorted(await store.expired(10.0)) == ["sol_2", "sol_3"]


async def test_an_error_tells_nothing_of_what_was_to_be_written(database: Database) -> None:
    store = SolutionStore(database)
    await store.insert(kept(1))
    with pytest.raises(ConflictError) as error:
        await store.insert(kept(1, request="a secret question"))
    assert "secret" not in repr(error.value.__cause__)


async def test_a_database_that_is_cut_off_is_given_up(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers nothing and refuses nothing: without a limit TCP would wait for 15 minutes."""
    monkeypatch.setattr("app.store.database._TIME_LIMITS", {"timeout": 1.0, "command_timeout": 1.0})
    database = Database(postgres_server.fresh())
    await database.open()
    store = SolutionStore(database)
    await store.insert(kept())
    process = postgres_server.process
    assert process is not None
    processes = [process.pid, *(one.pid for one in psutil.Process(process.pid).children())]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match="cannot be reached"):
                await asyncio.wait_for(store.get("sol_0"), 15)
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
    assert await store.get("sol_0") is not None
    await database.close()
