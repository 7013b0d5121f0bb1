"""The benchmarks run, and their statistics are right."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from benchmarks.batches import percentiles
from benchmarks.load import END, KEPT, Connection, LoadError, usage
from benchmarks.pairs import ratios, spread

VALUES = st.lists(st.floats(0.1, 1000), min_size=1, max_size=20)


def test_reading_ends_with_one_json_object(repository: Path) -> None:
    """`make bench` and whoever keeps results read the last line."""
    command = [sys.executable, "-m", "benchmarks.reading", "--traces", "3", "--repeats", "2"]
    ended = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["benchmark"] == "reading"
    assert found["traces"] == 3
    for name in ("verifier", "parser, chunks of 16", "reader, chunks of 64"):
        cost = found["us_per_character"][name]
        assert 0 <= cost["min"] <= cost["median"] <= cost["max"]
        assert cost["count"] == 2
    assert str(repository) not in ended.stdout


def test_ratios_are_taken_pair_by_pair() -> None:
    """A machine that is three times slower in one round must not change the ratio."""
    found = ratios([10, 30, 12], [20, 60, 20])
    assert (found.median, found.min, found.max, found.count) == (0.5, 0.5, 0.6, 3)


def test_ratio_of_medians_is_not_the_median_of_ratios() -> None:
    """The two differ where rounds differ; only the latter cancels what slows a whole round."""
    assert ratios([1, 10, 100], [2, 5, 100]).median == 1.0
    assert spread([1, 10, 100]).median / spread([2, 5, 100]).median == 2.0


@given(VALUES)
def test_spread_is_ordered(values: list[float]) -> None:
    """A median outside its own bounds would make every reported figure doubtful."""
    found = spread(values)
    assert found.min <= found.median <= found.max
    assert found.count == len(values)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1], [1, 2]), ([1], [0])])
def test_unpaired_values_are_an_error(ours: list[float], theirs: list[float]) -> None:
    """A round that failed for one contestant must not shift the others' pairs."""
    with pytest.raises(ValueError, match=r"ratio|value|argument"):
        ratios(ours, theirs)


@pytest.mark.parametrize(
    "last",
    [
        b'data: {"type":"solution.completed","solution":{"usage":{"completion_tokens":7}}}\n\n',
        b'data: {"choices":[],"usage":{"completion_tokens":7}}\n\ndata: [DONE]\n\n',
    ],
)
def test_usage_is_the_last_events(last: bytes) -> None:
    """Both servers' own token counts are found, whatever stands before them."""
    earlier = b'\ndata: {"usage":{"completion_tokens":3}}\n\n'
    assert usage(earlier + b"\n" + last)["completion_tokens"] == 7


@pytest.mark.parametrize("tail", [b"HTTP/1.1 503\r\n\r\n", b'\ndata: {"error":{"code":"full"}}\n'])
def test_answers_without_usage_are_errors(tail: bytes) -> None:
    """A refused request must not count as a fast one."""
    with pytest.raises(LoadError):
        usage(tail)


class _Transport:
    def write(self, data: bytes) -> None:
        assert data == b"POST"


async def _posted() -> tuple[Connection, asyncio.Task[bytes]]:
    """A connection over which a request was just sent."""
    connection = Connection()
    connection.connection_made(_Transport())  # type: ignore[arg-type]
    task = asyncio.create_task(connection.post(b"POST"))
    await asyncio.sleep(0)
    return connection, task


@pytest.mark.parametrize("cut", range(1, len(END)))
async def test_answer_ends_however_its_end_is_cut(cut: int) -> None:
    """A terminator that arrives in two reads would otherwise hang the whole run."""
    connection, task = await _posted()
    for piece in (b"x" * 10, b"x" * KEPT, END[:cut], END[cut:]):
        assert not task.done()
        connection.data_received(piece)
    tail = await task
    assert tail.endswith(END)
    assert KEPT <= len(tail) <= KEPT + len(END)
    assert connection.received == KEPT + 10 + len(END)


async def test_lost_connection_is_an_error() -> None:
    """A server that hangs up in the middle must not count as one that has answered."""
    connection, task = await _posted()
    connection.data_received(b"half")
    connection.connection_lost(None)
    with pytest.raises(ConnectionError, match="half"):
        await task


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [float(value) for value in range(100, 0, -1)]
    assert percentiles(hundred) == {"p50": 50.0, "p95": 95.0}
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0}
