"""Properties of the verifier over generated text: total, sound, and blind to nothing it checks."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, strategies as st

from statespace.arithmetic.limits import MAX_CHECKS, MAX_STEPS
from statespace.arithmetic.rationals import render
from statespace.trace import Verdict
from statespace.verifier import Scope, verify_output

FRAGMENTS = [
    "1", "2", "48", "0", "1,000", ".5", "12:30", "3/4", "½", "x", "m", "total cost", "apples",
    "of", "per", "and", "$", "%", "€", "¢", "(", ")", "[", "]", "{", "}", "+", "-", "–", "*", "**",
    "×", "/", "÷", "^", "=", "==", "≈", "!=", "<=", r"\frac", r"\boxed", r"\times", r"\approx",
    r"\$", "\\", "&", "&=", "²", ".", ",", ";", ":", "...", "…", " ", "\n", "\t", "State 3:",
    "hour", "minutes", "dozen", "1st", "1e6", "9^9^9", "\x00", "\ud800", "٣", "'", "’", "-page",
]  # fmt: skip

mixtures = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)
spaced_mixtures = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(" ".join)
any_text = st.one_of(
    st.text(st.characters(), max_size=200).map(lambda text: text + " = " + text),
    mixtures,
    spaced_mixtures,
)
scopes = st.dictionaries(
    st.sampled_from(["x", "m", "total cost", "apples", "a"]), st.fractions(), max_size=4
).map(Scope)


@given(any_text, scopes)
def test_any_text_is_verified_without_error_within_the_budget(text: str, scope: Scope) -> None:
    found = verify_output(text, scope)
    assert found.steps <= min(MAX_STEPS, 200 + 40 * len(text))
    assert len(found.checks) <= MAX_CHECKS
    for check in found.checks:
        assert 0 <= check.start < check.end <= len(text)
        assert text[check.start : check.end] == check.claim
        assert check.reason is not None or check.verdict is Verdict.VERIFIED


@given(any_text, scopes)
def test_the_verdict_follows_from_the_checks(text: str, scope: Scope) -> None:
    found = verify_output(text, scope)
    verdicts = {check.verdict for check in found.checks}
    assert (found.verdict is Verdict.REFUTED) == (Verdict.REFUTED in verdicts)
    if Verdict.REFUTED not in verdicts:
        assert (found.verdict is Verdict.VERIFIED) == (Verdict.VERIFIED in verdicts)


@given(any_text, scopes)
def test_verification_is_deterministic(text: str, scope: Scope) -> None:
    assert verify_output(text, scope) == verify_output(text, scope)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Fraction]:
    """An expression as a model writes it, with its value computed along the way."""
    if depth == 0 or draw(st.booleans()):
        number = draw(st.integers(1, 2000))
        decimals = draw(st.sampled_from([0, 0, 0, 1, 2]))
        text = f"{number / 10**decimals:,.{decimals}f}"
        return text, Fraction(number, 10**decimals)
    left, a = draw(expressions(depth=depth - 1))
    right, b = draw(expressions(depth=depth - 1))
    sign = draw(st.sampled_from("+-–*×/÷"))
    space = draw(st.sampled_from([" ", ""]))
    if sign in "/÷" and b == 0:
        sign = "+"
    value = {"+": a + b, "-": a - b, "*": a * b}.get({"–": "-", "×": "*"}.get(sign, sign))
    if value is None:
        value = a / b
    return f"({left}){space}{sign}{space}({right})", value


def written(value: Fraction) -> str:
    return render((value.numerator, value.denominator))


equations = expressions(depth=3).filter(lambda pair: "(" in pair[0])
prefixes = st.sampled_from(["", "So ", "She sold ", "Therefore, ", "The total is ", "m = "])
suffixes = st.sampled_from(["", ".", " clips.", " apples in all, she says.", "\nNext line"])


@given(equations, prefixes, suffixes)
def test_a_true_equation_is_verified(
    equation: tuple[str, Fraction], prefix: str, suffix: str
) -> None:
    text, value = equation
    assert verify_output(f"{prefix}{text} = {written(value)}{suffix}").verdict is Verdict.VERIFIED


@given(equations, prefixes, suffixes, st.integers(2, 10**6))
def test_an_equation_that_is_off_by_more_than_rounding_is_refuted(
    equation: tuple[str, Fraction], prefix: str, suffix: str, error: int
) -> None:
    text, value = equation
    wrong = written(value + error * max(1, abs(value.numerator // value.denominator)))
    assert verify_output(f"{prefix}{text} = {wrong}{suffix}").verdict is Verdict.REFUTED


@given(equations, st.integers(2, 6))
def test_a_rounded_result_is_never_refuted(equation: tuple[str, Fraction], decimals: int) -> None:
    text, value = equation
    scaled = round(value * 10**decimals)
    rounded = f"{Decimal(scaled).scaleb(-decimals):f}"
    assert verify_output(f"{text} = {rounded}").verdict is not Verdict.REFUTED


@given(st.integers(-999, 999), st.integers(-999, 999), st.sampled_from("bnxyz"))
def test_a_name_stands_for_its_value_in_later_outputs(a: int, b: int, name: str) -> None:
    scope = verify_output(f"{name} = {a}").scope
    assert scope == {name: a}
    assert verify_output(f"{name} + {b} = {a + b}", scope).verdict is Verdict.VERIFIED
    assert verify_output(f"{b} * {name} = {a * b}", scope).verdict is Verdict.VERIFIED
    assert verify_output(f"{name} + {b} = {a + b + 2}", scope).verdict is Verdict.REFUTED
    assert verify_output(f"{name} + {b} = {a + b}").verdict is Verdict.UNCHECKED
