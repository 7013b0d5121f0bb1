"""`statewise batch`: killed at every moment, against servers that fail, with wrong input."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.processes import Process, ServerRecord
from statewise import servers as finding
from statewise.batches import server as servers
from statewise.batches.ledger import BEGINNING, Ledger, LedgerError
from statewise.cli import cli
from statewise.client import attempts
from statewise.commands import batch as command
from tests.support.batching import line
from tests.support.killing import KILLED, THOROUGH, Mortal, mortal
from tests.support.server import LocalServer, local_server
from tests.support.wire import Reply, faulty

QUESTIONS = load_recordings(RECORDINGS)
QUESTION = {"question": next(iter(QUESTIONS))}
IDS = [f"id {number}" for number in range(12)]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0))) as server:
        yield server


@pytest.fixture(scope="module")
def program() -> Iterator[Mortal]:
    with mortal("statewise.commands.batch") as found:
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    found = tmp_path / "in.jsonl"
    found.write_text("\n".join(line(one, QUESTION) for one in IDS))
    return found


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["batch", *map(str, arguments)])
    return result.exit_code, result.output


def ids(path: Path) -> list[str]:
    return [json.loads(one)["custom_id"] for one in path.read_text("utf-8").splitlines()]


def test_every_line_is_answered(server: LocalServer, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    code, said = run(source, output, "--url", server.url)
    assert code == 0, said
    assert sorted(ids(output)) == sorted(IDS)
    response = json.loads(output.read_text().splitlines()[0])["response"]
    assert response["status_code"] == 200
    assert response["request_id"].startswith("req_")
    assert response["body"]["status"] == "completed"
    assert not (tmp_path / "out.errors.jsonl").exists()
    before = output.read_bytes()
    assert all(one.startswith(BEGINNING) for one in before.splitlines())
    assert run(source, output, "--url", "http://127.0.0.1:1")[0] == 0, "there is nothing to ask"
    assert output.read_bytes() == before


def test_a_run_that_was_killed_is_gone_on_with(
    server: LocalServer, program: Mortal, source: Path, tmp_path: Path
) -> None:
    """At every write, sync and step of the bar; nothing is lost, repeated or torn."""
    arguments = ["batch", source, tmp_path / "all.jsonl", "--url", server.url, "--window", 3]
    whole = program.run(*arguments, watch=tmp_path)
    assert whole.status == 0, whole.said
    moments = range(1, len(whole.moments) + 1)
    for moment in moments if THOROUGH else list(moments)[:: max(1, len(moments) // 6)]:
        output = tmp_path / f"out-{moment}.jsonl"
        arguments[2] = output
        died = program.run(*arguments, watch=tmp_path, die=moment)
        answered = ids(output) if output.exists() else []
        again = program.run(*arguments, watch=tmp_path)
        assert again.status == 0, again.said
        assert sorted(ids(output)) == sorted(IDS)
        assert ids(output)[: len(answered)] == answered, "what was answered stays"
        assert died.status in (KILLED, 0)


@pytest.mark.parametrize(
    "torn", [b"{", b'{"id":"batch_re', b'{"id":"batch_req_5e","custom_id":"id 3"}']
)
def test_a_torn_last_line_is_cut_off(
    server: LocalServer, source: Path, tmp_path: Path, torn: bytes
) -> None:
    output = tmp_path / "out.jsonl"
    kept = b'{"custom_id": "id 5"}\n'
    output.write_bytes(kept + torn)
    assert run(source, output, "--url", server.url)[0] == 0
    assert output.read_bytes().startswith(kept + b"{")
    assert sorted(ids(output)) == sorted(IDS)


def test_refused_lines_go_to_their_own_file(server: LocalServer, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    other = {"question": "?", "model": "other"}
    source.write_text(f"{line('a', QUESTION)}\n{line('b', other)}\n")
    code, said = run(source, output, "--url", server.url)
    assert code == 1
    assert "1 refused" in said
    assert ids(output) == ["a"]
    (refused,) = (tmp_path / "out.errors.jsonl").read_text().splitlines()
    assert json.loads(refused)["response"]["status_code"] == 404
    assert run(source, output, "--url", server.url)[0] == 1, "nor is it asked again"
    assert len((tmp_path / "out.errors.jsonl").read_text().splitlines()) == 1


def test_chats_are_asked_too(server: LocalServer, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out"
    chat = {"messages": [{"role": "user", "content": QUESTION["question"]}]}
    source.write_text(line("a", chat, "/v1/chat/completions"))
    assert run(source, output, "--url", server.url)[0] == 0
    body = json.loads(output.read_text())["response"]["body"]
    assert body["object"] == "chat.completion"


def test_a_wrong_input_is_told_line_by_line(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(f"{line('a')}\nnonsense\n{line('a')}\n")
    code, said = run(source, tmp_path / "out.jsonl", "--url", "http://127.0.0.1:1")
    assert code == 2
    assert "line 2: the line is not valid JSON" in said
    assert "line 3: custom_id: another line has the same" in said
    assert not (tmp_path / "out.jsonl").exists()


def test_answers_to_something_else_are_left_alone(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    for content in ('{"custom_id": "stranger"}\n', "precious notes\n", '{"custom_id": 5}\n'):
        output.write_text(content)
        code, said = run(source, output, "--url", "http://127.0.0.1:1")
        assert code == 2
        assert "name another" in said
        assert output.read_text() == content
    code, said = run(source, source, "--url", "http://127.0.0.1:1")
    assert code == 2
    assert "into the input" in said


@pytest.mark.parametrize("name", ["out.jsonl", "out.errors.jsonl"])
@pytest.mark.parametrize(
    "content",
    ['{"precious": 1}', "precious", '{"custom_id": "id 3"}', '{"custom_id": "id 3"}\nnote'],
)
def test_what_is_not_written_here_is_never_cut_off(
    source: Path, tmp_path: Path, name: str, content: str
) -> None:
    """Such a file may be anything, and have no end of its last line."""
    path = tmp_path / name
    path.write_text(content)
    code, said = run(source, tmp_path / "out.jsonl", "--url", "http://127.0.0.1:1")
    assert code == 2
    assert f"{path}: line {content.count(chr(10)) + 1} is no answer; name another file" in said
    assert path.read_text() == content


def test_one_run_writes_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.touch()
    with Ledger(path), pytest.raises(LedgerError, match="another run"), Ledger(path):
        pass


def test_a_server_that_goes_away_costs_nothing_that_was_answered(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: LocalServer
) -> None:
    monkeypatch.setattr(command, "PATIENCE_S", 0.5)
    output = tmp_path / "out.jsonl"
    solved = {"status": "completed", "transitions": []}

    def replies() -> Iterator[Reply]:
        yield from [Reply(200, solved)] * 4
        yield Reply(429, {"error": {"message": "slow"}}, {"retry-after": "0.05"})
        yield Reply(200, {**solved, "status": "incomplete", "incomplete_reason": "shutdown"})
        while True:
            yield Reply(0)

    with faulty(replies(), Reply(200, {"started": True, "phase": "ready", "seconds": 0})) as broken:
        code, said = run(source, output, "--url", broken.url, "--window", "1")
    assert code == 3, said
    assert "goes on from there" in said
    assert ids(output) == IDS[:4]
    assert run(source, output, "--url", server.url)[0] == 0
    assert sorted(ids(output)) == sorted(IDS)


def test_a_failing_server_is_asked_again_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (servers, attempts):
        monkeypatch.setattr(module, "backoff", lambda _: 0.0)
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(f"{line('a')}\n{line('b')}\n")
    failed = {"status": "failed", "error": {"message": "no luck", "type": "engine_error"}}
    replies = iter([Reply(500, b"oops"), Reply(200, failed), Reply(200, {"status": "completed"}),
                    *[Reply(200, failed)] * 3])  # fmt: skip
    with faulty(replies, Reply(200, {})) as broken:
        assert run(source, output, "--url", broken.url, "--window", "1")[0] == 1
    assert ids(output) == ["a"]
    (told,) = (tmp_path / "out.errors.jsonl").read_text().splitlines()
    response = json.loads(told)["response"]
    assert response["status_code"] == 500
    assert response["body"]["error"]["message"] == "no luck"


def test_a_refused_key_ends_the_run(tmp_path: Path, source: Path) -> None:
    refused = Reply(401, {"error": {"message": "the API key is not known here"}})
    with faulty(iter([refused] * 50), Reply(200, {})) as broken:
        code, said = run(source, tmp_path / "out.jsonl", "--url", broken.url)
    assert code == 2
    assert "the API key is not known here" in said


@pytest.mark.parametrize(
    ("reply", "code", "told"),
    [
        (Reply(401, {"error": {"message": "no such key"}}), 2, "no such key"),
        (Reply(0), 3, "no answer"),
    ],
)
def test_a_server_that_was_found_fails_as_one_that_was_named(  # noqa: PLR0917
    tmp_path: Path,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
    code: int,
    told: str,
) -> None:
    monkeypatch.setattr(command, "PATIENCE_S", 0.05)
    ready = Reply(200, {"started": True, "phase": "ready", "seconds": 0})
    process = Process.of(psutil.Process())
    with faulty(itertools.repeat(reply), ready) as broken:
        record = ServerRecord(server=process, url=broken.url, model="m", engine="scripted")
        monkeypatch.setattr(finding, "find", lambda: record)
        ended, said = run(source, tmp_path / "out.jsonl")
    assert ended == code, said
    assert told in said
    assert "goes on from there" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_that_cannot_be_written_is_told(
    server: LocalServer, source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    code, said = run(source, folder / "out.jsonl", "--url", server.url)
    assert code == 2
    assert "Permission denied" in said
