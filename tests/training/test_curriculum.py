"""Wrong traces, their faults and their repairs: what stage 2 teaches must be true."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from statespace import answers
from statespace.actions import Action
from statespace.parser import parse
from statespace.reader import read
from statespace.text import SEPARATOR, render
from statespace.trace import Verdict
from training.curriculum import pairs, repair
from training.curriculum.collect import Collection, shared, written
from training.curriculum.corrections import Corrections
from training.curriculum.faults import locate
from training.curriculum.wrong import REFUTABLE, Kind, Wrong, corrupt
from training.problems import gsm8k
from training.problems.generator import generate
from training.problems.problem import Problem
from training.rows import PairRow, TraceRow
from training.traces import graph
from training.traces.graph import Pairs

some = settings(max_examples=80, deadline=None)
problems = st.integers(0, 10**6).map(lambda index: generate(41, index))


@st.composite
def corrupted(draw: st.DrawFn) -> tuple[Problem, Wrong]:
    """A generated problem with a wrong trace."""
    problem = draw(problems)
    made = corrupt(problem, Random(draw(st.integers(0, 999))))
    assert made is not None
    return problem, made


@some
@given(corrupted())
def test_a_wrong_trace_is_legal_and_misses_the_answer(case: tuple[Problem, Wrong]) -> None:
    problem, wrong = case
    trace = read(render(wrong.states), problem.question)
    assert trace.resolved
    assert not answers.equal(trace.answer or "", problem.answer)
    assert all(transition.legal for transition in trace.transitions)
    assert wrong.states[: wrong.first] == graph.trace(problem)[: wrong.first]
    assert wrong.states[wrong.first] != graph.trace(problem)[wrong.first]


@some
@given(corrupted())
def test_after_the_first_wrong_state_a_trace_agrees_with_itself(
    case: tuple[Problem, Wrong],
) -> None:
    """Else the model is shown a second mistake, which no one names."""
    _, wrong = case
    trace = read(render(wrong.states))
    refuted = [t.id - 1 for t in trace.transitions if t.verdict is Verdict.REFUTED]
    assert refuted in ([], [wrong.first])
    if wrong.kind not in REFUTABLE:
        assert not refuted


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_made_and_seen_by_the_verifier_or_not(kind: Kind) -> None:
    """Nearly every slip is refuted; some are within the rounding that the verifier allows."""
    verdicts: Counter[bool] = Counter()
    for index in range(400):
        problem = generate(42, index, operations=(2, 4))
        wrong = corrupt(problem, Random(index), [kind])
        if wrong is not None:
            assert wrong.kind is kind
            state = read(render(wrong.states)).transitions[wrong.first]
            verdicts[state.verdict is Verdict.REFUTED] += 1
    assert verdicts.total() > 10
    if kind in REFUTABLE:
        assert verdicts[True] > 0.9 * verdicts.total()
    else:
        assert not verdicts[True]


def test_corruption_is_a_function_of_its_arguments() -> None:
    problem = generate(1, 1)
    assert corrupt(problem, Random(3)) == corrupt(problem, Random(3))


def test_a_problem_without_a_graph_is_refused() -> None:
    with pytest.raises(ValueError, match="no graph"):
        corrupt(replace(generate(1, 1), quantities=()), Random(1))


@some
@given(problems)
def test_a_correct_trace_has_no_fault(problem: Problem) -> None:
    """A false alarm here would become a lesson in doubting what is right."""
    assert locate(problem, read(graph.text(problem))) is None


@some
@given(corrupted())
def test_the_first_wrong_state_is_found(case: tuple[Problem, Wrong]) -> None:
    problem, wrong = case
    fault = locate(problem, read(render(wrong.states)))
    assert fault is not None
    assert fault.index == wrong.first


@some
@given(corrupted())
def test_a_repair_leads_to_the_right_answer_and_leaves_the_wrong_state(
    case: tuple[Problem, Wrong],
) -> None:
    problem, wrong = case
    mended = repair.by_graph(problem, wrong.states)
    assert mended is not None
    trace = read(mended.prefix(wrong=True) + mended.correction(), problem.question)
    assert all(transition.legal for transition in trace.transitions)
    assert answers.equal(trace.answer or "", problem.answer)
    numbers = [transition.number for transition in trace.transitions]
    assert numbers == list(range(1, len(numbers) + 1))
    verify, backtrack = trace.transitions[wrong.first + 1 : wrong.first + 3]
    assert (verify.action, backtrack.action) == (Action.VERIFY, Action.BACKTRACK)
    assert (verify.parent, backtrack.target) == (wrong.first + 1, wrong.first)
    newest, path = trace.transitions[-1], set()
    by_id = {transition.id: transition for transition in trace.transitions}
    while newest.parent:
        newest = by_id[newest.parent]
        path.add(newest.id)
    assert wrong.first + 1 not in path
    refuted = {t.id for t in trace.transitions if t.verdict is Verdict.REFUTED}
    assert refuted <= {wrong.first + 1}


@some
@given(corrupted())
def test_both_sides_of_every_pair_are_traces(case: tuple[Problem, Wrong]) -> None:
    problem, wrong = case
    mended = repair.by_graph(problem, wrong.states)
    assert mended is not None
    for row in all_rows(problem, mended):
        assert row.chosen != row.rejected
        assert not row.prefix or row.prefix.endswith(SEPARATOR)
        chosen, rejected = (read(row.prefix + side) for side in (row.chosen, row.rejected))
        shared = len(read(row.prefix).transitions)
        for trace in (chosen, rejected):
            assert not trace.preamble
            assert not trace.trailing
            assert all(transition.legal for transition in trace.transitions)
            assert len(trace.transitions) > shared
        assert chosen.transitions[:shared] == rejected.transitions[:shared]
        assert all(t.verdict is not Verdict.REFUTED for t in chosen.transitions[shared:])
        if row.complete:
            assert answers.equal(chosen.answer or "", problem.answer)
            assert not answers.equal(rejected.answer or "", problem.answer)
        else:
            assert chosen.answer is None


def all_rows(problem: Problem, mended: repair.Repair) -> list[PairRow]:
    """A wrong trace's pairs in both modes, and its anchor."""
    trajectory = pairs.trajectory(problem, mended, repairer="graph", wrong="graph", sample=0)
    steps = list(pairs.steps(problem, mended, repairer="graph", wrong="graph", sample=0))
    anchor = pairs.anchor(problem, mended, mode="step", wrong="graph", sample=0)
    assert anchor is not None
    assert [row for row in (trajectory, *steps, anchor) if pairs.is_anchor(row)] == [anchor]
    return [trajectory, *steps, anchor]


def test_step_pairs_put_the_mistake_right_and_notice_it() -> None:
    """The wrong relation of State 1, and what it is to be answered with."""
    problem = generate(43, 0, operations=(2, 2))
    wrong = corrupt(problem, Random(0), [Kind.OPERATION])
    assert wrong is not None
    mended = repair.by_graph(problem, wrong.states)
    assert mended is not None
    right, verify, calm = pairs.steps(problem, mended, repairer="graph", wrong="graph", sample=0)
    assert right.prefix == ""
    assert right.chosen == render(graph.trace(problem)[:1])
    assert right.rejected == render(wrong.states[:1])
    assert verify.prefix == render(wrong.states[:1]) + SEPARATOR
    assert [state.action for state in parse(verify.chosen).states] == [
        Action.VERIFY,
        Action.BACKTRACK,
    ]
    assert "but by the question, " in verify.chosen
    assert verify.chosen.endswith("Backtrack to State 0.")
    assert verify.rejected == render(wrong.states[1:2], first=2)
    assert calm.prefix == right.chosen + SEPARATOR
    assert calm.chosen == render(graph.trace(problem)[1:2], first=2)
    assert calm.rejected == "State 2:\nAction: Verify\nOutput:"


def wages() -> tuple[Problem, Pairs]:
    """An annotated problem with a wrong trace that arithmetic refutes."""
    problem = gsm8k.problem(
        "Ann earns 6 dollars an hour and works 7 hours. How much does she earn?",
        "She earns 6*7=<<6*7=42>>42 dollars.\n#### 42",
    )
    states = (
        (Action.FORMALIZE, "Let w be the wages. w = 6 * 7"),
        (Action.SOLVE_SUBQUESTION, "w = 6 * 7 = 48"),
        (Action.SOLVE_PARENT, "She earns $48."),
        (Action.SUMMARIZE, r"The final answer is \boxed{48}."),
    )
    return problem, states


def test_an_annotated_problem_is_repaired_from_its_question() -> None:
    """Its solution has other symbols than the trace, so nothing of the trace can be kept."""
    problem, states = wages()
    mended = repair.by_graph(problem, states)
    assert mended is not None
    assert (len(mended.good), mended.target, mended.right) == (1, 0, None)
    trace = read(mended.prefix(wrong=True) + mended.correction())
    assert trace.answer == "42"
    assert all(transition.legal for transition in trace.transitions)


def test_an_annotated_problem_without_a_refuted_state_is_left_alone() -> None:
    problem, states = wages()
    wrong = (states[0], (Action.SOLVE_SUBQUESTION, "w = 6 + 7 = 13"), *states[2:])
    assert repair.by_graph(problem, wrong) is None


REVIEW: Pairs = (
    (Action.VERIFY, "State 2 says 6 * 7 = 48, but 6 * 7 = 42."),
    (Action.BACKTRACK, "Backtrack to State 1."),
    (Action.SOLVE_SUBQUESTION, "w = 6 * 7 = 42"),
    (Action.SOLVE_PARENT, "She earns $42."),
    (Action.SUMMARIZE, r"The final answer is \boxed{42}."),
)


@pytest.mark.parametrize("noticed", [2, 3, 4])
def test_a_reviewer_may_notice_at_once_or_at_the_end(noticed: int) -> None:
    """The paper's reviewer reads the whole wrong trace first."""
    problem, states = wages()
    mended = repair.by_teacher(problem, states, (*states[:noticed], *REVIEW))
    assert mended is not None
    assert mended.good == states[:1]
    assert mended.wrong == states[1:noticed]
    assert mended.after == states[noticed:]
    assert mended.right == REVIEW[2:]
    row = pairs.trajectory(problem, mended, repairer="teacher", wrong="graph", sample=0)
    assert render((*states[:noticed], *REVIEW)) == row.prefix + row.chosen
    assert render(states) == (row.prefix + row.rejected).strip()
    assert read(row.prefix + row.chosen).answer == "42"


@pytest.mark.parametrize(
    "review",
    [
        (),
        REVIEW[:2],
        REVIEW[1:],
        (REVIEW[0], (Action.BACKTRACK, "Backtrack to State 2."), *REVIEW[2:]),
        (REVIEW[0], (Action.BACKTRACK, "Backtrack to State 9."), *REVIEW[2:]),
        (*REVIEW[:2], (Action.SOLVE_SUBQUESTION, "w = 6 * 7 = 43"), *REVIEW[3:]),
        (*REVIEW[:4], (Action.SUMMARIZE, r"The final answer is \boxed{43}.")),
    ],
)
def test_a_review_that_does_not_repair_is_refused(review: Pairs) -> None:
    problem, states = wages()
    assert repair.by_teacher(problem, states, (*states[:2], *review)) is None


def test_a_models_own_repair_counts_only_if_it_is_right() -> None:
    problem = generate(41, 3, operations=(2, 2))
    wrong = corrupt(problem, Random(1), [Kind.SLIP])
    assert wrong is not None
    fault = locate(problem, read(render(wrong.states)))
    assert fault is not None
    correct = graph.trace(problem)[wrong.first :]
    text = render(correct, first=wrong.first + 1)
    mended = repair.by_model(problem, wrong.states, fault, text)
    assert mended is not None
    assert mended.right == correct
    misnumbered = render(correct, first=wrong.first + 2)
    assert repair.by_model(problem, wrong.states, fault, misnumbered) is None
    again = render(wrong.states[wrong.first :], first=wrong.first + 1)
    assert repair.by_model(problem, wrong.states, fault, again) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The answer is 7.",
        "State 2:\nAction: Summarize\nOutput: 7",
        "State 1:\nAction: Guess\nOutput: 7",
        "Well.\nState 1:\nAction: Formalize\nOutput: 7",
    ],
)
def test_what_is_no_clean_trace_is_left_out(text: str) -> None:
    assert repair.states(text) is None


@some
@given(problems, st.integers(0, 5))
def test_a_verify_may_find_a_state_correct(problem: Problem, index: int) -> None:
    """Only what it finds is learnt: the header of that Verify is given."""
    confirmed = pairs.confirmed(problem, index)
    if index >= len(graph.trace(problem)) - 1:
        assert confirmed is None
        return
    assert confirmed is not None
    trace = read(confirmed.prefix + confirmed.completion)
    assert confirmed.prefix.endswith("Action: Verify\nOutput:")
    assert trace.transitions[index + 1].output == f"State {index + 1} is correct."
    assert all(transition.legal for transition in trace.transitions)
    assert answers.equal(trace.answer or "", problem.answer)


def row(problem: Problem, trace: str, sample: int) -> TraceRow:
    """A sample of the model's own."""
    return TraceRow(
        key=str(sample),
        problem=problem.id,
        question=problem.question,
        gold=problem.answer,
        trace=trace,
        origin="self",
        sample=sample,
        source=problem.source,
        split=problem.split,
        licence=problem.licence,
    )


def test_each_wrong_trace_is_used_once_and_everything_is_counted() -> None:
    problem = generate(41, 5)
    wrong = corrupt(problem, Random(1))
    assert wrong is not None
    text = render(wrong.states)
    given = [
        row(problem, graph.text(problem), 0),
        row(problem, text, 1),
        row(problem, text, 2),
        row(problem, "Seven.", 3),
        row(replace(problem, id="other"), text, 4),
    ]
    made = Collection("step", "graph")
    for found, states, sample in written(given, {problem.id: problem}, made.counts):
        made.add(found, states, repair.by_graph, origin="self", sample=sample)
    assert made.counts == {
        "right": 1,
        "duplicate": 1,
        "unparsed": 1,
        "unknown problem": 1,
        "refuted" if wrong.kind in REFUTABLE else "contradicted": 1,
    }
    assert len(made.anchors) == len(made.advanced) == len(made.clean) == 1
    assert len({one.key for one in [*made.preferences, *made.anchors]}) == len(made.preferences) + 1
    assert {one.wrong for one in made.preferences} == {"self"}


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1))
def test_shares_are_kept(ours: int, others: int, share: float) -> None:
    both = shared(list(range(ours)), list(range(100, 100 + others)), share, seed=1)
    assert len(set(both)) == len(both)
    theirs = sum(item >= 100 for item in both)
    if ours and others:
        assert abs(theirs - share * len(both)) <= 1


def test_corrections_tell_who_changed_what() -> None:
    problem = generate(41, 3, operations=(2, 2))
    wrong = corrupt(problem, Random(1), [Kind.SLIP])
    assert wrong is not None
    mended = repair.by_graph(problem, wrong.states)
    assert mended is not None
    right = graph.trace(problem)
    doubt = (
        (Action.VERIFY, "State 1 is wrong."),
        (Action.BACKTRACK, "Backtrack to State 0."),
    )
    counts = Corrections()
    for text in (
        render(right),
        render(wrong.states),
        mended.prefix(wrong=True) + mended.correction(),
        render((*wrong.states[: wrong.first + 1], *mended.verify, *wrong.states[wrong.first :])),
        render((*right[:1], *doubt, *right)),
        render((*right[:1], *doubt, *wrong.states)),
    ):
        counts.add(problem, text)
    record = counts.record()
    assert record["error_insertion_rate"] == pytest.approx(4 / 6)
    assert (counts.traces, counts.right, counts.verifying, counts.backtracking) == (6, 3, 4, 4)
    assert (counts.wrong_to_right, counts.wrong_to_wrong) == (1, 1)
    assert (counts.right_to_right, counts.right_to_wrong) == (1, 1)
