"""Chat completions read by the clients of npm: `openai` and `ai` (tests/clients/chat.mjs)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.openai.model_names import names
from tests.support.node import node
from tests.support.server import LocalServer, local_server

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
ANSWER = r"The final answer is \boxed{72}."


def ask(repository: Path, server: LocalServer, **environment: str) -> Any:
    script = str(repository / "tests" / "clients" / "chat.mjs")
    done = subprocess.run(
        [node(), script, server.url, "scripted", BACKTRACKING],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_both_clients_see_the_steps_and_the_answer(repository: Path) -> None:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.001))) as server:
        told = ask(repository, server)
    by_openai, by_ai = told["openai"], told["ai"]
    reasoning = by_openai["plain"]["reasoning_content"]
    assert "✗ refuted: 48 / 2 = 26, but it is 24" in reasoning

    assert by_openai["models"] == names("scripted")
    assert by_openai["refusal"] == {"name": "BadRequestError", "status": 400, "param": "n"}
    assert by_openai["plain"]["content"] == by_openai["helped"] == ANSWER
    streamed = by_openai["streamed"]
    assert (streamed["content"], streamed["reasoning"]) == (ANSWER, reasoning)
    assert streamed["finish_reason"] == "stop"
    assert streamed["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    actions = [step["action"] for step in by_openai["plain"]["state_transitions"]]
    assert [step["action"] for step in streamed["transitions"]] == actions

    assert by_ai["plain"]["text"] == ANSWER
    assert by_ai["plain"]["reasoning"] == reasoning
    assert by_ai["streamed"]["errors"] == []
    assert by_ai["streamed"]["text"] == ANSWER
    assert by_ai["streamed"]["reasoning"] == reasoning
    assert by_ai["streamed"]["finish"] == "stop"
    assert by_ai["streamed"]["usage"]["reasoningTokens"] > 0


def test_both_clients_raise_an_error_in_the_stream(repository: Path) -> None:
    script = Script(QUESTIONS, delay_s=0, fault="error", after=15)
    with local_server(ScriptedEngine(script)) as server:
        told = ask(repository, server, FAILING="1")
    for message in (told["openai"], told["ai"]):
        assert "told to fail" in message
