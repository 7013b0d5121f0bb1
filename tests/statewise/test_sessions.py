"""`chat`, `watch`, `top` and completion: what is said, and what a Ctrl-C ends."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.settings import Settings
from statespace.solutions import Status
from statewise import Client
from statewise.cli import cli
from statewise.commands import top
from tests.support.server import LocalServer, local_server
from tests.support.streams import check_order

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)
STATEWISE = str(Path(sys.executable).with_name("statewise"))
CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    """The server's log goes to the same standard output as what is tested."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    script = Script(QUESTIONS, 0.0, continuations={"48 / 2 = 24": ["\n\n" + "State 3:\nAction: "
                    "Summarize\nOutput: \\boxed{24}"]})  # fmt: skip
    with local_server(ScriptedEngine(script)) as server:
        yield server


@pytest.fixture(scope="module")
def slow() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.1))) as server:
        yield server


def run(*arguments: str, typed: str | None = None, **variables: str) -> Result:
    return CliRunner().invoke(cli, arguments, input=typed, env={"COLUMNS": "100", **variables})


def test_a_session_solves_what_is_typed(server: LocalServer) -> None:
    typed = f"""
{BACKTRACKING}
/again
/strategy guided
/strategy
/fork 2 48 / 2 = 24
/fork 99
/model
/model other
What is 12 * 7?
/model scripted
/strategy magic
What is 12 * 7?
/what
/quit
What is 12 * 7?
"""
    done = run("chat", "--url", server.url, typed=typed)
    assert done.exit_code == 0, done.output
    told = done.output
    assert told.count("Answer: 72") == 2
    assert "strategy: guided" in told
    assert "Answer: 24" in told
    assert "no State '99' is in it" in told
    assert "* scripted\n" in told
    assert "not served here" in told
    assert "error: strategy" in told
    assert "/what is no command" in told
    assert "84" not in told, "after /quit nothing is solved"
    assert not CONTROLS.search(told.encode()), "nothing but lines in a pipe"


def test_a_session_needs_a_server() -> None:
    done = run("chat", "--url", "http://127.0.0.1:1", typed="x\n")
    assert done.exit_code == 3
    assert "http://127.0.0.1:1" in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is needed")
def test_ctrl_c_ends_a_solution_and_not_the_session(slow: LocalServer) -> None:
    """On a real terminal: the tree is drawn, the solution is cancelled on the server."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "statewise", "chat", "--url", slow.url]
    with subprocess.Popen(
        command,
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        os.close(child)
        _until(parent, ">")
        os.write(parent, f"{BACKTRACKING}\n".encode())
        drawn = _until(parent, "State 1")
        process.send_signal(signal.SIGINT)
        drawn += _until(parent, "cancelled")
        os.write(parent, b"/quit\n")
        assert process.wait(30) == 0
        os.close(parent)
    assert "\x1b[31m" not in drawn, "NO_COLOR"
    with Client(slow.url) as client:
        assert next(client.list(limit=1)).status is Status.CANCELLED


def _until(terminal: int, text: str) -> str:
    found = b""
    while text not in found.decode(errors="replace"):
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, found.decode(errors="replace")
        found += os.read(terminal, 4096)
    return found.decode(errors="replace")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_solve_that_is_ended_ends_its_solution(slow: LocalServer, number: signal.Signals) -> None:
    """The stream is one of the background: it would go on by itself."""
    with subprocess.Popen(
        [sys.executable, "-m", "statewise", "solve", BACKTRACKING, "--url", slow.url, "--json"],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        created = json.loads(process.stdout.readline())
        process.send_signal(number)
        process.wait(30)
    with Client(slow.url) as client, client.follow(created["solution_id"]) as stream:
        assert stream.result().status is Status.CANCELLED


def test_a_solution_is_watched_from_elsewhere(server: LocalServer) -> None:
    with Client(server.url) as client:
        begun = client.start(BACKTRACKING)
    shown = run("watch", begun.id, "--url", server.url)
    assert shown.exit_code == 0
    assert "Answer: 72" in shown.output
    again = run("watch", begun.id, "--url", server.url, "--json")
    check_order([json.loads(line) for line in again.output.splitlines()])
    missing = run("watch", "sol_none", "--url", server.url)
    assert missing.exit_code == 2
    assert "sol_none" in missing.output


def test_a_server_is_looked_at(slow: LocalServer) -> None:
    with Client(slow.url) as client:
        begun = [client.start(BACKTRACKING) for _ in range(2)]
        told = run("top", "--url", slow.url, "--once", "--interval", "0.1", "--json")
        page = run("top", "--url", slow.url, "--once", "--interval", "0.1", NO_COLOR="1")
        for solution in begun:
            client.cancel(solution.id)
    now = json.loads(told.output)
    assert (now["ready"], now["engine"], now["model"]) == (True, "scripted", "scripted")
    assert now["running"] == 2
    assert {one["id"] for one in now["solving"]} >= {solution.id for solution in begun}
    assert now["tokens_per_second"] is not None
    assert begun[0].id in page.output
    assert re.search(r"running +2 of \d+", page.output)
    assert not CONTROLS.search(page.output.encode())


def test_elsewhere_than_on_a_terminal_each_look_is_a_line(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([None, None, None])

    def sleep(_: float) -> None:
        if next(looks, "over") == "over":
            raise KeyboardInterrupt

    monkeypatch.setattr(top.time, "sleep", sleep)
    done = run("top", "--url", server.url)
    assert done.exit_code == 0
    assert len(re.findall(r"^ready · 0 of \d+ running · 0 queued · ", done.output, re.M)) == 3


def test_a_server_that_shows_little_is_shown_all_the_same(tmp_path: Path) -> None:
    """Without a key neither metrics nor solutions are seen; the phase is."""
    keys = tmp_path / "keys.json"
    assert run("keys", "add", "ann", "--file", str(keys)).exit_code == 0
    settings = Settings(engine="scripted", keys_file=keys, metrics_need_key=True)
    with local_server(ScriptedEngine(Script(QUESTIONS)), settings) as closed:
        done = run("top", "--url", closed.url, "--once", "--interval", "0.1", "--json")
    now = json.loads(done.output)
    assert (now["phase"], now["running"], now["solving"]) == ("ready", None, [])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there(shell: str) -> None:
    assert "_STATEWISE_COMPLETE" in _completing(f"source_{shell}")


def test_commands_and_strategies_are_completed() -> None:
    assert "watch" in _completing("complete_bash", COMP_WORDS="statewise wa", COMP_CWORD="1")
    words = "statewise solve x --strategy gu"
    assert "guided" in _completing("complete_bash", COMP_WORDS=words, COMP_CWORD="4")


def _completing(wanted: str, **variables: str) -> str:
    environment = {**os.environ, "_STATEWISE_COMPLETE": wanted, **variables}
    done = subprocess.run([STATEWISE], capture_output=True, text=True, env=environment, check=False)
    return done.stdout
