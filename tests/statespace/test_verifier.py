"""What `verify_output` finds in an output, what it says of it, and what it leaves alone."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import pytest

from statespace.arithmetic.limits import MAX_CHECKS, MAX_NAMES, MAX_TEXT
from statespace.trace import Verdict
from statespace.verifier import Scope, verify_output

VERIFIED = [
    "48 / 2 = 24",
    "48/2=24.",
    "2*3 + 4 = 6 + 4 = 10",
    "20 - 5 * 2 = 10",
    "2 + 3 = 5 + 4 = 9",  # A run-on sentence: the first link says 2 + 3 = 5.
    "-5 + 3 = -2",
    "5 - -3 = 8",
    "60 – 30 − 15 = 15",
    "0.2 x 50 = 10",
    "3 × 4 · 2 ÷ 6 = 4",
    ".5 * .5 = .25",
    "1,000 + 500 = 1,500.00",
    "3(4+5) = 27",
    "[2 + (3 * 4)] * 2 = 28",
    "2^10 = 1024",
    "2**10 = 1024",
    "5² + 1 = 26",
    "5 cm^2 + 3 cm^2 = 8 cm^2",
    "5 ft^2 + 3 ft^{2} = 8 ft^2",
    r"5 \text{cm}^2 + 3 \text{ cm}^2 = 8 \text{cm}^2",
    "150 cm^3 / 3 = 50 cm^3",
    "3*10000 = 30000m^2 of land",
    "x = 3. 2x^2 = 18",
    "x = 3. 2 x^2 + 1 = 19",
    "x = 3. y = 2. 2x^2 y = 36",
    "x = 3. y = 2. 2x^{2}y^2 = 72",
    "2^3 boxes + 1 = 9",
    "½ * 10 = 5",
    "1 1/2 * 4 = 6",
    "1/2 + 1/3 = 5/6",
    "$5.50 x 2 = $11.00",
    "10€ + 5 € = 15 €",
    "12 apples * 3 dollars/apple = $36",
    "5 feet + 3 feet = 8 feet",
    "8 friends + 1 (Samuel) + 1 (Cathy) = 10",
    "4 bags of nails * 5kg per bag of nails = 20kg",
    "60 miles / 12 miles/hour = 5 hours",
    "20% of 50 = 10",
    "50 * 20% = 10",
    "20/100 = 20%",
    "15 / 90 * 100% = 16.67%",
    "100 - 20% = 80",
    "1/3 of 27 = 9",
    "25 / 1/3 = 75",
    "10/3 = 3.33",
    "2/3 = 0.667",
    "0.125 * 1 = 0.13",
    "0.125 * 1 = 0.12",
    "100 / 7 ≈ 14.3",
    "33.33 * 3 = 100",
    r"\frac{48}{2} = \boxed{24}",
    r"$$\dfrac{3}{4} \times 20 \div 5 = 3$$",
    r"\$48 \cdot 2 = \$96",
    r"2*3 + 4 &= 6 + 4 \\ &= 10",
    "total = 48 + 24\n  = 72",
    "**48 / 2 = 24**",
    "- 3 + 4 = 7",
    "- 3 + 4 = 1",  # The dash may be a sign.
    "1. 3 + 4 = 7",
    "48 + 24 == 72",
    "72 = 48 + 24",
]

REFUTED = [
    "48 / 2 = 26",
    "48/2=26.",
    "2*3 + 4 = 6 + 4 = 11",
    "20 - 5 * 2 = 30",
    "3 × $4 = $13",
    "12 apples * 3 dollars/apple = $37",
    "5 feet + 3 feet = 9 feet",
    "5 cm^2 + 3 cm^2 = 9 cm^2",
    "5 cm^2 + 3 cm^2 = 34",
    "x = 3. 2x^2 = 36",
    "x = 3. y = 2. x^2 y = 81",
    "20% of 50 = 11",
    "1/3 of 27 = 8",
    "10/3 = 3.34",
    "1 - 1/4 = 3/5",
    "1,000 + 500 = 1,400",
    r"48 + 24 = \boxed{71}",
    "- 5 * 2 = 11",
    "1) 3 + 4 = 8",
    "(2) 3 + 4 = 8",
    "At 12:30, 5 + 5 = 11",
    "3 * 24 = 72 = 48 + 25",
    "cost = 5. So the cost + 3 = 9",
    "total cost = 5. total cost + 3 = 9",
    "cost = 5. 3 + cost = 9 dollars",
    "x = 5. We know that x + 3 = 9",
    "x = 5. 3 + x apples = 9",
    "Total 8. 3 + 4 = 8",
    "Wow! 3 + 4 = 8",
    "These cost 3 + 4 = 8",
    "So 3 + 4 = 8!",
    "# 3 + 4 = 8",
    "x = 6. 2/(3x) + 1 = 5",
    "x = 6. 1/2 * x = 4",
    "5 square feet + 3 square feet = 9 square feet",
    "3 pairs of socks * 4 = 25 socks",
    "6 pairs + 3 pairs = 10 pairs",
    "4 quarters * 2 = 9 quarters",
    "8 nickels * 5 = 41 cents",
    "5 * 4 = $40",
    "5 coins + 3 = 9 coins",
    "Natalia sold 48+24 = 73 clips altogether in April and May.",
]

LEFT_ALONE = [
    "",
    "He sold 24 clips.",
    "72 = 72",
    "x = 5",
    "The ratio is 2:3 = 4:6",
    "8:25-8:00 = 25",
    "Day 2 = 24 + 5",
    "8 batches = 5.5 * 9",
    "72 = 48 + 25",
    "b + 16 = 2(s + 16)",
    "x + 5 = 12",
    "2x + 3x = 15",
    "5A - 5 = 30",
    "the total - 3 = 5",
    "f(3) = 9",
    "1 hour + 30 minutes = 90 minutes",
    "5 feet * 2 = 120 inches",
    "2 dozen + 6 = 30",
    "50¢ * 4 = $2",
    "1 hour 30 minutes + 45 minutes = 135 minutes",
    "half of 10 + 2 = 6",
    "twice 5 + 3 = 13",
    "12 pages per 2 days * 4 = 24",
    "17 / 3 = 5 remainder 2",
    "17 / 3 = 5 and 2/3",
    "7 / 2 = 3",  # Truncated: full boxes, perhaps.
    "2 / 3 = 0.66",
    "5 / 8 = 1",
    "600 x 30 = 18 000",
    "14, 400 / 80 = 180",
    "3-5 apples * 2 = 8",
    "6 ÷ 2(1+2) = 1",
    "10 / 0 = 5",
    "9^9^9^9 = 1",
    "cost = 5. shipping cost + 3 = 12",
    "apples = 12. The cost of apples + 3 = 8",
    "age = 5. Tom's age + 3 = 12",
    "cost = 5. 5 + cost of books = 12",
    "cost = 5. 3 + 4 = cost of books",
    "2x^2 + 3x = 5x",
    "9 am + 4 hours = 1 pm",
    "8 AM + 6 hours = 2 PM",
    "9 + 4 hours = 1pm",
    "3 pairs of socks * 4 = 24 socks",
    "3 pairs + 2 socks = 8 socks",
    "8 quarters + 4 dimes = $2.40",
    "8 quarters * 2 = $4",
    "5!-3*2 = 114",
    "|3-5|-4*2 = -6",
    "0.(3) * 3 = 1",
    "1'000 + 500 = 1'500",
    "1000 + 500 = 1’500",
    "3 * 4 = 4!/2",
    "3 * 4 = 4! / 2",
    r"\sqrt{16} + 2 = 6",
    "√16 + 2 = 6",
    "x = 2; 1/2x = 1",
    "x = 6. 2/3x + 1 = 5",
    "3 squared + 4 squared = 25",
    "2 cubed + 1 = 9",
    "17 mod 5 + 1 = 3",
    "log 100 + 2 = 4",
    "10 choose 3 + 1 = 121",
    "5 factorial + 1 = 121",
    "3 to the power of 2 + 1 = 10",
    "4 + 5 = 3 squared",
    "4 + 5 = 3 to the power of 2",
    "1 + 1 = 17 mod 5",
    "x = 2. 2^3x = 64",
    "2 feet^2 * 3 = 864 inches^2",
    "8 + 2 != 11",
    "x >= 3 + 4 = 8",
    "5! / 3 = 40",
    "10 degrees * 100% = 16.66...%",
]


@pytest.mark.parametrize("text", VERIFIED)
def test_right_arithmetic_is_verified(text: str) -> None:
    assert verify_output(text).verdict is Verdict.VERIFIED


@pytest.mark.parametrize("text", REFUTED)
def test_wrong_arithmetic_is_refuted(text: str) -> None:
    assert verify_output(text).verdict is Verdict.REFUTED


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_no_claim_or_may_be_meant_otherwise_is_unchecked(text: str) -> None:
    """A false refutation costs a good path."""
    assert verify_output(text).verdict is Verdict.UNCHECKED


def test_a_check_says_what_was_stated_and_what_comes_out() -> None:
    text = "In May, 48 / 2 = 26 clips."
    (check,) = verify_output(text).checks
    assert (check.claim, check.stated, check.computed) == ("48 / 2 = 26", "26", "24")
    assert text[check.start : check.end] == check.claim
    assert check.reason == "computed 24"


@pytest.mark.parametrize(
    ("text", "computed"),
    [
        ("10 / 4 = 2.6", "2.5"),
        ("1 / 3 = 0.5", "1/3"),
        ("2 - 5 = 3", "-3"),
        ("1/8 - 1 = 1", "-0.875"),
    ],
)
def test_numbers_are_reported_exactly(text: str, computed: str) -> None:
    assert verify_output(text).checks[0].computed == computed


def test_every_link_of_a_chain_is_a_check() -> None:
    checks = verify_output("2*3 + 4 = 6 + 4 = 11").checks
    assert [(check.claim, check.verdict.value) for check in checks] == [
        ("2*3 + 4 = 6 + 4", "verified"),
        ("6 + 4 = 11", "refuted"),
    ]


def test_a_chain_through_another_unit_is_not_refuted() -> None:
    """`16 quarters` and `16 * $0.25` are the same money, not the same number."""
    verdicts = [c.verdict for c in verify_output("8 * 2 = 16 quarters = 16 * $0.25 = $4").checks]
    assert verdicts == [Verdict.VERIFIED, Verdict.UNCHECKED, Verdict.VERIFIED]


def test_two_claims_in_one_sentence_are_judged_apart() -> None:
    """The wording of a repair quotes the error beside its correction."""
    checks = verify_output("State 3 says 48 / 2 = 26, but 48 / 2 = 24.").checks
    assert [check.verdict for check in checks] == [Verdict.REFUTED, Verdict.VERIFIED]


def test_a_refuted_claim_outweighs_the_verified_ones() -> None:
    assert verify_output("1 + 1 = 2. 2 + 2 = 5. 3 + 3 = 6.").verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("m = 48 / 2", "m", 24),
        ("m = 48 / 2 = 24", "m", 24),
        ("Let m be the clips sold in May. m = 24", "m", 24),
        ("Let x = 5", "x", 5),
        ("So the total cost = 3 * 4 = 12", "total cost", 12),
        ("48 + 24 = total = 72", "total", 72),
        ("share = 10 / 4 = 2.5", "share", Fraction(5, 2)),
        ("b = a + 3 = 5 + 3 = 8", "b", 8),
    ],
)
def test_a_name_takes_the_value_the_text_gives_it(text: str, name: str, value: Fraction) -> None:
    assert verify_output(text).scope[name] == value


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("48 + m = 72", Verdict.VERIFIED),
        ("48 + m = 73", Verdict.REFUTED),
        ("3m = 72", Verdict.VERIFIED),
        ("3m = 73", Verdict.UNCHECKED),  # 3 metres, perhaps.
        ("3x + 1 = 13", Verdict.VERIFIED),
        ("3x + 1 = 14", Verdict.REFUTED),
        ("m * 2 - total cost = 36", Verdict.VERIFIED),
        ("12 m + 12 m = 24 m", Verdict.VERIFIED),
        ("48 + n = 72", Verdict.UNCHECKED),
        ("48 + M = 72", Verdict.UNCHECKED),
        ("m = 25", Verdict.UNCHECKED),
        ("m = 5 * 5", Verdict.UNCHECKED),
    ],
)
def test_known_names_are_used_and_unknown_ones_are_not_guessed(text: str, verdict: Verdict) -> None:
    scope = Scope({"m": Fraction(24), "x": Fraction(4), "total cost": Fraction(12)})
    assert verify_output(text, scope).verdict is verdict


def test_a_new_value_replaces_the_old_one_without_a_refutation() -> None:
    verification = verify_output("x = 4 + 4 = 8. x + 1 = 9", Scope({"x": Fraction(9)}))
    assert verification.verdict is Verdict.VERIFIED
    assert verification.scope == {"x": Fraction(8)}


@pytest.mark.parametrize(
    "text",
    ["x = y + 1", "x = 0.42 + .3x", "x = 5m", "x = 1/0", "Let x = the number of books", "x = y"],
)
def test_a_name_of_doubtful_value_is_forgotten(text: str) -> None:
    """Else a later claim would be refuted with a value that does not hold."""
    assert "x" not in verify_output(text, Scope({"x": Fraction(9)})).scope


def test_a_claim_that_rests_on_a_rounded_value_is_not_refuted() -> None:
    first = verify_output("rate = 10 / 3 = 3.3")
    assert first.scope["rate"] == Fraction(33, 10)
    assert verify_output("300 * rate = 1000", first.scope).verdict is Verdict.UNCHECKED


@pytest.mark.parametrize("end", ["", " = 9 + 0.99", " = 9.99"])
def test_what_comes_of_a_rounded_value_is_rounded_too(end: str) -> None:
    text = f"r = 10 / 3 = 3.33. t = r * 3 = 9.99{end}. t * 100 = 1000"
    assert verify_output(text).verdict is Verdict.VERIFIED
    exact = text.replace("10 / 3 = 3.33", "3 + 0.33")
    assert verify_output(exact).checks[-1].verdict is Verdict.REFUTED


def test_the_caller_keeps_its_scope() -> None:
    """Dead ends are dropped by going back to an earlier scope: it must not have changed."""
    before = Scope({"m": Fraction(24)})
    verify_output("m = 1 + 1, n = 3", before)
    assert before == {"m": Fraction(24)}
    with pytest.raises(AttributeError):
        before.extra = 1  # type: ignore[attr-defined]


def test_the_empty_scope_stays_empty() -> None:
    verify_output("m = 5")
    assert len(Scope.EMPTY) == 0


def test_a_scope_forgets_its_oldest_names() -> None:
    scope = verify_output("\n".join(f"v{n}a = {n}" for n in range(MAX_NAMES + 5))).scope
    assert len(scope) == MAX_NAMES
    assert "v4a" not in scope
    assert scope[f"v{MAX_NAMES + 4}a"] == MAX_NAMES + 4


def test_a_verification_is_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        verify_output("1 + 1 = 2").verdict = Verdict.REFUTED  # type: ignore[misc]


def test_text_beyond_the_limit_is_not_scanned_and_not_cut_inside_a_number() -> None:
    filler = "word " * (MAX_TEXT // 5 - 3)
    cut = filler + "6 + 6 = " + "1" * 20
    assert verify_output(cut).verdict is Verdict.UNCHECKED
    assert verify_output("1 + 1 = 2\n" + cut).verdict is Verdict.VERIFIED


def test_checks_are_capped() -> None:
    assert len(verify_output("1+1=2; " * (MAX_CHECKS + 50)).checks) == MAX_CHECKS


def test_text_without_a_relation_costs_nothing() -> None:
    """Most of what a model writes between claims takes this path."""
    assert verify_output("She sold clips to 48 of her friends. " * 50).steps == 0
