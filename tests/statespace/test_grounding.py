"""Numbers that were made up or passed over: the plainest signs of a misread problem."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from statespace.actions import LABELS, Action
from statespace.grounding import MAX_REASONING, grounding, told, unsaid, unused
from statespace.solutions import Grounding, Path, Solution, Status
from statespace.trace import Transition
from training.problems import generator
from training.traces import graph


@pytest.mark.parametrize(
    ("question", "formalized", "found"),
    [
        ("Ann has 3 pens and buys 4.", "Pens: a = 3. Bought: b = 4. c = a + b.", ()),
        ("Ann has three pens.", "a = 3.", ()),
        ("Ann has 3 pens.", "a = 5.", ("5",)),
        ("Hello", "a = 12. b = 20. c = 12.", ("12", "20")),
        ("It costs $1,200.50.", "Price: a = 1200.50.", ()),
        ("Two hundred and five eggs, twenty-four hens", "a = 205. b = 24.", ()),
        ("One thousand two hundred", "a = 1000. b = 1200.", ()),
        ("How many nines are in 108?", "a = 108. b = 9.", ()),
        ("A dozen eggs a week", "a = 12. b = 7.", ()),
        ("Half of a quarter of 30%", "a = 4. b = 30. c = 0.3.", ()),
        ("75 cents each", "a = 0.75.", ()),
        ("1/4 of them", "a = 4. b = 0.25.", ()),
        ("Buy 5,6 or 70", "a = 5. b = 6. c = 70.", ()),
        ("Any", "a = 0. b = 1. c = 2. d = 100.", ()),
        ("A ball is dropped from 20 m.", "Length: a = 20. Width: b = 20.", ("20",)),
        ("A box of 9 by 9 by nine", "a = 9. b = 9. c = 9.", ()),
        ("A box of 9 by 9 by nine", "a = 9. b = 9. c = 9. d = 9.", ("9",)),
        # Expressions and shares are no givens.
        ("Any", "a = 5 * 7. b = 20.5 / 3. c = 9%", ()),
        ("Any", "a = 12,345 * 3. b = 5,000 / 4. c = 75,000 - 3. d = 13 – a", ()),
        ("Any", "a = 14 x b. c = 15 \\times 3. d = 16 \\cdot 2. e = 3b. f = 5 = 7", ()),
        ("Ann has 3 pens", "a = 3.\na = 3.", ()),
        ("Ann has 3 pens.12 of them are red", "a = 3. b = 12.", ()),
        ("2 1/2 hours at 5 million", "a = 2.5. b = 5,000,000.", ()),
        ("$5k for 3 dozen, half of it", "a = 5000. b = 36. c = 0.5.", ()),
        ("three dozen for a nickel and a quarter", "a = 36. b = 0.05. c = 0.25.", ()),
        ("sizes 100,200,300 and 10 000", "a = 200. b = 300. c = 10000.", ()),
        ("Any", "no numbers", ()),
    ],
)
def test_numbers_taken_for_given_that_the_question_does_not_say(
    question: str, formalized: str, found: tuple[str, ...]
) -> None:
    assert unsaid(question, formalized) == found


@pytest.mark.parametrize(
    ("question", "reasoning", "found"),
    [
        ("Ann has 3 pens and 4 caps. Pens?", "a = 3", ("4",)),
        ("Ann has 3 pens and 3 caps.", "a = 5", ("3",)),
        ("30% of 50", "a = 0.3 * 50", ()),
        ("30% off 50", "50 * 0.7", ()),
        ("30 % more than 50", "50 * 1.3", ()),
        ("30% of 50", "50 / 3", ("30%",)),
        ("1/4 of 8", "8 / 4", ()),
        ("1/4 of 8", "8 * 0.25", ()),
        ("$1,200.00", "1200", ()),
        ("Each 1 pen costs 2", "2", ()),
        ("5/0", "5", ()),
        ("3 and 4", "three plus four", ()),
        ("2 1/2 hours", "2.5", ()),
        ("Ann has 3 pens.12 are red", "3 and 12", ()),
        ("100,200,300 and 10 000", "100 200 300 10000", ()),
        ("5 and 31", "7 " * 400 + "31 5", ()),
        ("", "5", ()),
    ],
)
def test_numerals_of_the_question_that_nothing_uses(
    question: str, reasoning: str, found: tuple[str, ...]
) -> None:
    assert unused(question, reasoning) == found


def test_right_traces_take_nothing_from_elsewhere_and_pass_over_distractors_only() -> None:
    """Of every kind of problem that the generator makes, in seen and held-out wordings."""
    passed = 0
    for split in ("seen", "heldout"):
        for index in range(400):
            problem = generator.generate(5, index, split=split)
            assert unsaid(problem.question, graph.trace(problem)[0][1]) == (), problem.question
            passed += bool(unused(problem.question, graph.text(problem)))
    assert 0 < passed < 80  # a seventh has a distractor, some of those a number


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_are_taken(question: str, reasoning: str) -> None:
    unsaid(question, reasoning)
    assert unused(question, question) == ()
    unused(question, reasoning)


@pytest.mark.parametrize(
    "text", ["1", "a = 1,", "1,", "a=", "1 ", "1/", "five ", "a = 1,000", "1 2/3 "]
)
def test_long_texts_cost_little(text: str) -> None:
    text *= MAX_REASONING // len(text)
    begin = time.process_time()
    unsaid(text, text)
    unused(text, text)
    assert time.process_time() - begin < 5  # backtracking would take minutes


def transition(number: int, action: Action, output: str) -> Transition:
    return Transition(
        id=number, parent=number - 1, number=number, action=action, label=LABELS[action],
        output=output, target=None, legal=True, checks=(), tokens=1, seconds=0.0,
    )  # fmt: skip


def test_only_what_the_answer_rests_on_counts() -> None:
    first = transition(1, Action.FORMALIZE, "a = 3. b = 9.")
    second = transition(2, Action.SOLVE_PARENT, "3 + 4 = 7")
    dead = transition(3, Action.FORMALIZE, "a = 77.")
    made = Solution(
        id="sol_1", status=Status.COMPLETED, question="3 and 4 and 5", model="m", strategy="guided",
        answer="7", answer_path=0, transitions=(first, second, dead), created_at=0.0,
        paths=(Path(path=0, states=(0, 1, 2), answer="7", resolved=True),),
    )  # fmt: skip
    assert grounding(made) == Grounding(unsaid=("9",), unused=("5",))
    assert told(grounding(made)) == [
        "It takes 9 for given, not from the problem.",
        "No step mentions 5, which the problem gives.",
    ]
    assert grounding(made.model_copy(update={"answer": None})) is None
    assert grounding(made.model_copy(update={"question": "3 " * 5_000})) is None
    assert told(None) == told(Grounding()) == []
    assert told(Grounding(unsaid=tuple("34567"))) == [
        "It takes 3, 4, 5 and 2 more for given, not from the problem."
    ]
    unformalized = made.model_copy(update={"transitions": (second,)})
    assert grounding(unformalized) is None
