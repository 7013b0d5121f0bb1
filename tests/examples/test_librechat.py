"""The configuration for LibreChat, read by LibreChat's own schema."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx2

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from tests.support.node import node
from tests.support.server import local_server

QUESTION = "What is 12 * 7?"


def test_librechat_takes_the_configuration(repository: Path) -> None:
    script = repository / "tests" / "clients" / "librechat.mjs"
    file = repository / "examples" / "librechat" / "librechat.yaml"
    done = subprocess.run(
        [node(), script, file], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["issues"] == []
    assert told["config"]["version"] == told["version"]
    (endpoint,) = told["config"]["endpoints"]["custom"]
    key = endpoint["customParams"]["reasoningKey"]

    with local_server(ScriptedEngine(Script(load_recordings(RECORDINGS), delay_s=0))) as server:
        # What LibreChat reads: the list of models, and the thoughts under the configured name.
        listed = httpx2.get(f"{server.url}/v1/models").json()["data"]
        assert listed[0]["id"] == "scripted"
        body = {"model": "scripted", "messages": [{"role": "user", "content": QUESTION}]}
        answer = httpx2.post(f"{server.url}/v1/chat/completions", json=body).json()
    assert "State 1" in answer["choices"][0]["message"][key]
