"""Traces and logs of a server with the real engine."""

from __future__ import annotations

import json

import httpx2
import pytest

from tests.support.otlp import Collector
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.engine

QUESTION = "Tom has 5 canaries. He buys 3 more canaries. How many canaries does Tom have now?"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_request_is_followed_into_vllm(server: ServerProcess, sent: Collector) -> None:
    answer = httpx2.post(
        f"{server.url}/v1/solutions",
        json={"question": QUESTION},
        headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
        timeout=120,
    )
    solution = answer.json()
    sent.until_trace(TRACE, {"POST", "invoke_workflow", "text_completion", "llm_request"})
    spans = [span for span in sent.spans if span.trace_id == TRACE]
    (call,) = [span for span in spans if span.name.startswith("text_completion")]
    below = [span.name for span in sent.children(call)]
    assert sorted(below) == sorted(
        ["llm_request", *(f"transition {one['action']}" for one in solution["transitions"])]
    )
    assert call.attributes["gen_ai.provider.name"] == "vllm"
    assert call.attributes["gen_ai.usage.output_tokens"] == solution["usage"]["completion_tokens"]
    assert b"canaries" not in b"".join(sent.bodies)


def test_lines_are_json_and_hold_no_question(server: ServerProcess) -> None:
    """What libraries print past their loggers goes to the same file here, and is no JSON."""
    httpx2.post(f"{server.url}/v1/solutions", json={"question": QUESTION}, timeout=120)
    written = server.log.read_text()
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert {"serving", "phase", "solution", "request"} <= {line["event"] for line in lines}
    assert "canaries" not in written
