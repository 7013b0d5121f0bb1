"""A generation that goes round in a circle is ended where vLLM would end it."""

from __future__ import annotations

from hypothesis import given, strategies as st

from app.engines.dialect import REPETITION
from app.engines.loops import LoopWatch, loops

SIZE, TIMES = REPETITION["max_pattern_size"], REPETITION["min_count"]


def said_over(ids: list[int]) -> bool:
    """The rule as vLLM states it."""
    return any(
        ids[-size * TIMES :] == ids[-size:] * TIMES
        for size in range(1, SIZE + 1)
        if size * TIMES <= len(ids)
    )


@given(
    st.lists(st.integers(0, 2), max_size=12),
    st.lists(st.integers(0, 2), min_size=1, max_size=SIZE + 2),
    st.integers(1, TIMES + 2),
    st.lists(st.integers(0, 2), max_size=3),
)
def test_loops_are_those_of_the_rule(
    before: list[int], pattern: list[int], times: int, after: list[int]
) -> None:
    """A missed loop costs a whole answer of tokens; a false one cuts a solution off."""
    ids = before + pattern * times + after
    assert loops(ids) == said_over(ids)


@given(st.integers(1, SIZE), st.integers(0, 40), st.integers(1, 40))
def test_loop_ends_where_it_closes_however_it_arrives(size: int, lead: int, step: int) -> None:
    """The answer must not depend on how many tokens were gathered."""
    ids = [1000 + at for at in range(lead)] + list(range(size)) * (TIMES + 50)
    watch, kept = LoopWatch(), 0
    for at in range(0, len(ids), step):
        closed = watch.add(ids[at : at + step])
        if closed is not None:
            kept += closed
            break
        kept += step
    assert kept == lead + size * TIMES


def test_nothing_is_no_loop() -> None:
    """vLLM's last piece may hold no token."""
    assert LoopWatch().add([]) is None
    assert LoopWatch().add([7]) is None
