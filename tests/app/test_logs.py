"""Log lines: each is a JSON object on a line of its own, whatever clients send."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from hypothesis import given, strategies as st

from app import logs
from app.access.keys import Key, digest, write
from app.errors import EngineStartError, RequestError
from app.settings import Settings
from tests.support.server_process import ServerProcess, start

QUESTION = "canary-question: how many?"
KEY = "sw-canary-key"
ESCAPE = "\x1b"

text = st.text(st.characters(exclude_categories=[]), max_size=300)


def formatted(**fields: Any) -> str:
    return logs.Formatter(Settings(log_format="json")).processor(None, "", {"event": "x", **fields})


def read(line: str) -> dict[str, Any]:
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    return found


@given(text, text, text)
def test_nothing_that_was_sent_leaves_its_place(path: str, agent: str, name: str) -> None:
    line = formatted(path=path, headers={"agent": agent, "of": [name]}, owner=name)
    found = read(line)
    assert line.isascii()
    assert line.isprintable()
    assert list(found)[:3] == ["time", "level", "event"]
    assert (found["path"], found["headers"], found["owner"]) == (
        path,
        {"agent": agent, "of": [name]},
        name,
    )


@given(text, text)
def test_a_terminal_obeys_nothing_that_was_sent(path: str, message: str) -> None:
    console = logs.Formatter(Settings(log_format="console"))
    error = OSError(message)
    line = console.processor(None, "", {"event": "x", "path": path, "exc_info": error})
    assert all(one.isprintable() or one == "\n" for one in line)
    assert console.processor(None, "", {"event": "x", "path": path}).isprintable()


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        b"bytes",
        object(),
        {1: {2: {3: {4: {5: 6}}}}},
        "x" * 1_000_000,
        list(range(100_000)),
        10**5000,
        {"a": {b"b"}},
    ],
    ids=["nan", "inf", "bytes", "object", "deep", "long", "many", "huge", "set"],
)
def test_whatever_a_value_is_the_line_can_be_read(value: Any) -> None:
    line = formatted(value=value, sure=1)
    read(line)
    assert len(line) < 10_000


def test_a_line_of_a_library_has_the_same_form() -> None:
    record = logging.makeLogRecord(
        {"name": "lib", "msg": "%s\n%s", "args": ("a", ESCAPE), "levelname": "WARNING"}
    )
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        found = read(logs.Formatter(Settings(log_format="json")).format(record))
    assert found["level"] == "warning"
    assert found["event"] == f"a\n{ESCAPE}"
    assert (found["logger"], found["request_id"]) == ("lib", "req_1")


def test_a_library_that_formats_wrongly_is_heard() -> None:
    record = logging.makeLogRecord({"msg": "%d", "args": ("x",), "name": "lib"})
    assert read(logs.Formatter(Settings(log_format="json")).format(record))["event"] == "%d"


def failing(error: Exception) -> BaseException:
    try:
        try:
            raise KeyError("canary-cause")
        except KeyError as cause:
            raise error from cause
    except Exception as raised:
        return raised


def test_messages_of_unforeseen_errors_are_left_out() -> None:
    found = read(formatted(exc_info=failing(ValueError("canary-question"))))
    assert "canary" not in json.dumps(found)
    assert found["exception"].startswith("ValueError: (left out")
    assert "KeyError" in found["exception"]
    assert "test_logs.py" in found["exception"]


def test_messages_of_requests_are_left_out_and_our_own_are_not() -> None:
    assert "canary-own" in logs.told(EngineStartError("canary-own"), whole=False)
    assert "canary" not in logs.told(RequestError("model: 'canary' is not"), whole=False)


def test_content_is_shown_if_that_is_asked_for() -> None:
    shown = logs.Formatter(Settings(log_format="json", log_content=True))
    fields = {"asked": logs.Content("canary"), "exc_info": ValueError("canary-message")}
    found = read(shown.processor(None, "", {"event": "x", **fields}))
    assert found["asked"] == "canary"
    assert "canary-message" in found["exception"]
    assert "asked" not in read(formatted(asked=logs.Content("canary")))


def test_a_group_of_errors_is_told_and_bounded() -> None:
    group = ExceptionGroup("many", [OSError(str(number)) for number in range(100)])
    told = logs.told(group, whole=False)
    assert "OSError: 0" in told
    assert told.count("OSError") < 10


ENGINE = """
import json, logging, logging.config, os, sys
from app import logs
from app.settings import Settings
os.environ |= logs.for_engine(Settings(log_format="json"))
logging.config.dictConfig(json.load(open(os.environ["VLLM_LOGGING_CONFIG_PATH"])))
logging.getLogger("vllm.v1.engine").error("as vLLM writes it")
logging.getLogger("torch").warning("as others write it")
"""


def test_a_process_that_vllm_starts_writes_the_same_lines(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENGINE], cwd=repository, capture_output=True, text=True, check=True
    )
    lines = [read(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["as vLLM writes it", "as others write it"]
    assert done.stderr == ""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server as operators run it: what it writes goes to a file."""
    state = tmp_path_factory.mktemp("state")
    file = state / "keys.json"
    write(file, [Key(name="ann", sha256=digest(KEY))])
    server = start(state, engine="scripted", keys_file=file, log_level="debug")
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


def test_a_server_writes_nothing_else(server: ServerProcess) -> None:
    """Also what uvicorn says of clients that speak no HTTP, and what the start and the end say."""
    port = int(server.url.rpartition(":")[2])
    hostile = {
        "authorization": f"Bearer {KEY}",
        # What the parser of HTTP lets through: a terminal takes these for escapes, too.
        "user-agent": "\x9d0;title\x9c \xe9\x85",
        "x-request-id": 'req_\x9b31m","level":"error',
    }
    sent = {name: value.encode("latin-1") for name, value in hostile.items()}
    with httpx2.Client(base_url=server.url) as client:
        made = client.post("/v1/solutions", json={"question": QUESTION}, headers=sent)
        refused = client.post("/v1/solutions", json={"question": QUESTION})
        unknown = client.post(
            "/v1/solutions", json={"question": QUESTION, "model": f"m\n{ESCAPE}"}, headers=sent
        )
        client.get(f"/v1/nothing%0a%1b[2J?key={KEY}", headers=sent)
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"\x1b[2J canary\r\n\r\n")
        raw.recv(1000)
    server.process.terminate()
    server.process.wait(30)
    written = server.log.read_text()
    lines = [read(line) for line in written.splitlines()]
    for line in lines:
        assert {"time", "level", "event"} <= line.keys()
    assert "canary" not in written
    assert written.replace("\n", "").isprintable()

    by_id = {line["request_id"]: line for line in lines if line["event"] == "request"}
    told = by_id[made.headers["x-request-id"]]
    assert (told["method"], told["route"], told["status"]) == ("POST", "/v1/solutions", 200)
    assert told["owner"] == "ann"
    assert told["bytes"] == len(made.content)
    assert told["solution_id"] == made.json()["id"]
    assert told["agent"] == hostile["user-agent"]
    assert told["client_request_id"] == hostile["x-request-id"]
    assert by_id[refused.headers["x-request-id"]]["refused"] == "invalid_api_key"
    assert by_id[unknown.headers["x-request-id"]]["refused"] == "model_not_found"
    lost = next(line for line in by_id.values() if line["status"] == 404 and not line["route"])
    assert lost["path"] == f"/v1/nothing\n{ESCAPE}[2J"
    (over,) = [line for line in lines if line["event"] == "solution"]
    assert over["solution_id"] == made.json()["id"]
    assert over["request_id"] == made.headers["x-request-id"]
    assert {"serving", "phase"} <= {line["event"] for line in lines}
    assert any(line.get("logger") == "uvicorn.error" for line in lines)
