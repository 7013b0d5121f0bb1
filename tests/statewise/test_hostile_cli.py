"""The command line in odd surroundings: hostile text, poor terminals, wrong settings, signals."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from app.engines.scripted import Script, ScriptedEngine
from app.processes import Process, ServerRecord, running
from statewise.client import Client, ServerError
from statewise.commands import stop
from tests.support.server import LocalServer, local_server

EVIL = (
    "State 1:\nAction: Solve Subquestion\nOutput: [bold]x[/] [/none] \x1b]0;title\x07 \x9b31m "
    "one\u2028two\x85 2 + 2 = 4\n\nState 2:\nAction: \x1b[5mShout\nOutput: x\r\x08\n\n"
    "State 3:\nAction: Summarize\nOutput: \\boxed{4}"
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script({"evil": EVIL}, delay_s=0))) as server:
        yield server


def statewise(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "statewise", *arguments],
        capture_output=True,
        env={**os.environ, "COLUMNS": "100", **variables},
        timeout=60,
        check=False,
    )


def test_a_models_escape_sequences_do_not_reach_the_terminal(server: LocalServer) -> None:
    """They can retitle it, write to the clipboard, or make it answer as if the user had typed."""
    done = statewise("solve", "evil", "--url", server.url)
    shown = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert not CONTROLS.search(shown)
    assert "[bold]x[/] [/none] ␛]0;title␇" in shown


def test_a_servers_message_does_not_reach_the_terminal_raw(server: LocalServer) -> None:
    done = statewise("solve", "x", "--url", server.url, "--strategy", "\x1b[5m[/x]")
    assert done.returncode == 2
    assert not CONTROLS.search(done.stderr.decode())
    assert "[/x]" in done.stderr.decode()


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"COLUMNS": "1"},
        {"COLUMNS": "12"},
        {"TERM": "dumb"},
        {"FORCE_COLOR": "1", "TERM": "dumb"},
        {"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"},
    ],
)
def test_poor_surroundings_do_not_break_it(server: LocalServer, variables: dict[str, str]) -> None:
    done = statewise("solve", "evil", "--url", server.url, **variables)
    assert done.returncode == 0, done.stderr


def test_json_is_utf8_in_every_locale(server: LocalServer) -> None:
    arguments = ("solve", "evil ✓", "--url", server.url, "--json")
    done = statewise(*arguments, PYTHONIOENCODING="ascii")
    last = json.loads(done.stdout.decode().splitlines()[-1])
    assert last["solution"]["question"] == "evil ✓"


@pytest.mark.parametrize("command", ["serve", "solve x", "demo", "stop", "doctor"])
def test_a_wrong_setting_is_named_without_a_traceback(command: str) -> None:
    done = statewise(*command.split(), STATEWISE_MAX_IN_FLIGHT="many")
    assert done.returncode == 2
    assert b"max-in-flight" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve --engine scripted --port 0", "solve x", "demo"])
def test_an_unusable_state_folder_is_named(tmp_path: Path, command: str) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    done = statewise(
        *command.split(), STATEWISE_STATE_DIR=str(blocked), STATEWISE_ENGINE="scripted"
    )
    assert done.returncode == 3
    assert b"STATEWISE_STATE_DIR" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_name_in_brackets_is_no_markup(tmp_path: Path) -> None:
    arguments = (
        "serve",
        "--engine",
        "scripted",
        "--port",
        "0",
        "--model-name",
        "[/x]",
        "--",
        "--y",
    )
    done = statewise(*arguments, STATEWISE_STATE_DIR=str(tmp_path))
    assert b"Traceback" not in done.stderr
    assert done.returncode == 3


class _Stranger(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        kind, body = {
            "/page/v1/solutions": ("text/html", b"<p>hello"),
            "/cut/v1/solutions": ("text/event-stream", b""),
            "/odd/v1/solutions": ("text/event-stream", b'data: {"type": "x"}\n\n'),
        }[self.path]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.mark.parametrize("path", ["page", "cut", "odd"])
def test_an_answer_that_is_no_solution_is_said(path: str) -> None:
    """Without a message exit code 1 would read as "not solved"."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever).start()
        try:
            done = statewise(
                "solve", "x", "--url", f"http://127.0.0.1:{stranger.server_port}/{path}"
            )
        finally:
            stranger.shutdown()
    assert done.returncode == 3, done.stderr
    assert b"error:" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_bad_url_is_an_error_of_the_client() -> None:
    with pytest.raises(ServerError, match="no address"):
        Client("http://[::1")


SLOW = {"STATEWISE_ENGINE": "scripted", "STATEWISE_MODEL_NAME": "slow"}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_solve_that_is_ended_takes_its_server_along(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """A child that is left behind holds gigabytes, and nobody knows of it."""
    question = "x"
    with subprocess.Popen(
        [sys.executable, "-m", "statewise", "solve", question, "--json"],
        env={**os.environ, **SLOW, "STATEWISE_STATE_DIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # A test run in the background of a shell hands down ignored signals.
        preexec_fn=partial(signal.signal, number, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        deadline = time.monotonic() + 30
        found: list[ServerRecord] = []
        while not found and time.monotonic() < deadline:
            found = list(running(tmp_path))
        process.send_signal(number)
        process.wait(30)
        assert process.returncode == code
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert found
    assert found[0].server.find() is None


def test_a_server_that_does_not_end_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATEWISE_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(stop, "STOP_S", 0.1)
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); " + (
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        server = Process.of(psutil.Process(process.pid))
        record = ServerRecord(server=server, url="http://x", model="[/m]", engine="e")
        (tmp_path / "1.json").write_text(record.model_dump_json())
        assert stop.stop_command() == 1
        process.kill()
    assert "has not ended" in capsys.readouterr().out
