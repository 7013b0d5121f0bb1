"""`?format=`: the clients of AG-UI and Vercel's AI SDK end with the right state.

tests/clients/formats.mjs reads the streams with their own packages, which check every event.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.formats.ag_ui import AgUi
from app.formats.ai_sdk import AiSdk
from statespace.actions import Action
from statespace.events import SolutionInProgress
from statespace.reader import read
from statespace.solutions import Solution, Status
from statespace.text import render
from statespace.trace import Transition
from tests.docs.snippets import snippets
from tests.support.node import node
from tests.support.server import LocalServer, local_server

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
CHAT = next(question for question, text in QUESTIONS.items() if "State" not in text)
ANSWER = r"The final answer is \boxed{72}."
VOTED = "How many?"
RIGHT = render([(Action.SOLVE_SUBQUESTION, "2 + 2 = 4"), (Action.SUMMARIZE, r"\boxed{4}")])
WRONG = RIGHT.replace("= 4", "= 5").replace("{4}", "{5}")
EVIL = "State 1:\nAction: Solve Subquestion\nOutput: data: x\u2028\x85y <b>é</b> 2 + 2 = 4"
FORMATS = ("ag-ui", "ai-sdk")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    script = Script({**QUESTIONS, VOTED: [RIGHT, WRONG, RIGHT], "evil": EVIL}, delay_s=0.001)
    with local_server(ScriptedEngine(script)) as server:
        yield server


@pytest.fixture(scope="module")
def told(server: LocalServer, repository: Path) -> dict[str, Any]:
    """What both clients made of each case, all in one process of Node."""
    failing = ScriptedEngine(Script(QUESTIONS, delay_s=0, fault="error", after=15))
    slow = ScriptedEngine(Script(QUESTIONS, delay_s=0.05))
    with local_server(failing) as broken, local_server(slow) as waiting:
        cases = {
            "backtracking": (server.url, BACKTRACKING, {"deltas": True}),
            "vote": (server.url, VOTED, {"strategy": "vote", "vote": {"paths": 3, "waves": [3]}}),
            "beam": (server.url, BACKTRACKING, {"strategy": "beam-2", "deltas": True}),
            "text": (server.url, CHAT, {}),
            "cut": (server.url, BACKTRACKING, {"max_tokens": 30}),
            "evil": (server.url, "evil", {"background": True}),
            "failing": (broken.url, BACKTRACKING, {"deltas": True}),
            "cancelled": (waiting.url, BACKTRACKING, {"deltas": True}),
        }
        listed = [
            {
                "url": url,
                "question": question,
                "options": options,
                "cancelling": name == "cancelled",
            }
            for name, (url, question, options) in cases.items()
        ]
        script = repository / "tests" / "clients" / "formats.mjs"
        done = subprocess.run(
            [node(), str(script), json.dumps(listed)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return dict(zip(cases, json.loads(done.stdout), strict=True))


def texts(message: dict[str, Any], kind: str) -> list[str]:
    return [part["text"] for part in message["parts"] if part["type"] == kind]


def data(message: dict[str, Any], kind: str) -> list[Any]:
    return [part["data"] for part in message["parts"] if part["type"] == f"data-{kind}"]


def test_every_event_is_one_of_the_protocol(told: dict[str, Any]) -> None:
    for case in told.values():
        assert case["agUi"]["invalid"] == []
        assert "messages: none is the user's" in case["refused"]


def test_steps_dead_ends_and_the_answer_arrive(told: dict[str, Any]) -> None:
    ag_ui, ai = told["backtracking"]["agUi"], told["backtracking"]["aiSdk"]
    solution = ag_ui["state"]["solution"]
    assert (solution["status"], solution["answer"]) == ("completed", "72")
    steps = ag_ui["state"]["transitions"]
    assert [step["verdict"] for step in steps].count("refuted") == 1
    reasoning = [message for message in ag_ui["messages"] if message["role"] == "reasoning"]
    assert len(reasoning) == len(steps)
    assert ag_ui["messages"][-1]["role"] == "assistant"
    assert ag_ui["messages"][-1]["content"] == ANSWER
    assert ag_ui["result"]["answer"] == "72"
    assert ag_ui["events"][0]["threadId"] == "thread-1"
    assert ag_ui["events"][-1]["runId"] == "run-1"

    assert data(ai["message"], "transition") == [
        {**step, "seconds": pytest.approx(step["seconds"], abs=10)} for step in steps
    ]
    assert texts(ai["message"], "text") == [ANSWER]
    assert texts(ai["message"], "reasoning") == [message["content"] for message in reasoning]
    head, output, mark = texts(ai["message"], "reasoning")[1].split("\n")
    assert head == "State 2 · Solve Subquestion"
    assert output == steps[1]["output"]
    assert mark == "✗ refuted: 48 / 2 = 26, but it is 24"
    assert ai["message"]["metadata"]["solution"]["answer"] == "72"
    assert ai["types"][-2:] == ["finish-step", "finish"]
    assert ai["again"] == ai["message"], "read again after its end it is the same"


def test_several_paths_are_told_apart(told: dict[str, Any]) -> None:
    ag_ui, ai = told["vote"]["agUi"], told["vote"]["aiSdk"]
    assert ag_ui["state"]["solution"]["answer"] == "4"
    assert sorted(path["answer"] for path in ag_ui["state"]["paths"]) == ["4", "4", "5"]
    lanes = {step["path"] for step in ag_ui["state"]["transitions"]}
    assert lanes == {0, 1, 2}
    reasoning = texts(ai["message"], "reasoning")
    for lane in lanes:
        assert len([text for text in reasoning if text.startswith(f"Path {lane} · State")]) == 2
    assert "The answer is that of Path" in reasoning[-1]
    assert sorted(path["answer"] for path in data(ai["message"], "path")) == ["4", "4", "5"]


def test_what_is_given_up_is_closed(told: dict[str, Any]) -> None:
    """A beam leaves states open on paths that it drops."""
    ag_ui, ai = told["beam"]["agUi"], told["beam"]["aiSdk"]
    assert "error" not in ag_ui
    assert "error" not in ai
    types = [event["type"] for event in ag_ui["events"]]
    assert types.count("STEP_STARTED") == types.count("STEP_FINISHED") > 0
    assert ai["types"].count("reasoning-start") == ai["types"].count("reasoning-end")


def test_plain_text_is_the_message(told: dict[str, Any]) -> None:
    ag_ui, ai = told["text"]["agUi"], told["text"]["aiSdk"]
    assert [message["content"] for message in ag_ui["messages"][1:]] == [QUESTIONS[CHAT]]
    assert texts(ai["message"], "text") == [QUESTIONS[CHAT]]
    assert texts(ai["message"], "reasoning") == []


def test_what_has_no_answer_ends_without_a_text(told: dict[str, Any]) -> None:
    ag_ui, ai = told["cut"]["agUi"], told["cut"]["aiSdk"]
    assert ag_ui["result"]["incomplete_reason"] == "max_tokens"
    assert all(message["role"] != "assistant" for message in ag_ui["messages"])
    assert texts(ai["message"], "text") == []
    assert data(ai["message"], "solution")[0]["incomplete_reason"] == "max_tokens"


def test_odd_text_arrives_as_it_is(told: dict[str, Any]) -> None:
    output = EVIL.partition("Output: ")[2]
    (step,) = told["evil"]["agUi"]["state"]["transitions"]
    assert step["output"] == output
    assert output in texts(told["evil"]["aiSdk"]["message"], "reasoning")[0]


@pytest.mark.parametrize(
    ("case", "status", "said"),
    [("failing", "failed", "told to fail"), ("cancelled", "cancelled", "was cancelled")],
)
def test_a_bad_end_is_told_as_one(told: dict[str, Any], case: str, status: str, said: str) -> None:
    ag_ui, ai = told[case]["agUi"], told[case]["aiSdk"]
    assert ag_ui["events"][-1]["type"] == "RUN_ERROR"
    assert said in ag_ui["events"][-1]["message"]
    assert ag_ui["state"]["solution"]["status"] == status
    assert data(ai["message"], "solution")[0]["status"] == status
    assert ai["types"][-1] == ("error" if case == "failing" else "abort")
    assert said in ai.get("error", "was cancelled")
    assert all(part.get("state") != "streaming" for part in ai["message"]["parts"])


@pytest.mark.parametrize("format", FORMATS)
def test_our_own_shape_is_taken_too(server: LocalServer, format: str) -> None:
    url = f"{server.url}/v1/solutions"
    streamed = httpx2.post(f"{url}?format={format}", json={"question": BACKTRACKING})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert "48 / 2 = 26, but it is 24" in streamed.text
    solution = httpx2.get(f"{url}?limit=1").json()["data"][0]
    forked = httpx2.post(f"{url}/{solution['id']}/fork?format={format}", json={"state": 1})
    assert "72" in forked.text
    odd = {"format": {"format": "x"}, "starting_after": {"format": format, "starting_after": 2}}
    for field, parameters in odd.items():
        refused = httpx2.get(f"{url}/{solution['id']}/events", params=parameters)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "body",
    [
        {"question": "x", "mood": "good"},
        {"messages": "x"},
        {"messages": []},
        {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
        {
            "messages": [{"role": "user", "content": "x"}],
            "forwardedProps": {"seed": "x"},
            "seed": "",
        },
    ],
)
def test_what_cannot_be_asked_is_refused(
    server: LocalServer, format: str, body: dict[str, Any]
) -> None:
    refused = httpx2.post(f"{server.url}/v1/solutions?format={format}", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"]


def test_the_snippets_of_the_docs_run(server: LocalServer, repository: Path) -> None:
    page = "docs/clients.md"
    found = [one.text for one in snippets(repository / page, page) if one.language == "js"]
    source = "".join(found).replace("http://127.0.0.1:8000", server.url)
    source += "console.log(typeof transport.sendMessages);"
    done = subprocess.run(
        [node(), "--input-type=module", "--eval", source],
        capture_output=True,
        text=True,
        cwd=repository / "tests" / "clients",
        timeout=60,
        check=False,
    )
    answer, transport = done.stdout.splitlines() or [done.stderr, ""]
    assert answer.startswith("84 ")
    assert transport == "function"


def going_on(*standing: Transition) -> tuple[SolutionInProgress, SolutionInProgress]:
    """What a stream tells of a solution that is begun, and gone on with elsewhere."""
    solution = Solution(
        id="sol_1",
        status=Status.IN_PROGRESS,
        question="?",
        model="m",
        strategy="single",
        created_at=0.0,
    )
    later = solution.model_copy(update={"transitions": standing})
    return (
        SolutionInProgress(sequence_number=1, solution_id="sol_1", solution=solution),
        SolutionInProgress(sequence_number=5, solution_id="sol_1", solution=later),
    )


def test_what_stands_is_kept_where_another_server_goes_on() -> None:
    """Those states are not told again: who drops them has lost them."""
    transition = read("State 1:\nAction: Formalize\nOutput: x = 2").transitions[0]
    for standing in ((transition,), ()):
        first, again = going_on(*standing)
        writer = AgUi().writer(None)
        list(writer.parts(first))
        (snapshot,) = writer.parts(again)
        kept = snapshot["snapshot"]["transitions"]
        assert [one["output"] for one in kept] == [one.output for one in standing]
        told = AiSdk().writer(None)
        list(told.parts(first))
        said = json.dumps(list(told.parts(again)))
        assert ("void" in said) == (not standing)
        assert ("goes on" in said) == bool(standing)


def test_a_number_that_no_field_holds_is_a_mistake_of_the_request(server: LocalServer) -> None:
    for form in FORMATS:
        url = f"{server.url}/v1/solutions?format={form}"
        refused = httpx2.post(url, json={"question": "1 + 1?", "seed": 10**20})
        assert refused.status_code == 400, refused.text
        assert refused.json()["error"]["param"] == "seed"
