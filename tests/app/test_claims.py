"""When two states claim the same: by the numbers they compute, else by their words."""

from __future__ import annotations

from hypothesis import given, strategies as st

from app.strategies.claims import claim
from statespace.reader import read
from statespace.trace import Transition


def said(output: str, action: str = "Solve Subquestion") -> Transition:
    return read(f"State 1:\nAction: {action}\nOutput: {output}").transitions[0]


@given(st.integers(0, 999), st.integers(1, 999), st.integers(0, 3))
def test_claims_are_equal_as_numbers_are(a: int, b: int, zeros: int) -> None:
    decimals = f".{'0' * zeros}" if zeros else ""
    plain = said(f"m = {a} + {b} = {a + b}")
    dressed = said(f"In May there were {a} + {b} = {a + b}{decimals} clips")
    other = said(f"m = {a} + {b} = {a + b + 1}")
    assert plain.checks
    assert claim(plain) == claim(dressed)
    assert hash(claim(plain)) == hash(claim(dressed))
    assert claim(plain) != claim(other)


@given(st.integers(-999, 999))
def test_answers_are_equal_as_numbers_are(value: int) -> None:
    one = said(f"The final answer is \\boxed{{{value}}}.", "Summarize")
    other = said(f"So the answer is {value}.0", "Summarize")
    assert claim(one) == claim(other)
    assert claim(one) != claim(said(f"The final answer is \\boxed{{{value + 1}}}.", "Summarize"))


@given(st.text(max_size=80), st.text(max_size=80))
def test_claims_are_made_of_any_text(one: str, other: str) -> None:
    for action in ("Solve Subquestion", "Summarize", "Verify", "Decompose"):
        assert claim(said(one, action)) == claim(said(f"  {one}  ", action))
        if claim(said(one, action)) == claim(said(other, action)):
            assert hash(claim(said(one, action))) == hash(claim(said(other, action)))


def test_words_are_compared_where_there_is_nothing_to_compute() -> None:
    assert claim(said("m is May.", "Formalize")) == claim(said("M  is may", "Formalize"))
    assert claim(said("m is May.", "Formalize")) != claim(said("m is June.", "Formalize"))
    assert claim(said("m is May.", "Formalize")) != claim(said("m is May.", "Decompose"))
