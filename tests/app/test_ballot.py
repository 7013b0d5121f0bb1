"""The vote: when it is decided, for whom, and which answers are the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given, strategies as st

from app.strategies import groups
from app.strategies.ballot import Ballot, Vote, probability
from app.strategies.base import Decided
from app.strategies.groups import Groups
from statespace.options import VoteOptions
from statespace.solutions import IncompleteReason

votes = st.builds(
    Vote,
    path=st.just(0),
    group=st.none() | st.integers(0, 2),
    refuted=st.booleans(),
    reason=st.none(),
)


def ballot(
    cast: Sequence[Vote],
    stop: Literal["never", "certain", "likely"] = "never",
    paths: int = 8,
    refuted_weight: float = 0.25,
) -> Ballot:
    """A ballot on which votes were cast by paths in a row."""
    found = Ballot(VoteOptions(paths=paths, stop=stop, refuted_weight=refuted_weight))
    for path, vote in enumerate(cast):
        found.cast(Vote(path, vote.group, vote.refuted, vote.reason))
    return found


def for_groups(*groups: int | None) -> list[Vote]:
    return [Vote(0, group) for group in groups]


@given(
    st.lists(votes, min_size=1, max_size=9),
    st.data(),
    st.floats(0.01, 1),
)
def test_what_is_certain_is_never_overturned(
    cast: list[Vote], data: st.DataObject, refuted_weight: float
) -> None:
    """Whatever the paths say that are left, the answer is the one that the vote stopped at."""
    ended = data.draw(st.integers(1, len(cast)))
    early = ballot(cast[:ended], "certain", len(cast), refuted_weight)
    whole = ballot(cast, "certain", len(cast), refuted_weight)
    assert whole.is_decided
    if early.is_decided and ended < len(cast):
        stopped, final = early.decision().path, whole.decision().path
        assert stopped is not None
        assert final is not None
        assert cast[stopped].group == cast[final].group


@given(st.permutations(range(4)), st.lists(votes, min_size=4, max_size=4))
def test_the_order_in_which_paths_end_decides_nothing(order: list[int], cast: list[Vote]) -> None:
    whole = ballot(cast, paths=4)
    other = Ballot(VoteOptions(paths=4))
    for path in order:
        other.cast(Vote(path, cast[path].group, cast[path].refuted))
    assert other.decision() == whole.decision()


@pytest.mark.parametrize(
    ("stop", "cast", "decided"),
    [
        ("never", [0] * 7, False),
        ("never", [0] * 8, True),
        ("certain", [0] * 4, False),
        ("certain", [0] * 5, True),
        ("certain", [0, 0, 0, 0, 1, 1], False),
        ("certain", [0, 0, 0, 0, 0, 1], True),
        ("certain", [None] * 7, False),
        ("likely", [0] * 3, False),  # 1 - 1/2 ** 4 = 0.9375
        ("likely", [0] * 4, True),  # 1 - 1/2 ** 5 = 0.96875
        ("likely", [0, 0, 0, 0, 1], False),
        ("likely", [0, 0, 0, 0, 0, 1, None], True),
        ("likely", [None] * 7, False),
    ],
)
def test_when_a_vote_of_eight_is_decided(
    stop: Literal["never", "certain", "likely"], cast: list[int | None], decided: bool
) -> None:
    assert ballot(for_groups(*cast), stop).is_decided is decided


def test_the_posterior_is_the_binomial_tail() -> None:
    """For whole numbers P(X > 1/2) is that of at most b heads in a + b + 1 tosses."""
    assert probability(3, 0) == pytest.approx(1 - 1 / 16)
    assert probability(5, 1) == pytest.approx(1 - 8 / 128)
    assert probability(2, 2) == pytest.approx(0.5)
    assert 0.5 < probability(1.25, 1) < probability(2, 1)


def test_refuted_paths_weigh_less() -> None:
    cast = [Vote(0, 0, refuted=True), Vote(0, 0, refuted=True), Vote(0, 1)]
    assert ballot(cast).decision() == Decided(2)
    assert ballot(cast, refuted_weight=1).decision() == Decided(0)


def test_the_answer_is_that_of_the_first_path_without_what_is_refuted() -> None:
    cast = [Vote(0, 1), Vote(0, 0, refuted=True), Vote(0, 0), Vote(0, 0)]
    assert ballot(cast).decision() == Decided(2)
    assert ballot([Vote(0, 0, refuted=True)] * 2).decision() == Decided(0)


def test_without_answers_the_commonest_reason_is_told() -> None:
    limits = [IncompleteReason.MAX_TOKENS, None, IncompleteReason.MAX_TOKENS, None, None]
    cast = [Vote(0, None, reason=reason) for reason in limits]
    assert ballot(cast).decision() == Decided(None, IncompleteReason.NO_ANSWER)
    assert ballot(cast[:3]).decision() == Decided(None, IncompleteReason.MAX_TOKENS)


def grouped(*answers: str) -> list[int]:
    async def run() -> list[int]:
        found = Groups()
        return [await found.of(answer) for answer in answers]

    return asyncio.run(run())


def test_numbers_and_words_are_grouped_by_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_is_installed", lambda: False)
    answers = ["1,000", "1000.0", "72", "1/2", r"\frac{1}{2}", "0.5", "Tuesday", r"\text{tuesday }"]
    assert grouped(*answers) == [0, 0, 1, 2, 2, 2, 3, 3]
    assert grouped("x + 1", "1 + x", "x+1") == [0, 1, 0]


def test_formulas_are_asked_for_once_and_only_where_they_may_be_equal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        asked.append((one, other))
        return {one, other} == {"x + 1", "1 + x"}

    monkeypatch.setattr(groups, "_is_installed", lambda: True)
    monkeypatch.setattr(groups, "_compare", compare)
    assert grouped("Tuesday", "x + 1", "1 + x", "1 + x", "y") == [0, 1, 1, 1, 2]
    assert asked == [("x + 1", "1 + x"), ("x + 1", "y")]


def test_what_is_not_compared_in_time_is_different(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the loop goes on meanwhile: the budget is for the solution, not for each answer."""

    async def never(*_: object) -> bool:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    monkeypatch.setattr(groups, "_is_installed", lambda: True)
    monkeypatch.setattr(groups, "BUDGET_S", 0.02)
    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", never)
    assert grouped("x + 1", "1 + x", "2x", "x + 1") == [0, 1, 2, 0]


@pytest.mark.slow  # sympy takes seconds to import
def test_formulas_are_grouped_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("math_verify")
    for name in ("DEADLINE_S", "START_S", "BUDGET_S"):  # what is compared here, not how fast
        monkeypatch.setattr(groups, name, 120.0)
    assert grouped(r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", r"\sqrt{64}", "8") == [0, 0, 1, 1]
