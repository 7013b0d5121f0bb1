"""GSM8K's annotated solutions → traces, by rule alone.

Published solutions mark their arithmetic (`48/2 = <<48/2=24>>24 clips in May.`). Each marked line
becomes one quantity: its name is the words after (or else before) the equation, and where an
operand is the result of an earlier line, that line's symbol stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from statespace.actions import Action
from statespace.trace import Verdict
from statespace.verifier import Scope, verify_output
from training.problems.graph import SYMBOLS
from training.problems.gsm8k import FINAL
from training.problems.nouns import words
from training.traces.arithmetic import worked
from training.traces.graph import Pairs, decomposed, upper

_ANNOTATION = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
_TOKEN = re.compile(r"\d+\.?\d*|\.\d+|[-+*/()]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_EQUATION = re.compile(r"[=$€£\s\d.,%()+*/x×÷-]*$")
_NAME_WORDS = 8
_LEADING = frozenset(words("so then thus therefore hence that this means and now finally the a an"))
_TRAILING = frozenset(
    words(
        """is was are were be equals cost costs of x to a an the for at because has have he she
        they it there will so and with by in"""
    )
)


@dataclass(frozen=True, slots=True)
class _Line:
    """One marked line: its name, the flat tokens of its expression, and its result."""

    name: str
    tokens: tuple[str, ...]
    result: str


@dataclass(frozen=True, slots=True)
class _Step:
    symbol: str
    description: str
    expression: str
    chain: str


def trace(question: str, solution: str) -> Pairs | None:
    """The transitions that a published solution amounts to.

    None where its marks don't support them: no marked line gives the final answer, a mark isn't
    plain arithmetic, or an equation doesn't hold.
    """
    body, _, final = solution.rpartition(FINAL)
    lines = [_line(text) for text in body.splitlines() if _states_operation(text)]
    known = [line for line in lines if line is not None]
    answer = _normal(final)
    if answer is None or len(known) < len(lines) or len(lines) > len(SYMBOLS):
        return None
    while known and Fraction(known[-1].result) != Fraction(answer):
        known.pop()
    if not known:
        return None
    pairs = _pairs(_steps(question, known), answer)
    return pairs if _holds(pairs) else None


def _states_operation(text: str) -> bool:
    """Whether a line is marked, and with more than a bare number (`<<13=13>>`)."""
    marks = _ANNOTATION.findall(text)
    return "<<" in text and not (len(marks) == 1 and _normal(marks[0][0]) is not None)


def _line(text: str) -> _Line | None:
    marks = _ANNOTATION.findall(text)
    if len(marks) != 1 or text.count("<<") != 1:
        return None
    expression, result = marks[0]
    tokens = _TOKEN.findall(expression)
    value = _normal(result)
    plain = expression.replace(" ", "").replace(",", "")
    if value is None or "".join(tokens) != plain or len(tokens) < 3:
        return None
    before, _, after = text.partition("<<")
    after = after.partition(">>")[2].lstrip("$€£").removeprefix(result.strip())
    name = _name(after) or _name(_EQUATION.sub("", before), last=True)
    numbers = tuple(_normal(token) or token for token in tokens)
    return _Line(name or "result", numbers, value)


def _normal(text: str) -> str | None:
    """A number as plain digits (".5" is "0.5", "1,000" is "1000"), or None."""
    digits = text.strip().replace(",", "").lstrip("$€£").rstrip(".")
    if digits.startswith("."):
        digits = "0" + digits
    return digits if _NUMBER.fullmatch(digits) else None


def _name(text: str, *, last: bool = False) -> str:
    """The first (or last) words of a text that could name a quantity; empty if there are none."""
    clause = re.split(r"[.;:=(]", text.strip(" .,;:-%$"))[-1 if last else 0].lower()
    found = [word.strip(",'") for word in clause.split() if re.fullmatch(r"[a-z',-]+", word)]
    while found and found[0] in _LEADING:
        found.pop(0)
    while found and found[-1] in _TRAILING:
        found.pop()
    return " ".join(found[-_NAME_WORDS:] if last else found[:_NAME_WORDS])


def _steps(question: str, lines: Sequence[_Line]) -> list[_Step]:
    stated = set(_NUMBER.findall(question.replace(",", "")))
    symbols: dict[str, str] = {}
    steps: list[_Step] = []
    for symbol, line in zip(SYMBOLS, lines, strict=False):
        expression = " ".join(symbols.get(token, token) for token in line.tokens)
        numbers = " ".join(line.tokens)
        forms = dict.fromkeys((expression, numbers))
        chain = [symbol, *forms, *_worked(list(line.tokens), line.result)]
        steps.append(_Step(symbol, line.name, expression, " = ".join(chain)))
        if line.result not in stated:
            symbols[line.result] = symbol
    return steps


def _worked(tokens: list[str], result: str) -> list[str]:
    if "(" in tokens or any(not token.replace(".", "").isdigit() for token in tokens[::2]):
        return [result]
    return worked(tokens, result)


def _pairs(steps: Sequence[_Step], answer: str) -> Pairs:
    *earlier, goal = steps
    definitions = [f"{upper(s.description)}: {s.symbol} = {s.expression}." for s in earlier]
    definitions.append(f"Find the {goal.description}: {goal.symbol} = {goal.expression}.")
    return (
        (Action.FORMALIZE, " ".join(definitions)),
        (Action.DECOMPOSE, decomposed([(step.symbol, step.description) for step in steps])),
        *((Action.SOLVE_SUBQUESTION, step.chain) for step in steps),
        (Action.SOLVE_PARENT, f"The answer is {goal.symbol} = {answer}."),
        (Action.SUMMARIZE, f"The final answer is \\boxed{{{answer}}}."),
    )


def _holds(pairs: Pairs) -> bool:
    """Whether every solved step is verified and nothing is refuted."""
    scope = Scope.EMPTY
    for action, output in pairs:
        found = verify_output(output, scope)
        scope = found.scope
        refuted = found.verdict is Verdict.REFUTED
        if refuted or (
            action is Action.SOLVE_SUBQUESTION and found.verdict is not Verdict.VERIFIED
        ):
            return False
    return True
