"""Answers: what a text is taken to answer, and when two answers are the same."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from statespace.answers import equal, extract, number


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"The final answer is \boxed{72}.", "72"),
        (r"First \boxed{1}, then \boxed{2}.", "2"),
        (r"\boxed{7} and then an unclosed \boxed{8", "7"),
        (r"\boxed{\sqrt{2} + {x}}", r"\sqrt{2} + {x}"),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\boxed{\$1,234.50}", "1,234.50"),
        (r"\boxed{1{,}234}", "1,234"),
        (r"\boxed{12\,000}", "12000"),
        (r"\boxed{72 \text{ clips}}", "72 clips"),
        (r"\boxed{\text{yes}}", "yes"),
        (r"\boxed{-\$5}", "-5"),
        (r"\boxed{−5}", "-5"),
        (r"\boxed{25\%}", "25%"),
        (r"\boxed{\frac{1}{2}}", "1/2"),
        (r"\boxed{3\frac{1}{2}}", "3 1/2"),
        (r"\boxed{-\dfrac{3}{4}}", "-3/4"),
        (r"\boxed{}", None),
        ("The answer is $72.", "72"),
        ("The answer is **72** clips.", "72"),
        ("Answer: 72", "72"),
        ("**Answer:** 72", "72"),
        ("The answer is: $x = 72$", "72"),
        ("the answer = 3/4", "3/4"),
        (r"The answer is $\frac{3}{4}$.", "3/4"),
        ("The answer is 3 1/2 cups.", "3 1/2"),
        ("The answer is -$5.", "-5"),
        ("The answer is 25 %", "25 %"),
        ("The answer is 1,000,000.", "1,000,000"),
        ("The answer is 48 + 24 = 72.", "72"),
        ("The answer is $48 + $24 = $72.", "72"),
        ("The answer is 72 (as m = 24).", "72"),
        ("The answer is not 70; the answer is 72.", "72"),
        ("The answer is yes.", "yes"),
        ("The answer is 5 x 4 = 20", "20"),
        ("The answer is 5x4 = 20 clips.", "20"),
        ("The answer is 3:4.", "3:4"),
        ("The answer is 72: 48 + 24.", "72"),
        ("The answer is √2", "√2"),
        (r"The answer is $\sqrt{2}$.", r"\sqrt{2}"),
        ("The answer is 2√3", "2√3"),
        ("The answer is x^2 + 3.", "x^2 + 3"),
        ("The answer is 2x^2", "2x^2"),
        ("The answer is 2^10", "2^10"),
        ("The answer is 3.5 × 10^4", "3.5 × 10^4"),
        (r"The answer is $3.5 \times 10^4$.", r"3.5 \times 10^4"),
        ("The answer is 12 pi", "12 pi"),
        ("The answer is 2^10 = 1024", "1024"),
        ("She sold 48 clips, then 24, 72 in all.", "72"),
        ("Total:\n- 24", "24"),
        ("It takes 10-20 days", "20"),
        ("It is 72 - 24", "24"),
        ("It is -24", "-24"),
        ("It is .5", ".5"),
        ("no number", None),
        ("", None),
        ("   \n", None),
    ],
)
def test_extract(text: str, answer: str | None) -> None:
    assert extract(text) == answer


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("72", 72),
        ("072", 72),
        ("+72", 72),
        ("-72", -72),
        ("−72", -72),
        ("- 72", -72),
        (" 72\n", 72),
        ("72.0", 72),
        ("72.", 72),
        (".5", Fraction(1, 2)),
        ("-.5", Fraction(-1, 2)),
        ("1,234,567.25", Fraction(4938269, 4)),
        ("12 000", 12000),
        ("12\u202f000", 12000),
        ("$5", 5),
        ("$ 5", 5),
        ("5 €", 5),
        ("-$5", -5),
        ("−$5", -5),
        ("-€5", -5),
        ("$-5", -5),
        ("50%", Fraction(1, 2)),
        ("50 %", Fraction(1, 2)),
        ("50 percent", Fraction(1, 2)),
        ("3/4", Fraction(3, 4)),
        ("-3 / 4", Fraction(-3, 4)),
        (r"\frac{3}{4}", Fraction(3, 4)),
        ("3 1/2", Fraction(7, 2)),
        ("-3 1/2", Fraction(-7, 2)),
        (r"3\frac{1}{2}", Fraction(7, 2)),
        ("72 clips", 72),
        ("60 miles/hour", 60),
        ("12 pieces", 12),
        ("5 ounces", 5),
        ("$72 dollars.", 72),
    ],
)
def test_plain_numbers_are_read_exactly(text: str, value: Fraction | int) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "-",
        "$",
        "%",
        "/",
        "1/0",
        "1/",
        "/2",
        "1,23",
        ",123",
        "1.2.3",
        "--5",
        "5 6",
        "3 x",
        "2 million",
        "3 dozen",
        "12 pi",
        "3 PM",
        "5 or x",
        "0,125",
        "0 125",
        "1e3",
        "x = 5",
        "5-3",
        "٥",
        "²",
        "½",
        "∞",
        "nan",
        "inf",
        "0x10",
        "1_000",
        "1" * 5000,
        "1" + " " * 100_000 + "!",
        "1/" * 1000,
    ],
)
def test_what_is_no_plain_number_has_no_value(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("72", "72.00"), ("$1,234", "1234"), ("50%", "0.5"), ("1/2", "0.5"), ("−3", "-3"),
     ("72 clips", "72"), ("3 1/2", "3.5"), (r"\frac{1}{2}", "1/2"), ("-0", "0"), ("Yes", "yes"),
     ("x = 5", "x=5"), ("0.1", "1/10")],
)  # fmt: skip
def test_equal(one: str, other: str) -> None:
    assert equal(one, other)
    assert equal(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("72", "73"),
        ("72", "-72"),
        ("3 1/2", "15.5"),
        ("3 1/2", "31/2"),
        ("5 6", "56"),
        ("2 million", "2"),
        ("1/3", "0.33"),
        ("50%", "50"),
        ("12 pi", "12"),
        ("3 am", "3 pm"),
        ("5 or x", "5"),
        ("0,125", "125"),
        ("yes", "no"),
        ("", "0"),
        ("72", "seventy-two"),
        ("1" * 400, "1" * 399 + "2"),
    ],
)
def test_not_equal(one: str, other: str) -> None:
    assert not equal(one, other)
    assert not equal(other, one)


ANSWERISH = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789 .,/-−+$€%\\{}fracxm=", max_size=30),
    st.fractions().map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
)


@given(ANSWERISH)
def test_every_answer_equals_itself(text: str) -> None:
    assert equal(text, text)
    assert equal(text, f" {text}\n")


@given(ANSWERISH, ANSWERISH)
def test_equality_is_symmetric(one: str, other: str) -> None:
    assert equal(one, other) == equal(other, one)


@given(st.fractions())
def test_a_written_fraction_has_its_value(value: Fraction) -> None:
    assert number(str(value)) == value


@given(st.integers(-(10**12), 10**12))
def test_separators_and_currency_do_not_change_a_value(value: int) -> None:
    for written in (f"{value:,}", f"{value}.00", f"{value} clips", f"{value}$"):
        assert number(written) == value


@given(st.integers(-(10**12), 10**12) | st.decimals(-(10**6), 10**6, places=2))
def test_a_stated_number_is_found_again(value: object) -> None:
    for text in (
        rf"The final answer is \boxed{{{value}}}.",
        f"So the answer is {value}.",
        f"We get 3 + 4 = 7 and then {value}.",
    ):
        found = extract(text)
        assert found is not None
        assert number(found) == Fraction(str(value))


@given(ANSWERISH | st.text().map(lambda text: rf"\boxed{{{text}}}"))
def test_extract_is_total_and_never_states_nothing(text: str) -> None:
    answer = extract(text)
    assert answer is None or answer.strip()
    if answer is not None:
        assert equal(answer, answer)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    ["\\boxed{" * 10_000, "\\boxed{" * 9_999 + "}", "1" * 100_000, " " * 100_000, "1, " * 33_000,
     "-" * 100_000, "$" * 100_000, "\\frac{" * 16_000, "\\frac{1}{" * 11_000, "\\text{" * 16_000,
     "answer is " * 10_000, "answer is" + " " * 99_000 + "1", "answer is 1+1" + "+1" * 90,
     "answer is " + "1+1=" * 50, "1/" * 50_000, "1 " * 50_000, ",111" * 25_000, "{" * 100_000,
     "\x00" * 100_000, "\ud800" * 1_000, "the answer is " + "9" * 150],
)  # fmt: skip
def test_hostile_text_neither_raises_nor_hangs(text: str) -> None:
    """A pattern that backtracks without bound would not end before the timeout."""
    answer = extract(text)
    assert answer is None or len(answer) <= 20_000
    assert equal(text, text)
    number(text)
