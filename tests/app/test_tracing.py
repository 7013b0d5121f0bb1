"""Traces, as a collector on a real socket gets them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from structlog.testing import capture_logs

from app.access.keys import Key, digest, write
from app.engines.base import Engine
from app.engines.scripted import Fault, Script, ScriptedEngine
from app.errors import EngineStartError
from app.settings import Settings
from app.tracing import environment
from tests.support.batching import begin, ended, line
from tests.support.otlp import (
    INTERNAL_SPAN,
    SERVER_SPAN,
    Collector,
    ReceivedSpan,
    collector,
)
from tests.support.server import LocalServer, local_server

QUESTION = "canary-question: Ann sold 48 clips in April and half as many in May. In all?"
KEY = "sw-canary-key"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
TEXT = (
    "State 1:\nAction: Formalize\nOutput: canary-output m is the clips sold in May.\n\n"
    "State 2:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 24\n\n"
    "State 3:\nAction: Summarize\nOutput: The final answer is \\boxed{72}."
)
WRONG = (
    "State 1:\nAction: Formalize\nOutput: m is the clips sold in May.\n\n"
    "State 2:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 26\n\n"
    "State 3:\nAction: Summarize\nOutput: The final answer is \\boxed{74}."
)
AGAIN = (
    "State 5:\nAction: Solve Subquestion\nOutput: m = 48 / 2 = 24\n\n"
    "State 6:\nAction: Summarize\nOutput: The final answer is \\boxed{72}."
)
SCRIPT = Script({QUESTION: TEXT}, 0.001)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
        yield found


def scripted(script: Script = SCRIPT, **settings: Any) -> Any:
    return local_server(ScriptedEngine(script), Settings(engine="scripted", **settings))


def solve(server: LocalServer, **body: Any) -> httpx2.Response:
    asked = {"question": QUESTION, **body}
    return httpx2.post(
        f"{server.url}/v1/solutions", json=asked, headers={"traceparent": TRACEPARENT}
    )


def one(spans: list[ReceivedSpan], name: str) -> ReceivedSpan:
    (found,) = [span for span in spans if span.name.startswith(name)]
    return found


@contextmanager
def keyed(tmp_path: Path, engine: Engine | None = None) -> Iterator[LocalServer]:
    file = tmp_path / "keys.json"
    write(file, [Key(name="ann", sha256=digest(KEY))])
    settings = Settings(engine="scripted", keys_file=file)
    with local_server(engine or ScriptedEngine(SCRIPT), settings) as server:
        yield server


def test_a_request_its_solution_the_engine_and_the_transitions_are_a_tree(
    sent: Collector, tmp_path: Path
) -> None:
    headers = {"traceparent": TRACEPARENT, "authorization": f"Bearer {KEY}"}
    with keyed(tmp_path) as server:
        answer = httpx2.post(
            f"{server.url}/v1/solutions?q={KEY}", json={"question": QUESTION}, headers=headers
        )
        root = sent.until("POST /v1/solutions")[0]
    solution = answer.json()
    assert (root.trace_id, root.parent_id, root.kind) == (TRACE, PARENT, SERVER_SPAN)
    assert root.attributes["http.route"] == "/v1/solutions"
    assert root.attributes["http.response.status_code"] == 200
    assert root.attributes["statewise.request.id"] == answer.headers["x-request-id"]
    assert root.attributes["statewise.key"] == "ann"

    workflow = one(sent.children(root), "invoke_workflow single")
    told = workflow.attributes
    assert told["gen_ai.operation.name"] == "invoke_workflow"
    assert told["gen_ai.response.id"] == solution["id"]
    assert told["gen_ai.request.model"] == "scripted"
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert told["statewise.status"] == "completed"

    call = one(sent.children(workflow), "text_completion scripted")
    assert call.kind == INTERNAL_SPAN
    assert call.attributes["gen_ai.usage.input_tokens"] == solution["usage"]["prompt_tokens"]
    assert call.attributes["gen_ai.usage.output_tokens"] == solution["usage"]["completion_tokens"]
    assert call.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert not any(span.failed for span in (root, workflow, call))

    written = sent.children(call)
    assert [span.name for span in written] == [
        f"transition {one['action']}" for one in solution["transitions"]
    ]
    for span, transition in zip(written, solution["transitions"], strict=True):
        assert span.attributes["statewise.transition.verdict"] == transition["verdict"]
        assert span.attributes["statewise.transition.tokens"] == transition["tokens"]
        assert span.end - span.start == int(transition["seconds"] * 1e9)
    assert {span.trace_id for span in sent.spans} == {TRACE}
    assert sent.resources[0]["service.name"] == "statewise"
    assert b"canary" not in b"".join(sent.bodies)


def test_what_the_verifier_wrote_is_no_part_of_a_generation(sent: Collector) -> None:
    continuations = {"Backtrack to State 1.": [AGAIN]}
    with scripted(Script({QUESTION: WRONG}, 0.001, continuations=continuations)) as server:
        assert solve(server, strategy="guided").json()["answer"] == "72"
        sent.until("POST /v1/solutions")
    workflow = one(sent.spans, "invoke_workflow guided")
    below = sent.children(workflow)
    assert [span.name for span in below if span.name.startswith("transition")] == [
        "transition verify",
        "transition backtrack",
    ]
    halted, again = [span for span in below if span.name.startswith("text_completion")]
    assert halted.attributes["gen_ai.response.finish_reasons"] == ["halted"]
    assert [span.name for span in sent.children(again)] == [
        "transition solve_subquestion",
        "transition summarize",
    ]


def test_each_path_of_a_vote_has_its_generation(sent: Collector) -> None:
    script = Script({QUESTION: [TEXT, WRONG, TEXT, TEXT]}, 0.001)
    with scripted(script) as server:
        solution = solve(server, strategy="vote-4").json()
        sent.until("POST /v1/solutions")
    below = sent.children(one(sent.spans, "invoke_workflow vote-4"))
    calls = [span for span in below if span.name.startswith("text_completion")]
    assert len(calls) == len({call.attributes["statewise.path"] for call in calls})
    for call in calls:
        assert {span.attributes["statewise.transition.path"] for span in sent.children(call)} == {
            call.attributes["statewise.path"]
        }
    told = len([span for span in sent.spans if span.name.startswith("transition")])
    assert told == len(solution["transitions"])


@pytest.mark.parametrize(("fault", "kind"), [("error", "engine_error"), ("die", "engine_error")])
def test_a_failure_is_seen_in_every_span_that_it_ends(
    sent: Collector, fault: Fault, kind: str
) -> None:
    with scripted(Script({QUESTION: TEXT}, 0.001, fault=fault)) as server:
        assert solve(server).json()["status"] == "failed"
        root = sent.until("POST /v1/solutions")[0]
    workflow, call = one(sent.spans, "invoke_workflow"), one(sent.spans, "text_completion")
    assert workflow.failed
    assert call.failed
    assert workflow.attributes["error.type"] == call.attributes["error.type"] == kind
    assert not root.failed  # the answer says what happened
    assert b"told to" not in b"".join(sent.bodies)


class Broken(ScriptedEngine):
    def prompt(
        self, question: str, *, plain: bool = False, adapter: str | None = None
    ) -> list[int]:
        raise RuntimeError("canary")


def test_an_unforeseen_error_is_seen_without_its_message(sent: Collector) -> None:
    with local_server(Broken(SCRIPT)) as server:
        assert solve(server).status_code == 500
        root = sent.until("POST /v1/solutions")[0]
    assert root.failed
    assert root.attributes["error.type"] == "RuntimeError"
    assert b"canary" not in b"".join(sent.bodies)


def test_a_cancelled_solution_is_seen(sent: Collector) -> None:
    with scripted(Script({QUESTION: TEXT}, 0.001, fault="hang")) as server:
        made = solve(server, background=True).json()
        url = f"{server.url}/v1/solutions/{made['id']}"
        while httpx2.get(url).json()["status"] == "queued":
            time.sleep(0.01)
        httpx2.post(f"{url}/cancel")
        workflow = sent.until("invoke_workflow")[0]
    assert workflow.failed
    assert (
        workflow.attributes["error.type"] == workflow.attributes["statewise.status"] == "cancelled"
    )
    assert one(sent.spans, "text_completion").attributes["error.type"] == "cancelled"
    assert workflow.trace_id == TRACE
    assert sent.named("POST /v1/solutions/{solution_id}/cancel")


def test_a_refusal_says_why_and_is_an_error_if_the_server_is_to_blame(sent: Collector) -> None:
    hanging = Script({QUESTION: TEXT}, 0.001, fault="hang")
    with scripted(hanging, max_in_flight=1, max_queued=0) as server:
        solve(server, background=True)
        sent.until("POST /v1/solutions")
        full = solve(server)
        unknown = solve(server, model="other\x1b[31m")
        spans = sent.until("POST /v1/solutions", 3)
        assert (full.status_code, unknown.status_code) == (503, 404)
    told = {span.attributes["http.response.status_code"]: span for span in spans}
    assert told[503].failed
    assert told[503].attributes["error.type"] == full.json()["error"]["code"]
    assert not told[404].failed
    assert told[404].attributes["statewise.refused"] == "model_not_found"


def test_what_a_server_leaves_behind_is_seen(sent: Collector) -> None:
    with scripted(Script({QUESTION: TEXT}, 0.001, fault="hang")) as server:
        solve(server, background=True)
        sent.until("POST /v1/solutions")
    assert one(sent.spans, "invoke_workflow").attributes["statewise.status"] == "handed_over"


def test_lines_of_a_batch_link_to_the_request_that_made_it(sent: Collector) -> None:
    with scripted() as server:
        client = OpenAI(
            base_url=f"{server.url}/v1",
            api_key="none",
            default_headers={"traceparent": TRACEPARENT},
        )
        made = begin(client, [line("a", {"question": QUESTION}), line("b", {"question": QUESTION})])
        assert ended(client, made.id).status == "completed"
        workflows = sent.until("invoke_workflow", 2)
        maker = sent.until("POST /v1/batches")[0]
    for workflow in workflows:
        assert workflow.links == [f"{TRACE}-{maker.span_id}"]
        assert workflow.parent_id == ""
        assert workflow.trace_id != TRACE
        assert workflow.attributes["statewise.batch.id"] == made.id
    assert {span.attributes["statewise.batch.line"] for span in workflows} == {1, 2}


def test_questions_and_answers_are_sent_if_that_is_asked_for(
    sent: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    with scripted() as server:
        solve(server)
        sent.until("POST /v1/solutions")
    told = one(sent.spans, "invoke_workflow").attributes
    (asked,) = json.loads(told["gen_ai.input.messages"])
    (answered,) = json.loads(told["gen_ai.output.messages"])
    assert asked["parts"][0]["content"] == QUESTION
    assert answered["parts"][-1] == {"type": "text", "content": "72"}
    assert (
        "canary-output"
        in one(sent.spans, "transition formalize").attributes["statewise.transition.output"]
    )


def test_a_hanging_collector_is_not_noticed(
    sent: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is bounded, and the end of the server does not wait for what hangs."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    sent.release = threading.Event()
    with capture_logs() as logs, scripted() as server:
        for _ in range(6):
            assert solve(server).json()["status"] == "completed"
    sent.release.set()  # the server has ended before the collector answered
    for thread in threading.enumerate():
        if thread.name.startswith(("OtelBatch", "traces-end")):
            thread.join()
    assert [line["event"] for line in logs].count("traces_not_sent") == 1


def test_a_collector_that_comes_back_is_told_once(
    sent: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent.status = 400
    with capture_logs() as logs, scripted() as server:
        for count in (1, 2):
            solve(server)
            while len(sent.headers) < count:
                time.sleep(0.01)
        sent.status = 200
        solve(server)
        sent.until("POST /v1/solutions")
    told = [line for line in logs if line["event"].startswith("traces")]
    assert [line["event"] for line in told] == ["traces_not_sent", "traces_sent_again"]
    assert told[1]["lost"] > 0


OFF = """
import json, sys
from app.engines.scripted import Script, ScriptedEngine
from app.host import Host
from app.main import create_app
from app.settings import Settings
create_app(Settings(engine="scripted"), Host(ScriptedEngine(Script({"q": "a"}))))
print(json.dumps([name for name in sys.modules if name.startswith("opentelemetry")]))
"""


def test_without_a_collector_nothing_is_imported(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFF], cwd=repository, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        (HERE, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (HERE | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (HERE | {"OTEL_SDK_DISABLED": "true"}, False),
        (HERE | {"OTEL_SDK_DISABLED": "false"}, True),
    ],
)
def test_the_standard_variables_switch_it(variables: dict[str, str], on: bool) -> None:
    assert environment.is_on(variables) is on


def test_unknown_values_are_said() -> None:
    with pytest.raises(EngineStartError, match="OTEL_TRACES_EXPORTER: 'zipkin'"):
        environment.is_on({"OTEL_TRACES_EXPORTER": "zipkin"})
    with pytest.raises(EngineStartError, match="OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier'"):
        environment.protocol({"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier"})


def test_without_the_library_it_is_said_and_served(
    sent: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_is_installed", lambda _: False)
    with capture_logs() as logs, scripted() as server:
        assert solve(server).json()["status"] == "completed"
    (told,) = [line for line in logs if line["event"] == "tracing_off"]
    assert ".[otel]" in told["error"]
    assert sent.spans == []
