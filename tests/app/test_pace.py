"""How many tokens are gathered follows how fast a stream is."""

from __future__ import annotations

import pytest

from app.engines.pace import GATHER_S, Pace


@pytest.mark.parametrize(
    ("tokens_per_s", "streams", "interval"),
    [
        (1, 1, 1),
        (40, 1, 10),
        (1000, 1, 16),
        (40, 128, 10),
        (20, 192, 8),
        (20, 256, 10),
        (20, 9999, 10),
    ],
)
def test_tokens_are_gathered_for_a_quarter_of_a_second_and_longer_beside_many(
    tokens_per_s: int, streams: int, interval: int
) -> None:
    pace = Pace(most=16)
    pace.ended(tokens=tokens_per_s * 100, seconds=100)
    assert pace.interval(streams) == interval
    assert interval <= max(1, tokens_per_s * max(GATHER_S))


def test_nothing_known_gathers_little() -> None:
    assert Pace(most=16).interval(1) == 4
    assert Pace(most=2).interval(1) == 2


def test_a_stream_cut_short_says_nothing() -> None:
    pace = Pace(most=16)
    pace.ended(tokens=3, seconds=0.001)
    pace.ended(tokens=100, seconds=0.0)
    assert pace.interval(1) == 4


def test_one_odd_stream_does_not_decide() -> None:
    pace = Pace(most=64)
    for _ in range(50):
        pace.ended(tokens=100, seconds=2.5)  # 40 a second
    pace.ended(tokens=100, seconds=100)
    assert pace.interval(1) == 9
