"""Responses on two processes with one database: followed and cancelled anywhere, always ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tests.support.server_process import ServerProcess, start

QUESTION = "What is 12 * 7?"
LEASE_S = 1.5


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers, on which a solution lasts for seconds."""
    servers = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        servers.append(
            start(
                tmp_path / name,
                "--engine",
                "scripted",
                options=("--delay-s", "0.1"),
                database_url=f"sqlite:///{tmp_path / 'shared.db'}",
                lease_s=LEASE_S,
            )
        )
    try:
        for server in servers:
            server.wait_ready()
        yield servers[0], servers[1]
    finally:
        for server in servers:
            server.process.terminate()
        for server in servers:
            server.process.wait(30)


def client_of(server: ServerProcess) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key="x", timeout=60)


def begun(client: OpenAI) -> list[Any]:
    """The first events of a response in the background, up to a whole item."""
    stream = client.responses.create(model="scripted", input=QUESTION, background=True, stream=True)
    seen: list[Any] = []
    for event in stream:
        seen.append(event)
        if event.type == "response.output_item.done":
            break
    stream.close()
    return seen


def test_a_response_is_followed_and_cancelled_from_another_process(
    pair: tuple[ServerProcess, ServerProcess],
) -> None:
    with client_of(pair[0]) as one, client_of(pair[1]) as other:
        seen = begun(one)
        response_id = seen[0].response.id
        assert other.responses.cancel(response_id).status == "cancelled"
        for client in (one, other):
            found: list[Any] = list(client.responses.retrieve(response_id, stream=True))
            assert found[: len(seen)] == seen
            assert found[-1].type == "response.failed"
            assert found[-1].response.status == "cancelled"
            assert found[-1].response == client.responses.retrieve(response_id)


def test_a_killed_process_leaves_no_stream_open(
    pair: tuple[ServerProcess, ServerProcess],
) -> None:
    with client_of(pair[0]) as one, client_of(pair[1]) as other:
        seen = begun(one)
        response_id = seen[0].response.id
        stream = other.responses.retrieve(response_id, stream=True)
        pair[0].process.kill()
        found: list[Any] = list(stream)
        assert found[: len(seen)] == seen
        assert [event.sequence_number for event in found] == list(range(len(found)))
        assert found[-1].type == "response.failed"
        assert found[-1].response.status == "failed"
        assert found[-1].response.output == other.responses.retrieve(response_id).output
        assert found[-1].response.output[0] == seen[-1].item
