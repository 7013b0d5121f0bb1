"""The reader: text, tokens and time in; placed, checked transitions out, however text is cut."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, strategies as st

from statespace.actions import Action
from statespace.reader import Closed, Grown, Opened, Reading, TraceReader, read
from statespace.trace import Trace, Transition, Verdict

REPAIRED = r"""State 1:
Action: Formalize
Output: Let m be the clips sold in May.

State 2:
Action: Solve Subquestion
Output: m = 48 / 2 = 26

State 3:
Action: Verify
Output: State 2 says 48 / 2 = 26, but 48 / 2 = 24.

State 4:
Action: Backtrack
Output: Backtrack to State 1.

State 5:
Action: Solve Subquestion
Output: m = 48 / 2 = 24

State 6:
Action: Solve Parent
Output: 48 + m = 72

State 7:
Action: Summarize
Output: The final answer is \boxed{72}.
"""


def trace_of(*states: tuple[str, str]) -> Trace:
    """What is read of these labels and outputs, numbered from 1."""
    return read(
        "\n\n".join(
            f"State {number}:\nAction: {label}\nOutput: {output}"
            for number, (label, output) in enumerate(states, 1)
        )
    )


def last(*states: tuple[str, str]) -> Transition:
    return trace_of(*states).transitions[-1]


def test_a_repaired_trace() -> None:
    trace = read(REPAIRED, "How many clips?")
    assert trace.question == "How many clips?"
    assert [t.id for t in trace.transitions] == [1, 2, 3, 4, 5, 6, 7]
    assert [t.parent for t in trace.transitions] == [0, 1, 2, 3, 1, 5, 6]
    assert [t.target for t in trace.transitions] == [None, None, None, 1, None, None, None]
    assert all(t.legal for t in trace.transitions)
    assert [t.verdict.value for t in trace.transitions] == [
        "unchecked", "refuted", "verified", "unchecked", "verified", "verified", "unchecked",
    ]  # fmt: skip
    assert trace.answer == "72"
    assert trace.resolved


def test_check_offsets_are_characters_of_the_output() -> None:
    for transition in read(REPAIRED).transitions:
        for check in transition.checks:
            assert transition.output[check.start : check.end] == check.claim


# What is known on the path


def test_a_value_of_a_dead_end_is_not_known_after_backtracking() -> None:
    """A leak would verify later steps with a number that the path has dropped."""
    dead_end = [
        ("Formalize", "Let m be the clips."),
        ("Solve Subquestion", "k = 10 + 5 = 15"),
        ("Verify", "This was not asked."),
        ("Backtrack", "Backtrack to State 1."),
    ]
    claim = ("Solve Subquestion", "k + 1 = 16")
    assert last(*dead_end[:2], claim).verdict is Verdict.VERIFIED
    lost = last(*dead_end, claim)
    assert lost.verdict is Verdict.UNCHECKED
    assert [check.verdict for check in lost.checks] == [Verdict.UNCHECKED]


def test_a_value_is_the_one_the_path_gave_last() -> None:
    states = [
        ("Solve Subquestion", "m = 20 + 4 = 24"),
        ("Solve Subquestion", "m = 20 + 6 = 26"),
        ("Verify", "Hmm."),
        ("Backtrack", "Backtrack to State 1."),
    ]
    assert last(*states[:2], ("Solve Parent", "m + 1 = 27")).verdict is Verdict.VERIFIED
    assert last(*states, ("Solve Parent", "m + 1 = 25")).verdict is Verdict.VERIFIED
    assert last(*states, ("Solve Parent", "m + 1 = 27")).verdict is Verdict.REFUTED


def test_verify_and_backtrack_give_no_values() -> None:
    """What a Verify supposes is talk about the path, not a step on it."""
    talk = ("Verify", "Suppose z = 3 + 4 = 7 instead.")
    assert last(("Solve Parent", "5"), talk, ("Summarize", "z + 1 = 8")).verdict is (
        Verdict.UNCHECKED
    )


# What Verify quotes


@pytest.mark.parametrize(
    "quotation", ["48 / 2 = 26", "48/2 = 26", "48  /  2=26"], ids=["same", "tighter", "mixed"]
)
def test_a_verify_may_quote_what_it_refutes(quotation: str) -> None:
    transition = last(
        ("Formalize", "m clips"),
        ("Solve Subquestion", "m = 48 / 2 = 26"),
        ("Verify", f"State 2 says {quotation}, but 48 / 2 = 24."),
    )
    assert transition.verdict is Verdict.VERIFIED
    assert [check.claim for check in transition.checks] == ["48 / 2 = 24"]


def test_a_verify_that_errs_is_refuted() -> None:
    wrong = ("Solve Subquestion", "m = 48 / 2 = 26")
    assert last(wrong, ("Verify", "48 / 2 = 25")).verdict is Verdict.REFUTED
    assert last(wrong, ("Verify", "48 / 2 = 26, but 48 / 2 = 25.")).verdict is Verdict.REFUTED
    right = ("Solve Subquestion", "m = 48 / 2 = 24")
    assert last(right, ("Verify", "State 1 says 48 / 2 = 26.")).verdict is Verdict.REFUTED


def test_only_verify_and_backtrack_may_quote() -> None:
    wrong = ("Solve Subquestion", "m = 48 / 2 = 26")
    assert last(wrong, wrong).verdict is Verdict.REFUTED
    assert last(wrong, ("Verify", "No."), ("Backtrack", "48 / 2 = 26. To State 0.")).verdict is (
        Verdict.UNCHECKED
    )


def test_a_claim_that_left_the_path_is_no_quotation() -> None:
    trace = trace_of(
        ("Formalize", "m clips"),
        ("Solve Subquestion", "m = 48 / 2 = 26"),
        ("Verify", "No."),
        ("Backtrack", "Backtrack to State 1."),
        ("Solve Subquestion", "m = 48 / 2 = 24"),
        ("Verify", "State 5 says 48 / 2 = 26."),
    )
    assert trace.transitions[-1].verdict is Verdict.REFUTED


# Legality, answers, text around states


def test_what_is_illegal_is_kept() -> None:
    trace = trace_of(
        ("Summarize", r"\boxed{1}"), ("Meditate", "om"), ("Backtrack", "State 1"), ("Formalize", "")
    )
    assert [t.action for t in trace.transitions] == [
        Action.SUMMARIZE, Action.OTHER, Action.BACKTRACK, Action.FORMALIZE,
    ]  # fmt: skip
    assert not any(t.legal for t in trace.transitions)
    assert trace.transitions[1].label == "Meditate"


def test_a_backtrack_without_a_target_is_illegal_and_the_path_goes_on() -> None:
    trace = trace_of(
        ("Solve Parent", "72"), ("Verify", "No."), ("Backtrack", "Backtrack to State 9."),
        ("Summarize", "The answer is 72."),
    )  # fmt: skip
    lost, after = trace.transitions[2:]
    assert (lost.target, lost.legal) == (None, False)
    assert (after.parent, after.legal) == (lost.id, True)
    assert trace.answer == "72"


def test_a_backtrack_to_the_question_has_target_0() -> None:
    transition = last(("Formalize", "x"), ("Verify", "No."), ("Backtrack", "Backtrack to State 0."))
    assert (transition.target, transition.legal) == (0, True)


def test_the_answer_comes_from_summarize_only() -> None:
    assert trace_of(("Solve Parent", r"The answer is \boxed{72}.")).answer is None
    assert not trace_of(("Solve Parent", r"\boxed{72}"), ("Summarize", "Done.")).resolved


def test_a_summarize_in_a_dead_end_answers_nothing() -> None:
    dead_end = [
        ("Solve Parent", "48 + 24 = 73"),
        ("Summarize", r"\boxed{73}"),
        ("Verify", "48 + 24 = 72"),
        ("Backtrack", "Backtrack to State 0."),
    ]
    assert trace_of(*dead_end[:3]).answer == "73"
    assert trace_of(*dead_end).answer is None
    again = [("Solve Parent", "48 + 24 = 72"), ("Summarize", r"\boxed{72}")]
    assert trace_of(*dead_end, *again).answer == "72"


def test_the_latest_summarize_on_the_path_answers() -> None:
    first = ("Solve Parent", "x"), ("Summarize", r"\boxed{1}")
    assert trace_of(*first, ("Verify", "Hm."), ("Summarize", r"\boxed{2}")).answer == "2"


def test_plain_text_has_no_transitions() -> None:
    reader = TraceReader()
    readings = [*reader.feed("The answer is 72.\n", tokens=9), *reader.close()]
    assert readings == []
    assert reader.trace("?") == Trace(question="?", preamble="The answer is 72.")
    assert not reader.overran


def test_text_around_the_states_is_kept() -> None:
    trace = read(f"Sure!\n\n{REPAIRED}\nBye.")
    assert (trace.preamble, trace.trailing) == ("Sure!", "Bye.")
    reader = TraceReader()
    reader.feed(REPAIRED)
    assert not reader.overran
    reader.feed("\nB")
    assert reader.overran


def test_time_is_divided_at_the_ends_of_transitions() -> None:
    reader = TraceReader(started=10.0)
    reader.feed("State 1:\nAction: Formalize\nOutput: x", now=11.0)
    reader.feed("\nState 2:\nAction: Decompose\n", now=12.5)
    reader.close(now=12.0)
    assert [t.seconds for t in reader.transitions] == [2.5, 0.0]


def test_the_lane_is_on_every_reading() -> None:
    reader = TraceReader(path=3)
    readings = [*reader.feed(REPAIRED), *reader.close()]
    assert {r.path for r in readings if isinstance(r, Opened)} == {3}
    assert {r.transition.path for r in readings if isinstance(r, Closed)} == {3}


# However text is cut

LINES = st.sampled_from(
    [
        "State 1:\nAction: Formalize\nOutput: m = 4 + 4 = 8\n\n",
        "State 2:\nAction: Solve Subquestion\nOutput: m * 2 = 17\n",
        "State 3:\nAction: Verify\nOutput: State 2 says m * 2 = 17, but m * 2 = 16.\n\n",
        "State 4:\nAction: Backtrack\nOutput: Backtrack to State 1.\n\n",
        "**State 4:**\n**Action:** Backtrack\nBacktrack to State 2.\n",
        "State 5:\nAction: Summarize\nOutput: The answer is \\boxed{16}.\n\n",
        "State 2:\nAction: Meditate\nOutput:\n",
        "State 1:\nAction: Check\n",
        "State 6:\n",
        "Action: Verify",
        "Output: ",
        "k = 3\n",
        "k + 1 = 4",
        " ",
        "\n",
        "\n\n",
        "Bye.\n",
        "Sure!\n\n",
        "State",
        "é∞",
        "\u2028",
    ]
)
TEXTS = st.lists(LINES, max_size=14).map("".join)


@dataclass
class Read:
    """A text read in pieces."""

    reader: TraceReader = field(default_factory=TraceReader)
    readings: list[Reading] = field(default_factory=list)

    def take(self, pieces: list[tuple[str, int]]) -> Read:
        for piece, tokens in pieces:
            self.readings += self.reader.feed(piece, tokens=tokens)
        self.readings += self.reader.close()
        return self

    def without_cost(self) -> list[Transition]:
        return [t.model_copy(update={"tokens": 0}) for t in self.reader.transitions]


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[tuple[str, int]]:
    """`text` in pieces, empty ones too, each with the tokens it cost."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return [(piece, draw(st.integers(0, 9))) for piece in pieces]


@given(TEXTS, st.data())
def test_cutting_does_not_change_what_is_read(text: str, data: st.DataObject) -> None:
    whole = Read().take([(text, 0)])
    one = Read().take(data.draw(cut(text)))
    each = Read().take([(character, 1) for character in text])
    assert one.without_cost() == each.without_cost() == whole.without_cost()
    for other in (one, each):
        assert other.reader.trace("").answer == whole.reader.trace("").answer
        assert other.reader.preamble == whole.reader.preamble
        assert other.reader.trace("").trailing == whole.reader.trace("").trailing
        assert other.reader.chain == whole.reader.chain


AFTER_TRAILING = (
    "State 1:\nAction: Summarize\nOutput: The answer is 3.\n\nbye\nState 2:\nAction: Verify\n"
    "Output: x y z\n\nState 3:\nAct"
)


@given(TEXTS.flatmap(cut))
@example([(AFTER_TRAILING, 100), ("ion: Verify\nOutput: k", 5)])
@example([("State 1:\nAction: Formalize\nOutput: x", 3), ("", 4), ("", 5)])
@example([("", 2), ("Sure!\nState 1:\nAction: Formalize\nOutput: x", 3)])
@example([("State 1:\nAction: Summarize\nOutput: 1\n\nBye, and so on.", 30)])
def test_transitions_hold_every_token_up_to_the_feed_that_ends_the_last(
    pieces: list[tuple[str, int]],
) -> None:
    """Only what comes after the feed in which Summarize's paragraph ended is nobody's."""
    reader = TraceReader()
    fed = closed_at = 0
    for piece, tokens in pieces:
        fed += tokens
        if any(isinstance(reading, Closed) for reading in reader.feed(piece, tokens=tokens)):
            closed_at = fed
    if any(isinstance(reading, Closed) for reading in reader.close()):
        closed_at = fed
    total = sum(transition.tokens for transition in reader.transitions)
    assert all(transition.tokens >= 0 for transition in reader.transitions)
    assert total <= fed
    if reader.transitions and not reader.overran:
        assert total == fed
    elif reader.transitions:
        assert total == closed_at


def test_a_chunk_that_spans_two_transitions_is_divided_by_characters() -> None:
    first = "State 1:\nAction: Formalize\nOutput: " + "a" * 64 + "\n"
    second = "State 2:\nAction: Summarize\nOutput: bbbb\n\nend"
    reader = TraceReader()
    reader.feed(first + second, tokens=len(first + second))
    reader.close()
    # The line end before a header belongs to the header.
    assert [t.tokens for t in reader.transitions] in (
        [len(first), len(second)],
        [len(first) - 1, len(second) + 1],
    )


@given(TEXTS.flatmap(cut))
def test_readings_come_in_order_and_offsets_continue(pieces: list[tuple[str, int]]) -> None:
    """A client that appends deltas at their offsets must end up with the final output."""
    run = Read().take(pieces)
    current: Opened | None = None
    output = ""
    opened = 0
    for reading in run.readings:
        match reading:
            case Opened(node):
                assert current is None
                opened += 1
                assert node.id == opened
                current, output = reading, ""
            case Grown(id, offset, text):
                assert current is not None
                assert (id, offset) == (current.node.id, len(output))
                output += text
            case Closed(transition):
                assert current is not None
                node = current.node
                assert (transition.id, transition.parent) == (node.id, node.parent)
                assert transition.output == output
                current = None
    assert current is None
    assert [r.transition for r in run.readings if isinstance(r, Closed)] == list(
        run.reader.transitions
    )


@given(st.text(max_size=300) | TEXTS)
def test_the_path_is_where_the_last_transition_left_it(text: str) -> None:
    reader = Read().take([(text, 1)]).reader
    transitions = {transition.id: transition for transition in reader.transitions}
    for transition in transitions.values():
        assert transition.parent == 0 or transition.parent < transition.id
        previous = transitions.get(transition.id - 1)
        if previous is not None:
            target = previous.target
            assert transition.parent == (previous.id if target is None else target)
    assert reader.chain[0] == 0
    assert Trace.model_validate_json(reader.trace("").model_dump_json()) == reader.trace("")
