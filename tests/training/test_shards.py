"""Shards: a torn last line is work to be done again, any other damage is an error."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from training.errors import DataError
from training.rows import Reason, RejectedRow, TraceRow, row_key
from training.shards import Shard, Writer, merged, places


def row(number: int, trace: str = "…") -> TraceRow:
    return TraceRow(
        key=row_key("p", number, "r"),
        problem="p",
        question="How many?",
        gold="1",
        trace=trace,
        origin="teacher",
        sample=number,
        source="own",
        split="train",
        licence="MIT",
    )


def failure(number: int) -> RejectedRow:
    return RejectedRow(**row(number).model_dump(), reason=Reason.FAILED, detail="500")


def samples(folder: Path, *, failed: bool = False) -> list[int]:
    return sorted(outcome.sample for outcome in merged(places(folder), failed=failed))


@given(cut=st.integers(min_value=0, max_value=4000))
def test_wherever_a_shard_is_torn_whole_lines_stay(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    path = folder / "0-of-1.jsonl"
    with Writer(path) as writer:
        writer.append([row(number, "long " * 40) for number in range(8)])
    path.write_bytes(path.read_bytes()[:cut])
    whole = path.read_bytes().count(b"\n")
    assert samples(folder) == [*range(whole)]
    with Writer(path) as writer:
        writer.append([row(8)])
    assert samples(folder) == [*range(whole), 8]
    assert path.read_bytes().count(b"\n") == whole + 1
    assert path.read_bytes().endswith(b"\n"), "something of the torn line is left"


@pytest.mark.parametrize("damage", [b"", b"\n", b"\0" * 40 + b"\n", b'{"key": "1"}\n'])
def test_damage_in_the_middle_is_named(damage: bytes, tmp_path: Path) -> None:
    """A copy that broke off, a hole after a power cut: to skip it would lose rows unseen."""
    path = tmp_path / "0-of-1.jsonl"
    with Writer(path) as writer:
        writer.append([row(number) for number in range(5)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2][:50] + damage, *lines[3:]]))
    with pytest.raises(DataError, match=r"0-of-1.jsonl, line 3, is damaged .* delete the line"):
        places(tmp_path)


def test_a_trace_comes_before_a_failure_and_each_key_comes_once(tmp_path: Path) -> None:
    with Writer(tmp_path / "0-of-2.jsonl") as writer:
        writer.append([failure(1), row(2, "first"), failure(3)])
    with Writer(tmp_path / "1-of-2.jsonl") as writer:
        writer.append([row(1), row(2, "second"), failure(2), failure(3)])
    assert samples(tmp_path) == [1, 2]
    assert samples(tmp_path, failed=True) == [3]
    kept = [outcome.trace for outcome in merged(places(tmp_path), failed=False)]
    assert sorted(kept) == ["first", "…"]
    keys = [outcome.key for outcome in merged(places(tmp_path), failed=False)]
    assert keys == sorted(keys)


def hold(path: Path, opened: object, done: object) -> None:
    with Writer(path):
        opened.set()  # type: ignore[attr-defined]
        done.wait()  # type: ignore[attr-defined]


def test_one_process_writes_a_shard(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    opened, done = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "0-of-1.jsonl", opened, done))
    process.start()
    opened.wait()
    with pytest.raises(DataError, match="another process writes it"):
        Writer(tmp_path / "0-of-1.jsonl")
    done.set()
    process.join()
    with Writer(tmp_path / "0-of-1.jsonl") as writer:
        writer.append([row(1)])
    assert samples(tmp_path) == [1]


def test_every_key_falls_to_one_part() -> None:
    keys = [row_key("p", number, "r") for number in range(200)]
    for count in (1, 2, 7):
        parts = [Shard(index, count) for index in range(count)]
        assert all(sum(part.holds(key) for part in parts) == 1 for key in keys)
        assert all(any(part.holds(key) for key in keys) for part in parts)


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "a/b", "1/0", "0/²"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="write i/n"):
        Shard.parse(text)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        Writer(tmp_path / "file" / "0-of-1.jsonl")
