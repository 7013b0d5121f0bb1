"""How many tokens are gathered follows how fast a stream is."""

from __future__ import annotations

import pytest

from app.engines.pace import GATHER_S, LONGEST_S, WORTH, Pace


@pytest.mark.parametrize(
    ("tokens_per_s", "interval"),
    [(1, 1), (5, 5), (8, 8), (20, 8), (32, 8), (40, 10), (1000, 16)],
)
def test_tokens_are_gathered_for_a_quarter_of_a_second_or_until_they_are_worth_a_piece(
    tokens_per_s: int, interval: int
) -> None:
    pace = Pace(most=16)
    pace.ended(tokens=tokens_per_s * 100, seconds=100)
    assert pace.interval() == interval
    assert interval <= tokens_per_s * LONGEST_S
    assert interval <= max(WORTH, tokens_per_s * GATHER_S)


def test_nothing_known_gathers_little() -> None:
    assert Pace(most=16).interval() == 4
    assert Pace(most=2).interval() == 2


def test_a_stream_cut_short_says_nothing() -> None:
    pace = Pace(most=16)
    pace.ended(tokens=3, seconds=0.001)
    pace.ended(tokens=100, seconds=0.0)
    assert pace.interval() == 4


def test_one_odd_stream_does_not_decide() -> None:
    pace = Pace(most=64)
    for _ in range(50):
        pace.ended(tokens=100, seconds=2.5)  # 40 a second
    pace.ended(tokens=100, seconds=100)
    assert pace.interval() == 9
