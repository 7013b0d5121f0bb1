"""Files, batches and lines in both kinds of database: what several replicas may do to one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import pytest
import pytest_asyncio

from app.batches.results import Results
from app.errors import NotFoundError, StoreError
from app.store.batches import Batch, BatchStore
from app.store.blobs import Blobs
from app.store.database import Database
from app.store.files import FileStore
from app.store.lines import Answered, LineStore
from app.store.pages import Page


def later() -> float:
    """When a lease ends that nobody is to take over: within what a lease may last."""
    return time.time() + 600


@dataclass
class Store:
    """All that is needed, over one database."""

    database: Database
    batches: BatchStore
    lines: LineStore
    files: FileStore
    results: Results


@pytest_asyncio.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    database = Database(database_url)
    await database.open()
    batches, lines = BatchStore(database), LineStore(database)
    files = FileStore(database, Blobs(str(tmp_path / "files")))
    yield Store(database, batches, lines, files, Results(batches, lines, files, 3_600))
    await database.close()


async def begun(store: Store, count: int) -> Batch:
    """A batch in progress with `count` lines."""
    batch = Batch(
        "batch_1", "anna", "scripted", "/v1/solutions", "file-1", "24h", time.time(), later()
    )
    await store.batches.insert(batch)
    assert await store.batches.claim(batch, "one", later())
    await store.lines.insert(
        [
            {"batch_id": batch.id, "line": n, "custom_id": f"id {n}", "offset": 0, "length": 1}
            for n in range(1, count + 1)
        ]
    )
    assert await store.batches.begin(batch, "one", count)
    return await store.batches.get(batch.id, "anna")


def answer(number: int, state: str = "completed") -> Answered:
    return Answered("batch_1", number, state, b"answer %d\n" % number, {"input_tokens": 1})


async def content(store: Store, file_id: str | None) -> bytes:
    assert file_id is not None
    await store.files.get(file_id, "anna")
    return b"".join([piece async for piece in store.files.content(file_id)])


async def test_no_two_replicas_get_the_same_line(store: Store) -> None:
    batch = await begun(store, 100)

    async def take(replica: str) -> list[int]:
        taken = []
        while found := await store.lines.claim(batch.id, replica, later(), 7):
            assert len(found) <= 7
            taken += [line.line for line in found]
        return taken

    taken = await asyncio.gather(*(take(name) for name in ("one", "two", "three")))
    assert sorted(chain.from_iterable(taken)) == list(range(1, 101))


async def test_a_line_is_answered_by_who_holds_it_and_once(store: Store) -> None:
    batch = await begun(store, 2)
    await store.lines.claim(batch.id, "dead", time.time() - 1, 1)
    (line, _) = await store.lines.claim(batch.id, "two", later(), 5)
    assert (line.line, line.attempt) == (1, 2)
    await store.lines.answer([answer(1)], "dead")
    assert (await store.batches.get(batch.id, "anna")).completed == 0
    await store.lines.answer([answer(1)], "two")
    await store.lines.answer([replace(answer(1), result=b"again")], "two")
    (row,) = await store.lines.results(batch.id, ["completed"], 0, 5)
    assert bytes(row.result) == b"answer 1\n"


async def test_what_is_given_back_can_be_taken_and_does_not_count(store: Store) -> None:
    batch = await begun(store, 1)
    for _ in range(3):
        (line,) = await store.lines.claim(batch.id, "one", later(), 5)
        assert line.attempt == 1
        assert not await store.lines.claim(batch.id, "two", later(), 5)
        await store.lines.release([line.key], "two")  # not its own
        assert not await store.lines.claim(batch.id, "two", later(), 5)
        await store.lines.release([line.key], "one")


async def test_a_renewed_line_stays_with_its_replica(store: Store) -> None:
    batch = await begun(store, 1)
    (line,) = await store.lines.claim(batch.id, "one", time.time() - 1, 5)
    await store.lines.renew([line.key], "one", later())
    assert not await store.lines.claim(batch.id, "two", later(), 5)


async def test_each_step_is_made_by_one_replica(store: Store) -> None:
    batch = Batch(
        "batch_1", "anna", "scripted", "/v1/solutions", "file-1", "24h", time.time(), later()
    )
    await store.batches.insert(batch)
    claims = await asyncio.gather(
        *(store.batches.claim(batch, name, later()) for name in ("one", "two"))
    )
    assert sorted(claims) == [False, True]
    holder, other = ("one", "two") if claims[0] else ("two", "one")
    assert not await store.batches.begin(batch, other, 0)
    assert await store.batches.begin(batch, holder, 0)
    batch = await store.batches.get(batch.id, "anna")
    steps = await asyncio.gather(
        store.batches.finish(batch), store.batches.finish(batch), store.batches.expire(batch)
    )
    assert sum(steps) == 1
    assert await store.batches.cancel(batch) is None, "it has moved on"
    with pytest.raises(NotFoundError):
        await store.batches.get(batch.id, "bob")


async def test_a_batch_is_not_finished_before_its_last_line(store: Store) -> None:
    batch = await begun(store, 2)
    await store.lines.claim(batch.id, "one", later(), 5)
    await store.lines.answer([answer(1)], "one")
    assert not await store.batches.finish(batch)
    await store.lines.answer([answer(2, "failed")], "one")
    assert await store.batches.finish(batch)


async def test_what_is_left_to_do_is_counted(store: Store) -> None:
    assert await store.batches.backlog("scripted") == (0, None)
    batch = await begun(store, 3)
    await store.lines.claim(batch.id, "one", later(), 1)
    await store.lines.answer([answer(1)], "one")
    assert await store.batches.backlog("scripted") == (2, batch.created_at)
    assert await store.batches.backlog("another") == (0, None), "not this server's to answer"
    assert await store.batches.cancel(batch) is not None
    assert await store.batches.backlog("scripted") == (0, batch.created_at), "it is not over yet"


async def test_the_files_are_written_once_and_in_order(store: Store) -> None:
    batch = await begun(store, 150)
    while found := await store.lines.claim(batch.id, "one", later(), 40):
        answers = [answer(line.line, "completed" if line.line % 3 else "failed") for line in found]
        await store.lines.answer(answers[::-1], "one")
    assert await store.batches.finish(batch)
    batch = await store.batches.get(batch.id, "anna")
    assert await store.batches.claim(batch, "dead", time.time() - 1)
    assert await store.batches.claim(batch, "two", later())
    assert not await store.results.finalize(batch, "dead"), "it is not its any more"
    assert await store.results.finalize(batch, "two")
    assert not await store.results.finalize(batch, "two")
    ended = await store.batches.get(batch.id, "anna")
    assert (ended.status, ended.completed, ended.failed) == ("completed", 100, 50)
    assert ended.usage == {"input_tokens": 100}
    good, bad = (
        await content(store, ended.output_file_id),
        await content(store, ended.error_file_id),
    )
    assert good == b"".join(b"answer %d\n" % n for n in range(1, 151) if n % 3)
    assert bad == b"".join(b"answer %d\n" % n for n in range(1, 151) if n % 3 == 0)
    assert len(await store.files.blobs.older_than(-60)) == 2, (
        "nothing of the other attempts is left"
    )
    assert not await store.lines.results(batch.id, ["completed", "failed"], 0, 5)


@pytest.mark.parametrize("end", ["cancelled", "expired"])
async def test_what_is_not_answered_goes_to_the_error_file(store: Store, end: str) -> None:
    batch = await begun(store, 3)
    await store.lines.claim(batch.id, "one", later(), 2)
    await store.lines.answer([answer(2)], "one")
    if end == "expired":
        assert await store.batches.expire(batch)
    else:
        assert await store.batches.cancel(batch)
    batch = await store.batches.get(batch.id, "anna")
    assert await store.batches.claim(batch, "two", later())
    assert await store.results.finalize(batch, "two")
    await store.lines.answer([answer(1)], "one")  # too late
    ended = await store.batches.get(batch.id, "anna")
    assert (ended.status, ended.completed, ended.failed) == (end, 1, 2)
    assert await content(store, ended.output_file_id) == b"answer 2\n"
    told = (await content(store, ended.error_file_id)).splitlines()
    assert len(told) == 2
    assert all(f'"code":"batch_{end}"'.encode() in one for one in told)
    assert b'"custom_id":"id 1"' in told[0]


async def test_a_file_that_is_not_written_to_its_end_does_not_exist(store: Store) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise StoreError("no more")

    with pytest.raises(StoreError):
        await store.files.create(
            broken(), owner="anna", filename="a", purpose="batch", lasts_s=3_600
        )
    assert not await store.files.blobs.older_than(-60)


@pytest.mark.parametrize("place", ["{tmp}/new/folder", "memory://{name}"])
async def test_contents_are_kept_in_any_place(tmp_path: Path, place: str) -> None:
    blobs = Blobs(place.format(tmp=tmp_path, name=tmp_path.name))

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(300):
            yield bytes([number % 256]) * 2_000

    assert await blobs.write("one", pieces()) == 600_000
    whole = b"".join([piece async for piece in blobs.read("one")])
    assert whole == b"".join([piece async for piece in pieces()])
    parts = await blobs.parts("one", [(599_999, 1), (0, 3), (3_999, 2)])
    assert parts == [whole[-1:], whole[:3], whole[3_999:4_001]]
    assert await blobs.older_than(-60) == ["one"]
    assert await blobs.older_than(60) == []
    await blobs.delete("one")
    await blobs.delete("one")
    with pytest.raises(FileNotFoundError):
        await blobs.parts("one", [(0, 1)])


def test_an_address_that_cannot_be_used_is_told() -> None:
    with pytest.raises(StoreError, match="files_url: "):
        Blobs("nosuchthing://bucket")


async def test_ids_that_cannot_be_are_not_found(store: Store) -> None:
    for wrong in ("file-\x00", "batch_é", "x" * 10_000):
        with pytest.raises(NotFoundError):
            await store.files.get(wrong, "anna")
        with pytest.raises(NotFoundError):
            await store.batches.get(wrong, "anna")
        with pytest.raises(NotFoundError):
            await store.batches.page(Page("anna", after=wrong))
        with pytest.raises(NotFoundError):
            await store.files.page(Page("anna", after=wrong), None)


async def test_expired_files_go_unless_a_batch_needs_them(store: Store) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 1_000_000

    made = [
        await store.files.create(
            pieces(), owner="anna", filename="a", purpose="batch", lasts_s=lasts_s
        )
        for lasts_s in (-1, -1, 3_600)
    ]
    batch = Batch(
        "batch_1", "anna", "scripted", "/v1/solutions", made[0].id, "24h", time.time(), later()
    )
    await store.batches.insert(batch)
    await store.files.sweep()
    left = await store.files.blobs.older_than(-60)
    assert sorted(left) == sorted([made[0].id, made[2].id])
    with pytest.raises(NotFoundError):
        await store.files.get(made[0].id, "anna")
    assert len(await content(store, made[2].id)) == 1_000_000


async def test_of_a_file_whose_row_cannot_be_written_nothing_is_left(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new try of a client would take as much of the disk again."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 1000

    def away() -> None:
        raise StoreError("away")

    monkeypatch.setattr(store.database, "writing", away)
    with pytest.raises(StoreError):
        await store.files.create(pieces(), owner="a", filename="f", purpose="batch", lasts_s=60)
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
