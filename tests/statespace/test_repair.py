"""The wording of repairs: what it says is true, and the reader takes it as it was meant."""

from __future__ import annotations

import operator
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, strategies as st

from statespace.actions import Action
from statespace.errors import RepairError
from statespace.reader import read
from statespace.repair import (
    backtrack_text,
    contradiction_text,
    holds_text,
    missteps,
    omission_text,
    refutation,
    verify_text,
)
from statespace.text import render
from statespace.trace import Check, Trace, Transition, Verdict
from statespace.verifier import verify_output

CHECK = Check(
    start=4, end=15, claim="48 / 2 = 26", stated="26", computed="24", verdict=Verdict.REFUTED
)


def test_the_wording_is_the_one_that_models_were_trained_on() -> None:
    assert verify_text(3, CHECK) == "State 3 says 48 / 2 = 26, but 48 / 2 = 24."
    assert backtrack_text(2) == "Backtrack to State 2."
    assert holds_text(2) == "State 2 is correct."


@pytest.mark.parametrize(
    ("claim", "left"),
    [
        ("6 + 4 = 5 + 6", "6 + 4"),
        ("a = b = 3", "a = b"),
        ("48 / 2 ≈ 26", "48 / 2"),
        (r"48 \div 2 \approx 26", r"48 \div 2"),
    ],
)
def test_the_left_of_the_last_relation_is_set_right(claim: str, left: str) -> None:
    """A claim of an estimate is refuted too: guided solving must be able to word it."""
    check = CHECK.model_copy(update={"claim": claim})
    assert verify_text(1, check) == f"State 1 says {claim}, but {left} = 24."


@pytest.mark.parametrize("change", [{"computed": None}, {"claim": "48 / 2"}])
def test_what_cannot_be_worded_is_an_error(change: dict[str, str | None]) -> None:
    with pytest.raises(RepairError, match="no computed value"):
        verify_text(1, CHECK.model_copy(update=change))


def transition(*verdicts: Verdict) -> Transition:
    checks = [
        CHECK.model_copy(update={"verdict": verdict, "claim": f"{index} = 1"})
        for index, verdict in enumerate(verdicts)
    ]
    return Transition(id=1, parent=0, action=Action.FORMALIZE, label="", checks=tuple(checks))


def test_the_first_refuted_check_is_repaired() -> None:
    found = refutation(
        transition(Verdict.VERIFIED, Verdict.UNCHECKED, Verdict.REFUTED, Verdict.REFUTED)
    )
    assert found.claim == "2 = 1"


def test_nothing_refuted_is_an_error() -> None:
    with pytest.raises(RepairError, match="nothing to repair"):
        refutation(transition(Verdict.VERIFIED, Verdict.UNCHECKED))


def repaired(line: str) -> Trace | None:
    """A trace in which `line` is refuted, repaired and backtracked from; None if it holds."""
    states = [(Action.FORMALIZE, "m = 4"), (Action.SOLVE_SUBQUESTION, line)]
    wrong = read(render(states)).transitions[-1]
    if wrong.verdict is not Verdict.REFUTED:
        return None
    states += [
        (Action.VERIFY, verify_text(2, refutation(wrong))),
        (Action.BACKTRACK, backtrack_text(1)),
    ]
    return read(render(states))


def assert_repair_holds(trace: Trace) -> None:
    verify, backtrack = trace.transitions[2:]
    assert verify.verdict is Verdict.VERIFIED, verify.output
    assert verify.legal
    assert (backtrack.target, backtrack.legal) == (1, True)
    assert backtrack.verdict is Verdict.UNCHECKED


@pytest.mark.parametrize(
    "line",
    [
        "48 / 2 = 26",
        "So x = 48 / 2 = 26 clips.",
        "48 clips / 2 = 26 clips",
        "$48 / 2 = $26",
        "10 / 3 = 3.4",
        "50% of 80 = 30",
        "20% + 10% = 40%",
        "1,000 * 3 = 3,001",
        "2*3 + 4 = 6 + 4 = 11",
        "6 + 4 = 5 + 6",
        "m * 2 = 9",
        "m * 2 = 8, m * 3 = 13",
        "3 - 5 = 2",
        r"48 \div 2 = 26",
        "48 ÷ 2 = 26",
        r"48 \div 2 \approx 26",
        "(2 + 3) × 4 = 21",
        "2^10 = 1025",
    ],
)
def test_what_a_repair_says_is_verified(line: str) -> None:
    """A Verify refuted by the verifier that wrote it would send guided solving in circles."""
    trace = repaired(line)
    assert trace is not None
    assert_repair_holds(trace)


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": Fraction}


@given(
    st.integers(0, 10_000), st.sampled_from(sorted(OPERATORS)), st.integers(1, 10_000),
    st.integers(-20_000, 20_000),
)  # fmt: skip
def test_any_wrong_calculation_can_be_repaired(a: int, sign: str, b: int, stated: int) -> None:
    assume(OPERATORS[sign](a, b) != stated)
    trace = repaired(f"n = {a} {sign} {b} = {stated}")
    if trace is not None:
        assert_repair_holds(trace)


@given(st.integers(0, 10**9 - 1))
def test_a_backtrack_is_resolved_to_the_state_it_names(number: int) -> None:
    text = f"State {number}:\nAction: Formalize\nOutput: x\nState 1:\nAction: Backtrack\n"
    assert read(text + backtrack_text(number)).transitions[-1].target == 1


def test_a_state_that_holds_makes_no_claim() -> None:
    trace = read(render([(Action.SOLVE_PARENT, "1 + 1 = 2"), (Action.VERIFY, holds_text(1))]))
    assert trace.transitions[-1].verdict is Verdict.UNCHECKED
    assert trace.transitions[-1].legal


def test_what_arithmetic_cannot_refute_is_worded_too() -> None:
    said = contradiction_text(1, "m = 48 + 2", "m = 48 / 2", 0)
    assert said == "State 1 says m = 48 + 2, but by the question, m = 48 / 2."
    said = contradiction_text(4, "c = 9 * 5", "c = 9 * 1", 1)
    assert said == "State 4 says c = 9 * 5, but by State 1, c = 9 * 1."
    assert omission_text(1, "price of one") == "State 1 leaves out the price of one."


@pytest.mark.parametrize(
    ("wrong", "right"), [("9 * 5", "9 * 1"), ("m * 2", "m / 2"), ("12", "21"), ("m - 3", "3 - m")]
)
@pytest.mark.parametrize("source", [0, 1])
def test_a_contradiction_is_not_refuted_itself(wrong: str, right: str, source: int) -> None:
    """It names two values for one thing: neither may be taken for a claim about the other."""
    states = [
        (Action.FORMALIZE, "m = 4"),
        (Action.SOLVE_SUBQUESTION, f"c = {wrong}"),
        (Action.VERIFY, contradiction_text(2, f"c = {wrong}", f"c = {right}", source)),
    ]
    assert read(render(states)).transitions[-1].verdict is not Verdict.REFUTED


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("44 - 29 = 5", ["44 - 29 = 5"]),
        ("117 + 2 = 129", ["117 + 2 = 12", "117 + 2 = 129"]),
        ("84 - 45.75 = 84 - 45 - 0.75 = 49 - 0.75", ["84 - 45 - 0.75 = 4", "84 - 45 - 0.75 = 49"]),
        ("165 + 48 = 165 + 40 + 8 = 105 + 8", ["165 + 40 + 8 = 1", "165 + 40 + 8 = 105"]),
        ("3 * $4 = $13.50", ["3 * $4 = $13", "3 * $4 = $13.50"]),
        ("1/3 + 1/3 = 1/3", ["1/3 + 1/3 = 1"]),
        ("12 * 30 = 10 * 30 + 2 * 3", ["12 * 30 = 10 * 30 + 2 * 3"]),
        (
            "20 * 13 + 9 * 13 = 260 + 107",
            ["20 * 13 + 9 * 13 = 260 + 10", "20 * 13 + 9 * 13 = 260 + 107"],
        ),
        ("60 / 6 - 28 / 4 = 10 - 4", ["60 / 6 - 28 / 4 = 10 - 4"]),
        ("20 * 3 = 6", []),
        ("20 / 50 = 4%", []),
        ("1,000 + 500 = 1,400", ["1,000 + 500 = 1,4", "1,000 + 500 = 1,400"]),
        ("1,000 + 500 = 1400", ["1,000 + 500 = 14", "1,000 + 500 = 1400"]),
        ("10 / 3 = 3.34", ["10 / 3 = 3.34"]),
        ("20 / 3 = 6.76", ["20 / 3 = 6.76"]),
        ("20 / 50 = 45%", ["20 / 50 = 45"]),
        (r"20 / 50 = 45\%", ["20 / 50 = 45"]),
        ("4 - 40 = -35", ["4 - 40 = -35"]),
        ("40 - 4 = -35", ["40 - 4 = -35"]),
        ("1/4 + 1/2 = .65", ["1/4 + 1/2 = .6", "1/4 + 1/2 = .65"]),
    ],
)
def test_a_retry_must_not_say_the_wrong_digit_again(line: str, said: list[str]) -> None:
    check = next(c for c in verify_output(line).checks if c.verdict is Verdict.REFUTED)
    assert list(missteps(check)) == said


def written(value: Fraction, places: int) -> set[str]:
    """How people write a number, rounded to `places`."""
    sign, size = "-" * (value < 0), abs(value)
    with localcontext(prec=60):
        exact = Decimal(size.numerator) / size.denominator
        step = Decimal(1).scaleb(-places)
        rounded = {exact.quantize(step, rounding) for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN)}
    numbers = {str(size)} | {f"{number:{comma}f}" for number in rounded for comma in ("", ",")}
    return {sign + text for number in numbers for text in (number, number.removeprefix("0"))}


@given(
    st.tuples(st.integers(0, 20_000), st.sampled_from(sorted(OPERATORS)), st.integers(1, 3_000)),
    st.decimals(-20_000, 20_000, places=2) | st.integers(-20_000, 20_000),
    st.sampled_from(["", ","]),
    st.sampled_from(["", "%"]),
)
@example((1_000, "+", 500), 1_400, ",", "")
@example((10, "/", 3), Decimal("3.34"), "", "")
@example((20, "/", 50), 45, "", "%")
@example((4, "-", 40), -35, "", "")
def test_no_way_to_write_the_right_number_is_ruled_out(
    calculation: tuple[int, str, int], stated: Decimal | int, comma: str, percent: str
) -> None:
    a, sign, b = calculation
    left = f"{a} {sign} {b} = "
    for check in verify_output(f"{left}{stated:{comma}}{percent}").checks:
        right = Fraction(OPERATORS[sign](a, b)) * (100 if percent else 1)
        for places in range(4):
            for form in written(right, places):
                assert not (left + form).startswith(missteps(check)), form


def test_a_number_put_in_for_a_name_is_not_taken_for_the_wrong_one() -> None:
    """Of d - c = 52 - 10 with c = 32, it is the 10 that is wrong: only the whole is ruled out."""
    scope = verify_output("d = 52. c = 32").scope
    (check,) = verify_output("d - c = 52 - 10", scope).checks
    assert check.verdict is Verdict.REFUTED
    assert missteps(check) == ("d - c = 52 - 10",)


@given(
    st.text(alphabet="0123456789 .,+-*/×÷−=≈$%()^abx", max_size=60)
    | st.lists(st.integers(0, 9999), min_size=3, max_size=6).map(
        lambda n: f"{' + '.join(map(str, n[:-1]))} = {n[-1]} - {n[0]} * {n[1]} / {n[2]}"
    )
)
def test_missteps_are_the_beginnings_of_a_claim_whatever_it_is(line: str) -> None:
    for check in verify_output(line).checks:
        assert all(said and check.claim.startswith(said) for said in missteps(check))
