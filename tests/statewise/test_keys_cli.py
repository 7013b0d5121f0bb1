"""`statewise keys`, and a client with a key."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.access.keys import Key, digest, read, write
from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.settings import Settings
from statespace.solutions import SolutionRequest
from statewise.cli import cli
from statewise.client import Client, ServerError
from tests.support.server import local_server

SECRET = "sw-of-a-test"
REQUEST = SolutionRequest(question="x")


def keys(*arguments: str, file: Path) -> Result:
    return CliRunner().invoke(
        cli, ["keys", *arguments], env={"STATEWISE_KEYS_FILE": str(file), "COLUMNS": "100"}
    )


def test_a_key_is_printed_once_and_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    added = keys("add", "ann", "--requests-per-minute", "5", file=file)
    assert added.exit_code == 0
    secret = added.stdout.strip()
    (key,) = read(file).keys
    assert (key.name, key.sha256, key.requests_per_minute) == ("ann", digest(secret), 5)
    listed = keys("list", file=file)
    assert re.search(r"ann +– +5 +–", listed.stdout)
    assert secret not in listed.stdout


def test_a_removed_key_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    for name in ("ann", "bob"):
        keys("add", name, file=file)
    assert keys("remove", "ann", file=file).exit_code == 0
    assert [key.name for key in read(file).keys] == ["bob"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "ann"], "has a key named ann"),
        (["add", "anonymous"], "taken by requests without a key"),
        (["add", "a b"], "letters, digits"),
        (["add", "bob", "--max-concurrent", "0"], "max-concurrent: .*greater"),
        (["remove", "bob"], "has no key named bob"),
    ],
)
def test_wrong_use_changes_nothing(tmp_path: Path, arguments: list[str], told: str) -> None:
    file = tmp_path / "keys.json"
    keys("add", "ann", file=file)
    before = file.read_bytes()
    done = keys(*arguments, file=file)
    assert done.exit_code == 2
    assert re.search(told, done.stderr)
    assert not done.stdout
    assert file.read_bytes() == before


@pytest.mark.parametrize("command", [["list"], ["add", "ann"], ["remove", "ann"]])
def test_a_broken_file_is_said_and_left_as_it_is(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "keys.json"
    file.write_text("{")
    done = keys(*command, file=file)
    assert done.exit_code == 2
    assert "keys.json: file: Invalid JSON" in done.stderr.replace("\n", "")
    assert file.read_text() == "{"


def test_a_server_without_readable_keys_says_so(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "STATEWISE_KEYS_FILE": str(tmp_path / "keys.json"),
        "STATEWISE_STATE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "statewise", "serve", "--engine", "scripted", "--port", "0"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert "keys.json: No such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    write(tmp_path / "keys.json", [Key(name="ann", sha256=digest(SECRET))])
    settings = Settings(engine="scripted", keys_file=tmp_path / "keys.json")
    script = Script(load_recordings(RECORDINGS), delay_s=0)
    with local_server(ScriptedEngine(script), settings) as server:
        yield server.url


def test_the_client_sends_the_key_of_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATEWISE_API_KEY", SECRET)
    with Client(url) as client:
        assert list(client.stream(REQUEST))


def test_the_client_says_where_a_key_is_taken_from(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATEWISE_API_KEY", raising=False)
    with Client(url) as client, pytest.raises(ServerError, match="STATEWISE_API_KEY"):
        list(client.stream(REQUEST))
