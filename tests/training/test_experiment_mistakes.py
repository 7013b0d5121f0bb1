"""What an answer gets wrong first is told alike for chains and traces."""

from __future__ import annotations

import pytest

from training.evaluation.judgement import judge_text
from training.experiment import mistakes, texts
from training.experiment.answers import Answer
from training.experiment.chains import chain
from training.experiment.mistakes import Mistake, mistake
from training.problems.problem import Problem, Quantity

PROBLEM = Problem(
    id="p",
    question="There are 4 bags of 12 eggs. 5 eggs break. How many are left?",
    answer="43",
    source="procedural",
    split="seen",
    operations=2,
    relations=("groups_of", "loss"),
    quantities=(
        Quantity("a", "number of bags", "4"),
        Quantity("b", "eggs in each", "12"),
        Quantity("c", "eggs in all", "48", "a * b"),
        Quantity("d", "eggs that break", "5"),
        Quantity("e", "eggs left", "43", "c - d"),
    ),
    unit="eggs",
)
WRITERS = (chain, texts.trace, texts.short)


def told(text: str) -> Mistake:
    return mistake(Answer(PROBLEM, 0, text, judge_text(text, PROBLEM)))


@pytest.mark.parametrize("write", WRITERS)
def test_solutions_hold_the_steps_of_their_graph(write: texts.Writer) -> None:
    assert mistakes.steps(write(PROBLEM)) == mistakes.expected(PROBLEM)
    assert told(write(PROBLEM)) is Mistake.NONE


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("right", "wrong", "kind"),
    [
        ("43", "42", Mistake.ARITHMETIC),
        ("48 - 5 = 43", "48 + 5 = 53", Mistake.OPERATION),
        ("48 - 5 = 43", "48 - 6 = 42", Mistake.NUMBER),
        ("48 - 5 = 43", "43", Mistake.OPERATION),
        ("boxed{43}", "boxed{44}", Mistake.ANSWER),
        ("\\boxed{43}", "", Mistake.UNFINISHED),
    ],
)
def test_the_first_mistake_is_told(
    write: texts.Writer, right: str, wrong: str, kind: Mistake
) -> None:
    text = write(PROBLEM)
    assert right in text
    changed = text.replace(right, wrong)
    if kind is not Mistake.ANSWER and kind is not Mistake.UNFINISHED:
        changed = changed.replace("boxed{43}", "boxed{1}")
    if kind is Mistake.UNFINISHED:
        changed = changed.replace("The answer is e = 43 eggs.", "It is known.")
    assert told(changed) is kind


def test_factors_and_terms_may_change_places() -> None:
    assert (
        told(chain(PROBLEM).replace("4 * 12", "12 * 4").replace("43", "44")) is Mistake.ARITHMETIC
    )
