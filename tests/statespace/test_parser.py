"""The parser: what it reads, and that neither cutting nor hostile text changes that."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from statespace.actions import Action
from statespace.parser import (
    Finished,
    Output,
    ParsedState,
    Preamble,
    Started,
    Trailing,
    TransitionParser,
    collect,
    parse,
)
from statespace.text import render

TRACE = r"""State 1:
Action: Formalize
Output: Let m be the clips sold in May. m = 48 / 2

State 2:
Action: Solve Subquestion
Output: m = 48 / 2 = 24

State 3:
Action: Solve Parent
Output: 48 + 24 = 72

State 4:
Action: Summarize
Output: The final answer is \boxed{72}."""


def feed_all(pieces: list[str]) -> list[object]:
    parser = TransitionParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return [*events, *parser.close()]


def joined(events: list[object]) -> list[object]:
    """Events with adjacent deltas of one kind joined."""
    result: list[object] = []
    for event in events:
        if result and isinstance(event, Preamble | Output | Trailing):
            last = result[-1]
            if type(last) is type(event):
                result[-1] = type(event)(last.text + event.text, last.raw + event.raw)
                continue
        result.append(event)
    return result


def test_reads_the_papers_format() -> None:
    parsed = parse(TRACE)
    assert [state.action for state in parsed.states] == [
        Action.FORMALIZE,
        Action.SOLVE_SUBQUESTION,
        Action.SOLVE_PARENT,
        Action.SUMMARIZE,
    ]
    assert [state.number for state in parsed.states] == [1, 2, 3, 4]
    assert parsed.states[1].output == "m = 48 / 2 = 24"
    assert parsed.states[3].output == r"The final answer is \boxed{72}."
    assert parsed.preamble == ""
    assert parsed.trailing == ""


@pytest.mark.parametrize(
    ("text", "label", "action"),
    [
        ("State 1:\nAction: Check\nOutput: x", "Check", Action.VERIFY),
        ("State 1:\nAction: Solve Subques\nOutput: x", "Solve Subques", Action.SOLVE_SUBQUESTION),
        (
            "State 1:\nAction: solve subproblem\nOutput: x",
            "solve subproblem",
            Action.SOLVE_SUBQUESTION,
        ),
        ("**State 1:**\n**Action:** Formalise\n**Output:** x", "Formalise", Action.FORMALIZE),
        ("**State 1**:\n**Action: Summarise**\n**Output**: x", "Summarise", Action.SUMMARIZE),
        ("### State 1:\nAction: **Verify**\nOutput: x", "Verify", Action.VERIFY),
        ("State 1:\r\nAction: Verify\r\nOutput: x", "Verify", Action.VERIFY),
        ("State 1:\n\nAction: Verify.\n\nOutput: x", "Verify", Action.VERIFY),
        ("  state 1 :\n- action : Verify\noutput : x", "Verify", Action.VERIFY),
        ("State 1:\nAction: Meditate\nOutput: x", "Meditate", Action.OTHER),
        ("State 1:\nAction:\nOutput: x", "", Action.OTHER),
        ("State 1:\nAction: Verify\nx", "Verify", Action.VERIFY),
    ],
)
def test_tolerates_what_models_write(text: str, label: str, action: Action) -> None:
    assert parse(text).states == (ParsedState(1, action, label, "x"),)


@pytest.mark.parametrize(
    "text",
    [
        "State 1: Action: Formalize\nOutput: x",
        "State 1:\nSomething else\nAction: Formalize",
        "The State 1:\nAction: Formalize",
        "State one:\nAction: Formalize",
        "State 1234567890:\nAction: Formalize",
        "State 1:\nAction: " + "x" * 200,
        "ſtate 1:\nAction: Formalize",
        "State ١:\nAction: Formalize",
        "State 1:",
        "42",
        "",
    ],
)
def test_what_is_no_header_stays_text(text: str) -> None:
    parsed = parse(text)
    assert parsed.states == ()
    assert parsed.preamble == text.strip()


def test_misnumbered_states_keep_their_numbers() -> None:
    text = "State 7:\nAction: Formalize\nOutput: a\nState 7:\nAction: Decompose\nOutput: b"
    assert [(s.number, s.output) for s in parse(text).states] == [(7, "a"), (7, "b")]


def test_text_around_the_trace_is_kept_apart() -> None:
    parsed = parse(f"Sure!\n\n{TRACE}\n\nI hope this helps.\nBye.")
    assert parsed.preamble == "Sure!"
    assert len(parsed.states) == 4
    assert parsed.states[-1].output == r"The final answer is \boxed{72}."
    assert parsed.trailing == "I hope this helps.\nBye."


def test_only_summarize_ends_at_a_blank_line() -> None:
    parsed = parse(
        "State 1:\nAction: Decompose\nOutput: 1. a\n\n2. b\n\n"
        "State 2:\nAction: Summarize\nOutput: c\nd\n\ne"
    )
    assert parsed.states[0].output == "1. a\n\n2. b"
    assert parsed.states[1].output == "c\nd"
    assert parsed.trailing == "e"


def test_a_header_after_summarize_is_a_state() -> None:
    parsed = parse(f"{TRACE}\n\nState 5:\nAction: Verify\nOutput: fine")
    assert parsed.states[-1].action is Action.VERIFY


def test_a_state_is_announced_as_soon_as_its_header_is_complete() -> None:
    parser = TransitionParser()
    assert parser.feed("State 1:\nAction: Formalize") == []
    (started,) = parser.feed("\n")
    assert started == Started(1, Action.FORMALIZE, "Formalize", "State 1:\nAction: Formalize\n")


def test_plain_text_is_passed_on_at_once() -> None:
    """Only what may become a header waits; anything else would delay a chat answer."""
    parser = TransitionParser()
    assert parser.feed("Stat") == []
    assert parser.feed("istics") == [Preamble("Statistics", "Statistics")]
    assert parser.feed(" are fun") == [Preamble(" are fun", " are fun")]


PIECES = st.sampled_from(
    [
        "State 1:",
        "State 2:\n",
        "**State 3:**",
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "\t",
        "Action:",
        "Action: Formalize",
        "Action: Summarize\n",
        "**Action:** Check",
        "Output:",
        "**Output:** ",
        "Output: x",
        "State",
        "Stat",
        "e 1",
        ":",
        "*",
        "**",
        "#",
        "x = 3",
        "State 4:\nAction: Verify\nOutput: ok\n\n",
        "Act",
        "ion",
        "Out",
        "put",
        "\u2028",
        "\x0b",
        "State 9:\n\nAction: Backtrack\nOutput: Backtrack to State 2.",
        " " * 20,
        "-" * 50,
        "a" * 130,
        "ſ",
        "0",
        "1" * 12,
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=200))


@given(TEXTS, st.data())
def test_cutting_does_not_change_the_result(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = joined(feed_all([text]))
    assert joined(feed_all(pieces)) == whole
    assert joined(feed_all(list(text))) == whole


@pytest.mark.parametrize("space", ["\n\n ", "\n\n\u2028", "\n\n\t\n  "])
def test_space_after_a_summary_goes_to_one_side_however_it_is_cut(space: str) -> None:
    text = f"{TRACE}{space}Goodbye."
    assert joined(feed_all([text])) == joined(feed_all(list(text)))


@given(TEXTS)
@example("State 1:\nAction: Formalize\nOutput:")
def test_no_character_is_lost(text: str) -> None:
    assert "".join(event.raw for event in feed_all([text])) == text


@given(TEXTS)
def test_every_state_that_starts_is_finished(text: str) -> None:
    events = feed_all(list(text))
    opened = False
    for event in events:
        if isinstance(event, Started):
            assert not opened
            opened = True
        elif isinstance(event, Finished):
            assert opened
            opened = False
        elif isinstance(event, Output):
            assert opened
    assert not opened


OUTPUTS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1).filter(
    lambda text: text == text.strip() and not text.lower().startswith("output")
)
LABELLED = st.sampled_from([action for action in Action if action is not Action.OTHER])


@given(st.lists(st.tuples(LABELLED, OUTPUTS), min_size=1, max_size=8))
def test_reads_back_what_render_writes(pairs: list[tuple[Action, str]]) -> None:
    parsed = parse(render(pairs))
    assert [(state.action, state.output) for state in parsed.states] == pairs
    assert [state.number for state in parsed.states] == list(range(1, len(pairs) + 1))


def test_held_back_text_is_bounded() -> None:
    """A stream that never decides must not grow the look-ahead."""
    parser = TransitionParser()
    passed = 0
    for _ in range(2000):
        passed += sum(len(event.raw) for event in parser.feed("*"))
    assert 2000 - passed <= 200


def test_collect_joins_deltas() -> None:
    assert collect(feed_all(list(TRACE))) == parse(TRACE)
