"""Filters: what is fit to train on; total on any text, and the same whatever the order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from typer.testing import CliRunner

from statespace.actions import LABELS, Action
from statespace.parser import parse
from statespace.text import render
from training import rows
from training.commands import train as cli
from training.problems import generator
from training.rows import Reason, RejectedRow, TraceRow
from training.traces import graph
from training.traces.filters import (
    UNLIMITED,
    Accepted,
    Limits,
    Rejected,
    filtered,
    judge,
    rewritten,
)

SOLVED = (
    (Action.FORMALIZE, "m = 48 / 2"),
    (Action.SOLVE_SUBQUESTION, "m = 48 / 2 = 24"),
    (Action.SUMMARIZE, r"The final answer is \boxed{24}."),
)
BACK = (Action.BACKTRACK, "Backtrack to State 1.")


def row(trace: str, gold: str = "24", key: str = "k", question: str = "How many?") -> TraceRow:
    return TraceRow(
        key=key,
        problem=f"prob-{key}",
        question=question,
        gold=gold,
        trace=trace,
        origin="teacher",
        source="own",
        split="train",
        licence="MIT",
    )


def reason(trace: str, gold: str = "24", limits: Limits = UNLIMITED) -> Reason | None:
    found = judge(row(trace, gold), limits)
    return found.reason if isinstance(found, Rejected) else None


def test_a_right_trace_is_accepted() -> None:
    assert reason(render(SOLVED)) is None


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("", Reason.UNPARSED),
        ("The answer is 24.", Reason.UNPARSED),
        (render(SOLVED, first=2), Reason.UNPARSED),
        (render([SOLVED[2], *SOLVED]), Reason.ILLEGAL),
        (render(SOLVED).replace("Formalize", "Guess"), Reason.ILLEGAL),
        (render([*SOLVED[:2], BACK, SOLVED[2]]), Reason.ILLEGAL),
        (render(SOLVED[:2]), Reason.UNRESOLVED),
        (render(SOLVED).replace("= 24\n", "= 25\n"), Reason.REFUTED),
        (render(SOLVED).replace("{24}", "{25}"), Reason.WRONG_ANSWER),
    ],
)  # fmt: skip
def test_each_mistake_has_its_reason(trace: str, expected: Reason) -> None:
    assert reason(trace) is expected


def test_a_mistake_that_was_left_by_backtracking_is_no_reason() -> None:
    """Such traces are what stage 2 is trained on."""
    slip = (Action.SOLVE_SUBQUESTION, "m = 48 / 2 = 26")
    verify = (Action.VERIFY, "State 2 says 48 / 2 = 26, but 48 / 2 = 24.")
    repaired = render([SOLVED[0], slip, verify, BACK, *SOLVED[1:]])
    assert reason(repaired) is None
    assert reason(repaired, limits=Limits(forward=True)) is Reason.ILLEGAL
    kept = render(
        [SOLVED[0], slip, verify, (Action.BACKTRACK, "Backtrack to State 2."), *SOLVED[1:]]
    )
    assert reason(kept) is Reason.REFUTED


def test_numbers_are_compared_as_numbers() -> None:
    assert reason(render(SOLVED).replace("{24}", "{24.00}"), gold="24") is None
    assert reason(render(SOLVED).replace("{24}", r"{\$24}"), gold="24") is None


def test_length_is_bounded_in_the_given_measure() -> None:
    text = render(SOLVED)
    assert reason(text, limits=Limits(longest=len(text))) is None
    assert reason(text, limits=Limits(longest=len(text) - 1)) is Reason.TOO_LONG
    assert (
        reason(text, limits=Limits(longest=5, measure=lambda t: len(t.split()))) is Reason.TOO_LONG
    )


def test_form_is_put_right_and_content_kept() -> None:
    loose = (
        "Here you are:\n**State 1:**\nAction: Solve Subproblem\nOutput:\n48 / 2 = 24\n"
        "State 2:\nAction: summarise\nOutput: The final answer is \\boxed{24}.\n\nHope it helps!"
    )
    found = judge(row(loose))
    assert isinstance(found, Accepted)
    assert found.row.trace == render([(Action.SOLVE_SUBQUESTION, "48 / 2 = 24"), SOLVED[2]])


def test_generated_traces_pass_and_their_corruptions_do_not() -> None:
    for index in range(40):
        problem = generator.generate(5, index)
        text = render(graph.trace(problem))
        assert reason(text, problem.answer) is None
        assert reason(text, problem.answer + "1") is Reason.WRONG_ANSWER


def test_duplicates_are_found_at_the_same_question_and_on_request_anywhere() -> None:
    text = render(SOLVED)
    same = [
        row(text, key="a"),
        row(text.replace(" 48", "  48"), key="b"),
        row(text, key="c", question="And how many?"),
        row(text, key="a"),
    ]
    found = [one.reason if isinstance(one, Rejected) else None for one in filtered(same)]
    assert found == [None, Reason.DUPLICATE, None, Reason.DUPLICATE]
    anywhere = [isinstance(one, Accepted) for one in filtered(same, scope="global")]
    assert anywhere == [True, False, False, False]


ACTIONS = st.sampled_from([*LABELS.values(), "Check", "Guess", "solve subques"])
LINES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["m = 48 / 2 = 24", "48 / 2 = 26", r"\boxed{24}", "Backtrack to State 1.", "State 2:",
         "Action: Verify", "Output: x", "**", "\r\n", "# State 3:", "The final answer is 24."]
    ),
)  # fmt: skip


@st.composite
def traces(draw: st.DrawFn) -> str:
    """Text that is nearly a trace."""
    states = draw(st.lists(st.tuples(ACTIONS, st.lists(LINES, max_size=3)), max_size=6))
    shift = draw(st.sampled_from([0, 0, 0, 1]))
    parts = [draw(st.one_of(st.just(""), LINES))]
    for number, (label, lines) in enumerate(states, 1 + shift):
        mark = draw(st.sampled_from(["", "", "**", "## "]))
        parts.append(f"{mark}State {number}:\nAction: {label}\nOutput: " + "\n\n".join(lines))
    if draw(st.booleans()):
        parts.append(f"State {len(states) + 1}:\nAction: Summarize\nOutput: \\boxed{{24}}.")
    return draw(st.sampled_from(["\n\n", "\n"])).join(parts)


@given(st.one_of(traces(), st.text()))
def test_judging_is_total_and_pure_and_accepted_traces_read_the_same(text: str) -> None:
    first, second = judge(row(text)), judge(row(text))
    assert first == second
    if isinstance(first, Accepted):
        before = [(state.action, state.output) for state in parse(text).states]
        after = parse(first.row.trace)
        assert [(state.action, state.output) for state in after.states] == before
        assert after.preamble == after.trailing == ""
        assert rewritten(first.row.trace) == first.row.trace
        assert judge(first.row) == first
    else:
        kept = RejectedRow.model_validate_json(first.kept.model_dump_json())
        assert kept.reason is first.reason
        assert judge(kept).row.trace == kept.trace


@given(st.lists(traces(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_matters_for_duplicates_only(texts: list[str], random: object) -> None:
    given_ = [row(text, key=str(index)) for index, text in enumerate(texts)]
    mixed = list(given_)
    random.shuffle(mixed)  # type: ignore[attr-defined]

    def verdicts(order: list[TraceRow]) -> tuple[dict[str, str], int]:
        passed = {Reason.DUPLICATE: "passed"}
        found = list(filtered(order))
        reasons = {
            one.row.key: passed.get(one.reason, one.reason)
            if isinstance(one, Rejected)
            else "passed"
            for one in found
        }
        return reasons, sum(isinstance(one, Accepted) for one in found)

    assert verdicts(given_) == verdicts(mixed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    problems = [generator.generate(5, index) for index in range(30)]
    good = [row(render(graph.trace(p)), p.answer, p.id, p.question) for p in problems]
    bad = [one.model_copy(update={"key": f"{one.key}-b", "gold": "7.77"}) for one in good[:10]]
    rows.write(tmp_path / "traces.jsonl", [*good, *bad, row("no states", key="x")])
    return tmp_path


def test_the_command_keeps_every_trace_with_its_reason(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    command = ["filter", str(folder / "traces.jsonl"), "--output", str(folder / "out")]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "wrong answer" in done.stdout
    accepted = list(rows.read(folder / "out" / "accepted.jsonl", TraceRow))
    rejected = list(rows.read(folder / "out" / "rejected.jsonl", RejectedRow))
    assert Counter(one.reason for one in rejected) == {Reason.WRONG_ANSWER: 10, Reason.UNPARSED: 1}
    assert len(accepted) == 30
    record = json.loads((folder / "out" / "accepted.manifest.json").read_text())
    assert record["summary"]["groups"]["teacher/own"]["accepted"] == 30
    assert (folder / "out" / "summary.png").read_bytes().startswith(b"\x89PNG")
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    CliRunner().invoke(cli, command, catch_exceptions=False)
    after = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    assert before == after


KILLED = """
import sys
from pathlib import Path
from training.traces import filtering, filters
source, folder, wait = sys.argv[1:]
def advance(count):
    if wait == "wait":
        print("in the middle", flush=True)
        sys.stdin.read()
filtering.run([Path(source)], Path(folder), limits=filters.Limits(), unit="character",
              advance=advance)
"""


def test_killed_in_the_middle_it_leaves_nothing_half_done(folder: Path, repository: Path) -> None:
    output = folder / "out"
    arguments = [sys.executable, "-c", KILLED, str(folder / "traces.jsonl"), str(output)]
    with subprocess.Popen(
        [*arguments, "wait"], cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        process.kill()
    assert not list(output.glob("*.jsonl"))
    subprocess.run([*arguments, "run"], cwd=repository, check=True)
    assert len(list(rows.read(output / "accepted.jsonl", TraceRow))) == 30
    assert not list(output.glob("*.part"))


def test_tokens_are_counted_with_the_checkpoints_tokenizer(folder: Path, repository: Path) -> None:
    starter = repository / "checkpoints" / "starter"
    command = ["filter", str(folder / "traces.jsonl"), "--output", str(folder / "out")]
    more = ["--tokenizer", str(starter), "--longest", "60"]
    done = CliRunner().invoke(cli, [*command, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rejected = rows.read(folder / "out" / "rejected.jsonl", RejectedRow)
    assert Reason.TOO_LONG in {one.reason for one in rejected}


def test_a_file_that_was_cut_short_is_named(folder: Path) -> None:
    """Half the traces would pass for all of them."""
    arguments = ["--output", str(folder / "one")]
    assert (
        CliRunner().invoke(cli, ["filter", str(folder / "traces.jsonl"), *arguments]).exit_code == 0
    )
    path = folder / "one" / "accepted.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:9]))
    done = CliRunner().invoke(cli, ["filter", str(path), "--output", str(folder / "two")])
    assert done.exit_code == 1
    assert "cut short or changed" in " ".join(done.stderr.split())
    torn = folder / "torn.jsonl"
    torn.write_bytes(lines[0] + lines[1][:40])
    done = CliRunner().invoke(cli, ["filter", str(torn), "--output", str(folder / "two")])
    assert done.exit_code == 1
    assert "torn.jsonl, line 2" in " ".join(done.stderr.split())


def test_the_input_is_never_replaced(folder: Path) -> None:
    path = folder / "accepted.jsonl"
    (folder / "traces.jsonl").rename(path)
    done = CliRunner().invoke(cli, ["filter", str(path), "--output", str(folder)])
    assert done.exit_code == 1
    assert "--output" in done.stderr
