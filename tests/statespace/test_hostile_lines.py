"""The verifier is total: no line makes it raise, leave its budget, or say what it cannot know."""

from __future__ import annotations

import pytest

from statespace.arithmetic.limits import MAX_CHECKS, MAX_NAMES, MAX_STEPS
from statespace.trace import Verdict
from statespace.verifier import verify_output


def hostile_lines(many: int, deep: int) -> dict[str, str]:
    """The lines by name; `many` characters or `deep` levels in those that repeat something.

    Short ones reach every stage; long ones are cut at the verifier's limit on text.
    """
    return {
        # Numbers that are too large to compute with.
        "power tower": "9^9^9^9 = 1",
        "power tower of words": "9**9**9**9**9 = 9",
        "long power tower": "2" + "^2" * deep + " = 4",
        "braced power tower": "2^{2^{2^{2^{2^{2}}}}} = 1",
        "huge exponent": "2^999999999999 = 0",
        "huge negative exponent": "2^-999999999999 = 0",
        "exponent of many digits": "2^" + "9" * 39 + " = 1",
        "huge fractional exponent": "2^(1/99999999999) = 1",
        "products that grow": "9^99 * 9^99 * 9^99 * 9^99 * 9^99 * 9^99 = 1",
        "repeated squaring": "((((((99^99)^99)^99)^99)^99)^99) = 1",
        "many digits": "9" * many + " + 1 = 2",
        "many decimals": "0." + "3" * many + " * 3 = 1",
        "many digits stated": "1 + 1 = " + "2" * many,
        "many thousands groups": "1" + ",000" * deep + " + 1 = 2",
        "huge fraction": "1/" + "7" * 39 + " + 1/" + "3" * 39 + " = 1",
        "fractions that grow": " + ".join(f"1/{n}" for n in range(2, deep)) + " = 7",
        "long product": " * ".join(["99999999999999999999"] * deep) + " = 1",
        "factorials": "170! / 168! = 28730!!!!!!!!",
        # Values that do not exist.
        "division by zero": "1/0 = 1",
        "division by computed zero": "5 / (3 - 3) = 0",
        "zero by zero": "0/0 = 0",
        "zero to the zero": "0^0 = 1",
        "zero to a negative": "0^-1 = 0",
        "root of a negative": "-1^(1/2) = 1",
        "root of a bracketed negative": "(-1)^(1/2) = 1",
        "latex division by zero": r"\frac{1}{0} = 0",
        "infinity": "inf + 1 = inf, nan = nan, Infinity - Infinity = 0",
        # Shapes that make naive parsers recurse or rescan.
        "deep brackets": "(" * deep + "1" + ")" * deep + " = 1",
        "deep mixed brackets": "([{" * deep + "1+1" + "}])" * deep + " = 2",
        "only opening brackets": "(" * many + " = 1",
        "only closing brackets": ")" * many + " = 1",
        "unclosed sums": "(1+" * deep + "1 = 2",
        "crossed brackets": "(1 + [2) * 3] = 9",
        "brackets of words": "(a " * deep + "1 + 1 = 2",
        "deep latex fractions": r"\frac{1}{" * deep + "1" + "}" * deep + " = 1",
        "deep boxes": r"\boxed{" * deep + "1 + 1" + "}" * deep + " = 2",
        "many equals": "=" * many,
        "many spaced equals": "= " * many,
        "many approximations": "≈" * many,
        "many minus signs": "-" * many + "1 = 1",
        "many spaced minus signs": "- " * many + "1 = 1",
        "alternating signs": "+-" * deep + "1 = 1",
        "many slashes": "/" * many + " = 1",
        "many stars": "*" * many + " = 1",
        "many carets": "2" + "^" * many + "2 = 4",
        "many dots": "." * many + "1 = 1",
        "many commas": "1" + "," * many + "1 = 2",
        "number of dots": "1" + ".1" * deep + " = 1",
        "many dollars": "$" * many + "1 + 1 = 2",
        "many percents": "1" + "%" * many + " + 1 = 2",
        "many backslashes": "\\" * many + " = 1",
        "many apostrophes": "a" + "'a" * deep + " = 1 + 1 = 2",
        "many hyphens in a word": "aa" + "-aa" * deep + " = 1 + 1 = 2",
        "many newlines": "\n" * many + "= 1 + 1 = 2",
        "newlines and spaces": "\n    " * deep + "= 1 + 1 = 2",
        "many spaces": "1 + 1" + " " * many + "= 2",
        "many articles": "a " * many + "= 2 + 2",
        "many unit words": "5 " + "very " * deep + "apples + 3 = 8",
        "many remarks": "5 " + "(or so) " * deep + "+ 3 = 8",
        "long sum": "1 + " * deep + "1 = 5001",
        "long chain": "1 + 1" + " = 2" * deep,
        "long computed chain": " = ".join(["1 + 1"] * deep),
        "many claims": "1 + 1 = 2, " * deep,
        "many names": " ".join(f"n{n}x = {n} + 1;" for n in range(deep)),
        "one long word": "x" * many + " = 1 + 1 = 2",
        "one long name": "the very long name of " * deep + "x = 1 + 1 = 2",
        "many heads": " = ".join(f"h{n}" for n in range(deep)) + " = 1" * deep,
        "self reference": "x = x + 1 = x + 2 = x",
        "crossed names": "a = b + 1, b = a + 1, a = b + 1 = a",
        # Code, control characters and other alphabets.
        "import": "__import__('os').system('id') = 1 + 1",
        "sympy": "S('1').__class__ = 2 + 2 = 4",
        "format string": "{0.__class__} + %s%n = 1 + 1 = 2",
        "sql": "1 + 1 = 2'; DROP TABLE traces; --",
        "html": "<script>1 + 1 = 3</script>",
        "header": "State 4:\nAction: Summarize\nOutput: 1 + 1 = 3",
        "chat control": "<|im_end|>1 + 1 = 2<|im_start|>",
        "nul": "1\x00+\x001\x00=\x002",
        "control characters": "".join(map(chr, range(32))) + "1 + 1 = 2" + "\x7f",
        "binary": bytes(range(256)).decode("latin-1") + " = 1 + 1",
        "lone surrogate": "\ud800 1 + 1 = 2 \udfff",
        "surrogates as operands": "\ud83d + \ude00 = 2 + 2 = 4",
        "right to left": "\u202e2 = 1 + 1\u202c",
        "zero width": "1\u200b + \u200b1 = 2\ufeff",
        "arabic digits": "٣ + ٤ = ٧",
        "devanagari digits": "३ + ४ = 8",
        "fullwidth": "３ ＋ ４ ＝ ８ = 3",
        "superscripts": "5²³ = 25, ² = 4, x² = 9",
        "vulgar fractions": "½½ + ¼ = ¾½, 1½/0 = 1",
        "roman numerals": "Ⅷ + Ⅳ = 12 + 0",
        "mathematical letters": "𝟑 + 𝟒 = 8 + 0",
        "combining marks": "1\u0301 + 1\u0301 = 2\u0301",
        "emoji": "🍎 + 🍎 = 2 * 🍎 = 🍏",
        "line separators": "1 + 1\u2028= 2\u2029= 3\x85",
        "empty": "",
        "only an equals sign": "=",
        "only spaces": " \t\r\n\v\f",
        "operators only": "+ - * / ^ = + - * / ^",
        "equals at both ends": "= 1 + 1 =",
        "byte order mark": "\ufeff1 + 1 = 2",
    }


SHORT = hostile_lines(many=4_000, deep=1_200)
LONG = hostile_lines(many=100_000, deep=10_000)

UNKNOWABLE = [
    "power tower", "power tower of words", "long power tower", "braced power tower",
    "huge exponent", "huge negative exponent", "exponent of many digits",
    "huge fractional exponent", "products that grow", "repeated squaring", "many digits",
    "many decimals", "many digits stated", "long product", "division by zero",
    "division by computed zero", "zero by zero", "zero to the zero", "zero to a negative",
    "root of a negative", "root of a bracketed negative", "latex division by zero", "infinity",
    "deep brackets", "import", "nul", "zero width", "arabic digits", "devanagari digits",
    "fullwidth", "roman numerals", "mathematical letters", "combining marks", "emoji", "binary",
    "self reference", "crossed names",
]  # fmt: skip


def assert_sound(text: str) -> None:
    found = verify_output(text)
    assert found.steps <= MAX_STEPS
    assert len(found.checks) <= MAX_CHECKS
    assert len(found.scope) <= MAX_NAMES
    for check in found.checks:
        assert text[check.start : check.end] == check.claim


@pytest.mark.parametrize("name", SHORT)
def test_a_hostile_line_of_moderate_length_stays_within_the_budget(name: str) -> None:
    assert_sound(SHORT[name])


@pytest.mark.parametrize("name", LONG)
def test_a_hostile_line_beyond_the_text_limit_stays_within_the_budget(name: str) -> None:
    assert_sound(LONG[name])


@pytest.mark.parametrize("name", UNKNOWABLE)
def test_what_cannot_be_computed_is_unchecked(name: str) -> None:
    assert verify_output(SHORT[name]).verdict is Verdict.UNCHECKED


def test_a_power_tower_costs_a_handful_of_steps() -> None:
    """If this grows, the tower is being computed instead of being turned away."""
    assert verify_output("9^9^9^9 = 1").steps < 50


def test_steps_grow_linearly_with_the_text() -> None:
    """A quadratic scan would cost four times as much for twice the text."""
    for unit in ("12 apples * 3 dollars/apple = $36, ", "x1y = 3 + 4 = 7; ", "((1 + 2) * 3) = 9. "):
        once, twice = (verify_output(unit * count).steps for count in (60, 120))
        assert twice <= 2 * once + 10


@pytest.mark.parametrize("line", ["1 + 1 = 3", "2 = 1 + 1", "48 + 24 = 72"])
def test_noise_around_a_claim_neither_hides_nor_changes_it(line: str) -> None:
    bare = verify_output(line).verdict
    for noise in ("\x00", "\ud800", "\u202e", "\ufeff", "🍎", "\x7f"):
        assert verify_output(f"{noise} {line} {noise}").verdict is bare
