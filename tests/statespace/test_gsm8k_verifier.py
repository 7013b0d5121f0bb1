"""The verifier against GSM8K's training solutions (Cobbe et al. 2021, arXiv 2110.14168; MIT).

Every solution carries calculator annotations, `48/2 = <<48/2=24>>24`. Without them it is the plain
text that a model would write; with them one knows which equations the text holds.
"""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest

from statespace.trace import Check, Verdict
from statespace.verifier import verify_output

_ANNOTATION = re.compile(r"<<([^>]*)>>")
_SIGNS: dict[type, int] = {ast.USub: -1, ast.UAdd: 1}
_OPERATIONS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_RESULT = re.compile(r"[$£€ -]*([0-9][0-9,.]*[0-9]|[0-9])")

HUMAN_ERRORS = {
    "192*100=$1920", "6*2.5 = $18.00", "6/3=.5", "4080 + 4080 / 2 = 4000 + 2040",
    "4000 + 2040 = 6120", "3/1=1", "1550 cubic inches / 50 cubic inches/pump = 29", "8*3 = 240",
    "$4200+$3000 = $8600", "10 x .5 = 10", "2*8 = 24", "200*.55=100", "5 x 1/2 = 10",
    "13 marbles + 4 marbles + 16 marbles = 45", "7+9+1+2 = $19.50", "70 + 40 = 100",
    "10 x 1,248 = 11,480", "2 / 12 = .125", "3 x (8/16) = 6", "4+4+6 = 18", "50-8 = 44",
    "500/ 2/5 = 200", "1152/ 1,536 = .5", "14*20=140",
}  # fmt: skip
"""Refuted claims that are wrong as written, each read in its solution. Most are slips of the pen
beside a right annotation (`8*3 = <<80*3=240>>240`), the rest wrong sums without one. The
annotations themselves are all exactly true."""


@dataclass
class Figures:
    """What one pass over the solutions counts."""

    annotated: int = 0
    inexact: int = 0
    found: int = 0
    claims: int = 0
    changed: int = 0
    caught: int = 0
    steps_per_character: float = 0.0
    refuted: list[Check] = field(default_factory=list)


def plain_text(answer: str) -> tuple[str, list[tuple[int, str]]]:
    """A solution without annotations and final answer; each annotation with its offset."""
    solution = answer.partition("\n####")[0]
    parts, annotations, at, length = [], [], 0, 0
    for match in _ANNOTATION.finditer(solution):
        parts.append(solution[at : match.start()])
        length += match.start() - at
        annotations.append((length, match.group(1)))
        at = match.end()
    return "".join([*parts, solution[at:]]), annotations


def evaluate(node: ast.AST) -> Fraction:
    """The value of an annotation's side, by means that share nothing with the verifier."""
    match node:
        case ast.Expression(body=operand):
            return evaluate(operand)
        case ast.Constant(value=int() | float()):
            return Fraction(ast.unparse(node))
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)] * evaluate(operand)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATIONS:
            return _OPERATIONS[type(operation)](evaluate(left), evaluate(right))
    raise ValueError(ast.dump(node))


def is_true(annotation: str) -> bool | None:
    """Whether an annotated equation is exactly true; None where it is not plain arithmetic."""
    left, _, right = annotation.partition("=")
    try:
        sides = [
            evaluate(ast.parse(re.sub(r"(?<![0-9.])0+(?=[0-9])", "", side.strip()), mode="eval"))
            for side in (left, right)
        ]
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None
    return sides[0] == sides[1]


def with_one_digit_changed(text: str, offset: int) -> tuple[str, int] | None:
    """The line around an annotation with one digit of the result changed, and its offset there."""
    result = _RESULT.match(text, offset)
    if result is None:
        return None
    digits = [at for at in range(*result.span(1)) if text[at].isdigit()]
    at = digits[offset * 7 % len(digits)]
    other = str((int(text[at]) + 1 + offset % 9) % 10)
    first = text.rfind("\n", 0, offset) + 1
    last = text.find("\n", offset)
    return text[first:at] + other + text[at + 1 : last if last >= 0 else None], offset - first


def at_place(checks: tuple[Check, ...], offset: int) -> Iterator[Check]:
    """The decided checks that hold the place `offset`."""
    return (
        check
        for check in checks
        if check.start < offset <= check.end and check.verdict is not Verdict.UNCHECKED
    )


def measure(path: Path) -> Figures:
    """Verify every solution in a GSM8K file, and every annotated line once more with an error."""
    figures = Figures()
    steps = characters = 0
    for row in path.read_text(encoding="utf-8").splitlines():
        text, annotations = plain_text(json.loads(row)["answer"])
        verification = verify_output(text)
        steps += verification.steps
        characters += len(text)
        decided = [c for c in verification.checks if c.verdict is not Verdict.UNCHECKED]
        figures.claims += len(decided)
        figures.refuted += [c for c in decided if c.verdict is Verdict.REFUTED]
        for offset, annotation in annotations:
            figures.annotated += 1
            figures.inexact += is_true(annotation) is False
            check = next(at_place(verification.checks, offset), None)
            figures.found += check is not None
            changed = with_one_digit_changed(text, offset)
            if check is None or check.verdict is Verdict.REFUTED or changed is None:
                continue
            line, place = changed
            figures.changed += 1
            figures.caught += any(
                found.verdict is Verdict.REFUTED
                for found in at_place(verify_output(line).checks, place)
            )
    figures.steps_per_character = steps / characters
    return figures


@pytest.fixture(scope="module")
def training(data_dir: Path) -> Figures:
    figures = measure(data_dir / "gsm8k" / "train.jsonl")
    false = [c for c in figures.refuted if c.claim not in HUMAN_ERRORS]
    print(
        f"\nannotated {figures.annotated} (not exactly true: {figures.inexact}), "
        f"found {figures.found / figures.annotated:.2%}; claims {figures.claims}, "
        f"refuted {len(figures.refuted)}, falsely {len(false) / figures.claims:.4%}; "
        f"one digit changed {figures.changed}, caught {figures.caught / figures.changed:.2%} "
        f"({figures.caught / figures.annotated:.2%} of all annotated); "
        f"{figures.steps_per_character:.2f} steps per character"
    )
    return figures


def test_at_least_95_percent_of_the_annotated_equations_are_found(training: Figures) -> None:
    assert (training.annotated, training.inexact) == (23_716, 0)
    assert training.found / training.annotated >= 0.95


def test_at_most_1_claim_in_1000_is_falsely_refuted(training: Figures) -> None:
    false = [check.claim for check in training.refuted if check.claim not in HUMAN_ERRORS]
    assert len(false) / training.claims <= 0.001, false


def test_the_human_errors_are_refuted(training: Figures) -> None:
    """Fails when the list is stale: an error that is no longer noticed, or is not in the data."""
    assert {check.claim for check in training.refuted} >= HUMAN_ERRORS


def test_at_least_95_percent_are_refuted_once_a_digit_is_changed(training: Figures) -> None:
    assert training.caught / training.changed >= 0.95
    assert training.caught / training.annotated >= 0.95


def test_ordinary_text_takes_few_steps(training: Figures) -> None:
    """The hot path of the server: if this grows, so does the time per character."""
    assert training.steps_per_character < 1
