"""The grammar lets through what is legal, nothing else, and stays small."""

from __future__ import annotations

import random
import string
from functools import cache

import numpy
import pytest
import xgrammar
from hypothesis import given, settings, strategies as st
from xgrammar.testing import _is_grammar_accept_string

from statespace.actions import LABELS, START_SUCCESSORS, Action
from statespace.grammar import ENDS, MAX_TARGETS, continuation, grammar
from statespace.prompted import INSTRUCTIONS
from statespace.reader import TraceReader, read
from statespace.text import render
from statespace.trace import Origin, Verdict
from statespace.tree import StateTree

START = grammar(START_SUCCESSORS)
GOOD = [
    (Action.FORMALIZE, "m = 48 / 2"),
    (
        Action.SOLVE_SUBQUESTION,
        "m = 48 / 2 = 24\nSo 24.\n\n- *one* more\n\nStats. So what?",
    ),
    (Action.DECOMPOSE, "State 1 says it: how many in May?"),
    (Action.SOLVE_SUBQUESTION, "Größe: 24 — ✓"),
    (Action.SOLVE_PARENT, "48 + 24 = 72"),
    (Action.SUMMARIZE, r"The final answer is \boxed{72}."),
]


def accepts(rules: str, text: str) -> bool:
    return bool(_is_grammar_accept_string(rules, text))


def after(*transitions: tuple[Action, str]) -> StateTree:
    """The tree after a text."""
    reader = TraceReader()
    reader.feed(render(transitions))
    reader.close()
    return reader.tree


def test_a_whole_solution_is_accepted_from_the_start_and_from_its_middle() -> None:
    assert accepts(START, render(GOOD))
    assert accepts(START, render(GOOD) + "\n\n"), "many models end so"
    for done in range(1, len(GOOD)):
        rules = continuation(after(*GOOD[:done]))
        assert rules is not None
        assert accepts(rules, render(GOOD[done:], first=done + 1))


@pytest.mark.parametrize(
    "text",
    [
        render(GOOD[1:3]),  # it is not at its end
        render(GOOD) + "\n\nAnd so on.",
        render([GOOD[0], GOOD[-1]]),  # nothing was solved
        render([(Action.VERIFY, "State 0 is correct.")]),
        render(GOOD).replace("Formalize", "Ponder"),
        render(GOOD).replace("Formalize", "formalize"),
        render(GOOD).replace("State 3:", "State three:"),
        render(GOOD).replace("Action: Decompose\n", ""),
        render(GOOD).replace("\n\nState 2", "\n\n\nState 2"),
        render(GOOD).replace("Output: m", "Output:\nState 9:\nAction: Verify\nOutput: m"),
        render(GOOD).replace("24\nSo", "24\n ** sTATE 9:\nAction: Verify\nOutput: So"),
        render(GOOD).replace("24\nSo", "24\nStates"),
        "So: " + render(GOOD),
    ],
)
def test_what_is_no_legal_solution_is_refused(text: str) -> None:
    assert not accepts(START, text)


def test_a_grammar_ends_where_what_follows_depends_on_the_text() -> None:
    wrong = (Action.SOLVE_SUBQUESTION, "b = 7 * 12 = 94")
    check = (Action.VERIFY, "State 1 says 7 * 12 = 94, but 7 * 12 = 84.")
    assert accepts(START, render([wrong, check]) + "\n\n")
    longer = (check[0], check[1] + "\n\nAnd so on.")
    assert not accepts(START, render([wrong, longer]) + "\n\n"), "the next header is wanted here"
    rules = continuation(after(wrong, check))
    assert rules is not None
    for target, known in {0: True, 1: True, 2: False, 3: False}.items():
        back = render([(Action.BACKTRACK, f"Backtrack to State {target}.")], first=3)
        assert accepts(rules, back + "\n\n") is known
    rules = continuation(after(wrong, check, (Action.BACKTRACK, "Backtrack to State 0.")))
    assert rules is not None
    assert accepts(rules, render(GOOD, first=4)), "a dead end is written over"
    assert not accepts(rules, render([check], first=4) + "\n\n")


def test_a_solution_that_was_summarized_can_only_be_verified() -> None:
    rules = continuation(after(*GOOD))
    assert rules is not None
    assert accepts(rules, render([(Action.VERIFY, "State 5 is correct.")], first=7) + "\n\n")
    assert not accepts(rules, render(GOOD[-1:], first=7))


def test_long_paths_have_no_longer_grammars() -> None:
    tree = StateTree()
    for number in range(1, 500):
        tree.add(Action.SOLVE_SUBQUESTION, number)
    tree.add(Action.VERIFY, 500)
    rules = continuation(tree)
    assert rules is not None
    assert "Backtrack to State 499." in rules
    assert rules.count("Backtrack to") == MAX_TARGETS
    assert len(rules) < 5_000


PIECES = [
    *("S", "s", "t", "ta", "tate", "State", "State ", " State 3:", "\nState ", "\n\n", "\n"),
    *("1", "2", "39", ":", ":\n", ":\nAction", "Action: ", "\nAction: Verify", "Output"),
    *(*LABELS.values(), *(f"{label}\nOutput: " for label in LABELS.values()), "Output: "),
    *("Check", "Ponder", "Formal", "ize", "Sub", "question", "x", "48 / 2 = 24", "é", "答"),
    *("*", "**", "#", ">", "-", "_", " ", ".", "\t", "\r", "\n\n\n"),
    *("Backtrack to State ", "Backtrack to State 1.", "State 1:\nAction: Verify\nOutput: "),
    "\n\n**State 2:**\n**Action:** Summarize",
]  # fmt: skip
LETTERS = [letter for letter in string.ascii_letters + "0. :" if letter not in PIECES]
TOKENS = [*PIECES, *LETTERS]
END = len(TOKENS)
LEADING = {TOKENS.index("State "), TOKENS.index("\n\n"), END}


@cache
def compiler() -> xgrammar.GrammarCompiler:
    tokens = xgrammar.TokenizerInfo([*TOKENS, "</s>"], stop_token_ids=[END])
    return xgrammar.GrammarCompiler(tokens)


def written(rules: str, chance: random.Random, room: int = 120) -> str | None:
    """A text that the grammar lets through, token by token; None if it found no end."""
    matcher = xgrammar.GrammarMatcher(compiler().compile_grammar(rules))
    mask = xgrammar.allocate_token_bitmask(1, END + 1)
    text = ""
    for _ in range(room):
        matcher.fill_next_token_bitmask(mask)
        bits = numpy.unpackbits(mask.numpy().view("uint8"), bitorder="little")
        allowed = numpy.flatnonzero(bits[: END + 1]).tolist()
        wanted = [token for token in allowed if token < len(PIECES)]
        if chance.random() < 0.3:  # towards an end
            wanted = [token for token in allowed if token in LEADING] or wanted
        token = chance.choice(wanted or allowed)
        assert matcher.accept_token(token)
        if token == END:
            return text
        text += TOKENS[token]
    return None


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_whatever_is_let_through_is_a_chain_of_legal_transitions(seed: int) -> None:
    """A token may hold the end of one rule and the beginning of another, or a whole header."""
    chance, reader = random.Random(seed), TraceReader()
    for _ in range(8):
        rules = continuation(reader.tree)
        assert rules is not None
        text = written(rules, chance)
        if text is None:
            return
        before = len(reader.transitions)
        reader.insert(text, origin=Origin.MODEL)
        states = reader.transitions[before:]
        assert [state.action in ENDS for state in states] == [False] * (len(states) - 1) + [True]
        assert all(state.legal for state in states)
        assert not reader.preamble
        assert not reader.overran
        if states[-1].action is Action.SUMMARIZE:
            return


def test_the_examples_are_as_a_trained_model_would_write_them() -> None:
    examples = INSTRUCTIONS.split("Problem: ")[1:]
    actions = set()
    for example, answer in zip(examples, ("72", "79"), strict=True):
        solution = example.partition("\n\n")[2].partition("Now solve")[0].strip()
        trace = read(solution)
        assert trace.answer == answer
        assert all(transition.legal for transition in trace.transitions)
        assert render([(t.action, t.output) for t in trace.transitions]) == solution
        refuted = [t for t in trace.transitions if t.verdict is Verdict.REFUTED]
        verified = [t for t in trace.transitions if t.action is Action.VERIFY]
        assert len(refuted) == len(verified)
        actions |= {transition.action for transition in trace.transitions}
    assert actions == set(LABELS)
