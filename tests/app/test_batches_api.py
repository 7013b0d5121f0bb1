"""Files and batches over a real socket, through OpenAI's own client."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from openai import APIStatusError, BadRequestError, ConflictError, NotFoundError, OpenAI

from app.access.keys import Key, digest, write
from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from app.settings import Settings
from tests.support.batching import URL, begin, check_once, ended, line, lines_of, upload
from tests.support.server import LocalServer, local_server

QUESTIONS = load_recordings(RECORDINGS)
QUESTION = next(iter(QUESTIONS))
CHAT = "/v1/chat/completions"


def client_of(server: LocalServer, key: str = "none") -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def client() -> Iterator[OpenAI]:
    settings = Settings(engine="scripted", max_file_bytes=3_000_000, max_body_bytes=100_000)
    with (
        local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0)), settings) as server,
        client_of(server) as client,
    ):
        yield client


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[OpenAI]:
    """Two lines at a time, a second or two each; its state is in `tmp_path`."""
    settings = Settings(engine="scripted", state_dir=tmp_path, batch_slots=2)
    with (
        local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0.02)), settings) as server,
        client_of(server) as client,
    ):
        yield client


def test_a_batch_is_answered_in_order(client: OpenAI) -> None:
    ids = [f"line {number} é" for number in range(40)]
    batch = begin(client, [line(one, {"question": QUESTION}) for one in ids])
    assert batch.status == "validating"
    batch = ended(client, batch.id)
    assert batch.status == "completed"
    check_once(client, batch, ids)
    assert batch.error_file_id is None
    response = lines_of(client, batch.output_file_id)[0]["response"]
    assert response["status_code"] == 200
    solution = response["body"]
    assert solution["status"] == "completed"
    assert solution["transitions"]
    assert batch.usage is not None
    assert batch.usage.output_tokens == 40 * solution["usage"]["completion_tokens"]
    times = [batch.created_at, batch.in_progress_at, batch.finalizing_at, batch.completed_at]
    assert times == sorted(times, key=lambda at: at or 0)
    kept = httpx2.get(f"{client.base_url}solutions/{solution['id']}")
    assert kept.status_code == 404, "a line's solution is in the file and nowhere else"


def test_chat_completions_are_answered_as_by_the_route(client: OpenAI) -> None:
    body = {"messages": [{"role": "user", "content": QUESTION}], "n": 2, "temperature": 0.5}
    batch = ended(client, begin(client, [line("a", body, CHAT)], CHAT).id)
    (answered,) = lines_of(client, batch.output_file_id)
    body["model"] = "scripted"
    asked = httpx2.post(f"{client.base_url}chat/completions", json=body).json()
    answer = answered["response"]["body"]
    assert answer["usage"] == asked["usage"]
    for ours, theirs in zip(answer["choices"], asked["choices"], strict=True):
        for name in ("content", "reasoning_content"):
            assert ours["message"][name] == theirs["message"][name]


def test_a_line_that_cannot_be_answered_goes_to_the_error_file(client: OpenAI) -> None:
    bodies = [{"question": QUESTION}, {"question": "x" * 32_768}, {"question": "?", "model": "m"}]
    lines = [line(str(number), body) for number, body in enumerate(bodies)]
    batch = ended(client, begin(client, lines).id)
    assert batch.status == "completed"
    check_once(client, batch, ["0", "1", "2"])
    told = [one["response"] for one in lines_of(client, batch.error_file_id)]
    assert [response["status_code"] for response in told] == [400, 404]
    assert told[0]["body"]["error"]["code"] == "context_length_exceeded"
    assert told[1]["body"]["error"]["code"] == "model_not_found"
    assert told[0]["body"]["request_id"] == told[0]["request_id"]


def test_a_wrong_line_fails_the_batch_before_it_costs_anything(client: OpenAI) -> None:
    batch = ended(client, begin(client, [line("a"), "nonsense", line("a")]).id)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert [(error.code, error.line) for error in batch.errors.data] == [
        ("invalid_json_line", 2),
        ("duplicate_custom_id", 3),
    ]
    assert batch.output_file_id is None
    assert batch.error_file_id is None
    assert batch.request_counts is not None
    assert batch.request_counts.total == 0


def test_one_endless_line_is_refused(client: OpenAI) -> None:
    batch = ended(client, begin(client, [line("a", {"question": "x" * 2_000_000})]).id)
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert [error.code for error in batch.errors.data] == ["line_too_long"]


def test_a_cancelled_batch_keeps_what_was_answered(slow: OpenAI) -> None:
    ids = [str(number) for number in range(12)]
    batch = begin(slow, [line(one, {"question": QUESTION}) for one in ids])
    deadline = time.monotonic() + 60
    while (counts := slow.batches.retrieve(batch.id).request_counts) is None or not (
        counts.completed
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert slow.batches.cancel(batch.id).status == "cancelling"
    batch = ended(slow, batch.id)
    assert batch.status == "cancelled"
    check_once(slow, batch, ids)
    told = lines_of(slow, batch.error_file_id)
    assert {one["error"]["code"] for one in told} == {"batch_cancelled"}
    assert all(one["response"] is None for one in told)
    again = slow.batches.cancel(batch.id)
    assert again == batch, "cancelling what is cancelled changes nothing"


def test_an_expired_batch_keeps_what_was_answered(slow: OpenAI, tmp_path: Path) -> None:
    ids = [str(number) for number in range(30)]
    batch = begin(slow, [line(one, {"question": QUESTION}) for one in ids])
    with closing(sqlite3.connect(tmp_path / "statewise.db", timeout=20)) as database, database:
        database.execute("UPDATE batches SET expires_at = ?", [time.time() + 3])
    batch = ended(slow, batch.id)
    assert batch.status == "expired"
    assert batch.expired_at is not None
    check_once(slow, batch, ids)
    told = lines_of(slow, batch.error_file_id)
    assert {one["error"]["code"] for one in told} == {"batch_expired"}
    with pytest.raises(ConflictError, match="cannot be cancelled"):
        slow.batches.cancel(batch.id)


def test_a_file_that_a_batch_needs_stays(slow: OpenAI) -> None:
    batch = begin(slow, [line(str(number), {"question": QUESTION}) for number in range(4)])
    with pytest.raises(ConflictError, match="reads from this file"):
        slow.files.delete(batch.input_file_id)
    slow.batches.cancel(batch.id)
    ended(slow, batch.id)
    assert slow.files.delete(batch.input_file_id).deleted
    with pytest.raises(NotFoundError):
        slow.files.content(batch.input_file_id)


def test_files_are_listed_page_by_page(client: OpenAI) -> None:
    made = [upload(client, [line("a")]) for _ in range(5)]
    found = [file.id for file in client.files.list(limit=2, purpose="batch")]
    assert found[:5] == made[::-1]
    assert len(set(found)) == len(found)
    assert next(iter(client.files.list(limit=1, order="asc", after=made[0]))).id == made[1]
    got = client.files.retrieve(made[0])
    assert (got.filename, got.purpose, got.bytes) == ("in.jsonl", "batch", len(line("a")) + 1)
    assert got.expires_at is not None
    with pytest.raises(NotFoundError):
        list(client.files.list(after="file-none"))


def test_batches_are_listed_page_by_page(client: OpenAI) -> None:
    made = [begin(client, [line("a")]).id for _ in range(3)]
    found = [batch.id for batch in client.batches.list(limit=2)]
    assert found[:3] == made[::-1]
    for one in made:
        ended(client, one)


def test_a_file_is_what_was_uploaded(client: OpenAI) -> None:
    content = bytes(range(256)) * 10_000
    file = client.files.create(
        file=("../../etc/pass\nwd\x00", content),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3_600},
    )
    response = client.files.content(file.id)
    assert response.content == content
    assert file.expires_at == pytest.approx(file.created_at + 3_600, abs=1)
    assert "\n" not in response.response.headers["content-disposition"]


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"purpose": (None, "batch")}, "file"),
        ({"purpose": (None, "batch"), "file": (None, "text")}, "file"),
        ({"file": ("a", b"x")}, "purpose"),
        ({"purpose": (None, "vision"), "file": ("a", b"x")}, "purpose"),
        ({"purpose": (None, "batch"), "file": ("a", b"")}, "file"),
        (
            {
                "purpose": (None, "batch"),
                "file": ("a", b"x"),
                "expires_after[seconds]": (None, "1e9"),
            },
            "expires_after.seconds",
        ),
        ({f"f{number}": (None, "x") for number in range(20)}, None),
        ({f"f{number}": ("a", b"x") for number in range(20)}, None),
        ({"purpose": (None, "x" * 10_000), "file": ("a", b"x")}, None),
    ],
)
def test_a_wrong_upload_says_what_is_wrong(client: OpenAI, form: dict, param: str | None) -> None:
    response = httpx2.post(f"{client.base_url}files", files=form)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"nonsense"),
        ("multipart/form-data; boundary=b", b"--b\r\ncontent-disposition: form-data\r\n\r\nx"),
    ],
)
def test_what_is_no_form_is_refused(client: OpenAI, kind: str, content: bytes) -> None:
    response = httpx2.post(
        f"{client.base_url}files", content=content, headers={"content-type": kind}
    )
    assert response.status_code == 400, response.text


def test_a_file_that_is_too_large_is_refused(client: OpenAI) -> None:
    with pytest.raises(APIStatusError, match="is over") as refused:
        client.files.create(file=("a", b"x" * 4_000_000), purpose="batch")
    assert refused.value.status_code == 413


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"input_file_id": 7}, "input_file_id"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 1}},
         "output_expires_after.seconds"),
    ],
)  # fmt: skip
def test_a_wrong_batch_says_what_is_wrong(client: OpenAI, body: dict, param: str) -> None:
    right = {"input_file_id": "file-1", "endpoint": URL, "completion_window": "24h"}
    with pytest.raises(BadRequestError) as refused:
        client.post("/batches", body={**right, **body}, cast_to=object)
    assert refused.value.param == param


def test_a_batch_of_no_file_is_refused(client: OpenAI) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        client.batches.create(input_file_id="file-none", endpoint=CHAT, completion_window="24h")
    with pytest.raises(NotFoundError, match="there is no batch"):
        client.batches.retrieve("batch_none")


def test_everyone_sees_their_own(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    write(keys, [Key(name=name, sha256=digest(f"sw-{name}")) for name in ("anna", "bob")])
    settings = Settings(engine="scripted", keys_file=keys)
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0)), settings) as server:
        anna, bob = client_of(server, "sw-anna"), client_of(server, "sw-bob")
        batch = ended(anna, begin(anna, [line("a", {"question": QUESTION})]).id)
        assert batch.output_file_id is not None
        assert not list(bob.files.list())
        assert not list(bob.batches.list())
        for call in (
            lambda: bob.files.retrieve(batch.input_file_id),
            lambda: bob.files.content(batch.output_file_id),
            lambda: bob.files.delete(batch.input_file_id),
            lambda: bob.batches.retrieve(batch.id),
            lambda: bob.batches.cancel(batch.id),
            lambda: bob.batches.create(
                input_file_id=batch.input_file_id, endpoint=CHAT, completion_window="24h"
            ),
        ):
            with pytest.raises(NotFoundError):
                call()
        assert json.loads(anna.files.content(batch.output_file_id).text)["custom_id"] == "a"
        assert (
            anna.files.content(batch.input_file_id).text == line("a", {"question": QUESTION}) + "\n"
        )
