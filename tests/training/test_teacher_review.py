"""Reviews: a wrong trace comes back repaired, its own first states unchanged, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from typer.testing import CliRunner

from statespace.actions import Action
from statespace.reader import read
from statespace.text import SEPARATOR, render
from tests.support.teacher import Body, Fault, asked, teacher
from training import rows
from training.commands import train as cli
from training.rows import Reason, RejectedRow, TraceRow
from training.traces.filters import Rejected, judge
from training.traces.teacher import prompts, review
from training.traces.teacher.review import RepairRow, reviewed
from training.traces.teacher.sampling import Sampling

SAMPLING = Sampling(model="teacher", prompt="reviewer")
QUESTION = "In April 48 clips were sold and in May half as many. How many in all?"
GOOD = (
    (Action.FORMALIZE, "Let m be the clips sold in May. m = 48 / 2"),
    (Action.SOLVE_SUBQUESTION, "m = 48 / 2 = 24"),
    (Action.SUMMARIZE, r"The final answer is \boxed{72}."),
)
SLIP = (Action.SOLVE_SUBQUESTION, "m = 48 / 2 = 26")
MISREAD = (Action.SOLVE_SUBQUESTION, "m = 48 * 2 = 96")
VERIFY = (Action.VERIFY, "State 2 says 48 / 2 = 26, but 48 / 2 = 24.")
BACK = (Action.BACKTRACK, "Backtrack to State 1.")
REST = (GOOD[1], (Action.SOLVE_PARENT, "48 + m = 48 + 24 = 72"), GOOD[2])
REPLY = render([VERIFY, BACK, *REST], first=3)


def wrong(state: tuple[Action, str] = SLIP, key: str = "w") -> RejectedRow:
    row = TraceRow(
        key=key,
        problem="p",
        question=QUESTION,
        gold="72",
        trace=render([GOOD[0], state, (Action.SUMMARIZE, r"The final answer is \boxed{74}.")]),
        origin="self",
        source="own",
        split="train",
        licence="MIT",
    )
    judged = judge(row)
    assert isinstance(judged, Rejected)
    return judged.kept


def outcome(reply: str, row: RejectedRow | None = None) -> RepairRow | RejectedRow:
    row = row or wrong()
    unit = next(review.units([row], SAMPLING))
    return reviewed(row, unit.row.model_copy(update={"trace": reply}))


def test_the_repair_follows_the_first_wrong_state() -> None:
    found = outcome(REPLY)
    assert isinstance(found, RepairRow)
    assert found.trace == render([GOOD[0], SLIP]) + SEPARATOR + REPLY
    assert (found.first_wrong, found.origin, found.wrong) == (2, "teacher", wrong())
    assert read(found.trace).answer == "72"


def test_a_mistake_that_no_arithmetic_shows_can_be_repaired() -> None:
    verify = (Action.VERIFY, "State 2 says m = 48 * 2, but May had half as many, not twice.")
    found = outcome(render([verify, BACK, *REST], first=3), wrong(MISREAD))
    assert isinstance(found, RepairRow)


def test_a_reviewer_may_repeat_the_states_but_not_change_them() -> None:
    repeated = render([GOOD[0], SLIP]) + SEPARATOR + REPLY
    assert outcome(repeated) == outcome(REPLY)
    changed = outcome(repeated.replace("sold in May", "sold in June"))
    assert isinstance(changed, RejectedRow)
    assert changed.detail == "changes State 1"


@pytest.mark.parametrize(
    ("reply", "reason", "detail"),
    [
        ("", Reason.UNPARSED, "holds no Verify"),
        (render(REST, first=3), Reason.UNPARSED, "holds no Verify"),
        (render([VERIFY, *REST], first=3), Reason.UNPARSED, "is not followed by Backtrack"),
        (render([VERIFY, BACK, *REST], first=1), Reason.UNPARSED, "no state of the wrong trace"),
        (render([VERIFY, BACK, *REST], first=9), Reason.UNPARSED, "no state of the wrong trace"),
        (render([VERIFY, BACK, *REST], first=4), Reason.UNPARSED, "does not name State 3"),
        (REPLY.replace("State 6", "State 8"), Reason.UNPARSED, "states are numbered 3, 4, 5, 8"),
        (REPLY.replace("to State 1", "to State 9"), Reason.ILLEGAL, "State 4"),
        (REPLY.replace("= 24\n", "= 25\n"), Reason.REFUTED, "State 5"),
        (REPLY.replace("{72}", "{74}"), Reason.WRONG_ANSWER, "says 74"),
        (REPLY.replace("Solve Parent", "Guess"), Reason.UNPARSED, "unknown action"),
    ],
)
def test_each_mistake_of_a_reviewer_has_its_reason(reply: str, reason: Reason, detail: str) -> None:
    found = outcome(reply)
    assert isinstance(found, RejectedRow)
    assert found.reason is reason
    assert detail in found.detail


def test_going_back_to_the_wrong_state_is_no_repair() -> None:
    """Nothing refutes a misreading: only the Backtrack shows that it was kept."""
    verify = (Action.VERIFY, "State 2 says m = 48 * 2, but May had half as many.")
    stay = (Action.BACKTRACK, "Backtrack to State 2.")
    found = outcome(render([verify, stay, *REST], first=3), wrong(MISREAD))
    assert isinstance(found, RejectedRow)
    assert "not before the wrong" in found.detail


@given(st.text() | st.lists(st.sampled_from(REPLY.split("\n")), max_size=25).map("\n".join))
def test_any_reply_is_repaired_or_rejected(reply: str) -> None:
    found = outcome(reply)
    if isinstance(found, RepairRow):
        assert found.trace.startswith(render([GOOD[0], SLIP][: found.first_wrong]))
        assert RepairRow.model_validate_json(found.model_dump_json()) == found


def test_only_legal_wrong_traces_are_reviewed() -> None:
    others = [reason for reason in Reason if reason not in review.REVIEWED]
    given_ = [wrong().model_copy(update={"reason": reason}) for reason in others]
    assert not list(review.units(given_, SAMPLING))


def test_the_prompts_example_is_a_repair() -> None:
    """A reviewer writes what it is shown."""
    shown = prompts.REVIEWER.split("The solution:\n\n")[1]
    trace, _, rest = shown.partition("\n\nState 3 is the first wrong one")
    reply = rest.partition("\n\n")[2].rpartition("\n\n")[0]
    row = wrong().model_copy(update={"trace": trace})
    assert isinstance(outcome(reply, row), RepairRow)


def test_the_reviewer_does_not_see_the_right_answer() -> None:
    unit = next(review.units([wrong().model_copy(update={"gold": "8675309"})], SAMPLING))
    assert "8675309" not in unit.model_copy(update={"row": None}).model_dump_json()


@pytest.fixture
def rejected(tmp_path: Path) -> Path:
    path = tmp_path / "rejected.jsonl"
    rows.write(path, [wrong(), wrong(MISREAD, "x"), wrong(key="y")])
    return path


def test_the_command_repairs_what_it_can_and_keeps_the_rest(rejected: Path, tmp_path: Path) -> None:
    def reply(body: Body) -> str:
        return REPLY if "= 26" in asked(body) else "I cannot find a mistake."

    folder = tmp_path / "reviewed"
    with teacher(reply, [Fault.SERVER_ERROR]) as server:
        arguments = ["--output", str(folder), "--url", server.url, "--model", "m"]
        for _ in range(2):
            done = CliRunner().invoke(
                cli, ["review", str(rejected), *arguments], catch_exceptions=False
            )
            assert done.exit_code == 0, done.output
        assert len(server.requests) == 4, "the second run asks for nothing"
    repaired = list(rows.read(folder / "repaired.jsonl", RepairRow))
    assert {row.wrong.key for row in repaired} == {"w", "y"}
    assert [row.detail for row in rows.read(folder / "rejected.jsonl", RejectedRow)] == [
        "holds no Verify"
    ]
    record = json.loads((folder / "repaired.manifest.json").read_text())
    assert record["reasons"] == {"unparsed": 1}
