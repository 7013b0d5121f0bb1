"""Formulas are compared in a process that can be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from statespace.errors import SymbolicError
from statespace.symbolic import MAX_LENGTH, Comparer
from training.evaluation.equality import matches

pytestmark = pytest.mark.slow  # sympy takes seconds to import


@pytest.fixture(scope="module")
def comparer() -> Iterator[Comparer]:
    found = Comparer()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("gold", "answer", "equal"),
    [
        (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", True),
        (r"(x+1)^2", r"x^2 + 2x + 1", True),
        (r"x^2 + 1", r"x^2 + 2", False),
        (r"(1, 2)", r"(2, 1)", False),
        (r"\pi", "3.14", False),
        ("\\", "{", False),
        ("", "", False),
        ("x" * (MAX_LENGTH + 1), "x" * (MAX_LENGTH + 1), False),
    ],
)
def test_formulas_are_equal_by_value(
    comparer: Comparer, gold: str, answer: str, equal: bool
) -> None:
    assert comparer.equal(gold, answer) is equal


def test_a_comparison_without_end_is_cut_off_and_the_next_one_works() -> None:
    found = Comparer(deadline_s=1.5)
    try:
        found.require()
        assert not found.equal("9^{9^{9^{9}}}", "8^{9^{9^{9}}} + x")
        found.require()
        assert found.equal("x + 1", "1 + x")
    finally:
        found.close()


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("print('ready', flush=True); input(); raise SystemExit(9)")
    found = Comparer(worker=worker)
    assert [found.equal("x", "x") for _ in range(3)] == [False] * 3
    found.close()


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import no_such_library_at_all")
    with pytest.raises(SymbolicError, match=r"install it: pip install '\.\[eval\]'"):
        Comparer(worker=worker).require()


def test_only_what_is_no_plain_number_is_compared_this_way() -> None:
    assert matches(r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}")
    assert matches("2^3", "8") is False  # school problems end in numbers
    assert matches(r"\sqrt{64}", "8")
    assert matches(r"\text{Tuesday}", "tuesday")
