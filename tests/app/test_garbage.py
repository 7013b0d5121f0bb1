"""Nothing of ours dies in a circle: memory comes back when a solution ends, not at a collection."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from tests.support.server import LocalServer, local_server

QUESTION = "What is 12 * 7?"
TIMES = 8
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("/v1/solutions", {}),
    "stream": ("/v1/solutions", {"stream": True}),
    "deltas": ("/v1/solutions", {"stream": True, "deltas": True}),
    "unkept": ("/v1/solutions", {"stream": True, "deltas": True, "store": False}),
    "background": ("/v1/solutions", {"stream": True, "background": True}),
    "guided": ("/v1/solutions", {"strategy": "guided"}),
    "vote": ("/v1/solutions", {"strategy": "vote-3", "stream": True}),
    "beam": ("/v1/solutions", {"strategy": "beam-2", "stream": True}),
    "refused": ("/v1/solutions", {"strategy": "none"}),
    "deadline": ("/v1/solutions", {"timeout_s": 0.0001}),
    "chat": ("/v1/chat/completions", {}),
    "chat-stream": ("/v1/chat/completions", {"stream": True}),
    "responses": ("/v1/responses", {"stream": True, "input": QUESTION}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(load_recordings(RECORDINGS), 0.0))) as running:
        yield running


@contextmanager
def garbage() -> Iterator[list[Any]]:
    """What is garbage that only a collection finds, of what was made in between."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_ours_does_not_wait_for_a_collection(server: LocalServer, kind: str) -> None:
    path, more = KINDS[kind]
    body: dict[str, Any] = (
        {"question": QUESTION} if path == "/v1/solutions" else {"model": "scripted"}
    )
    if "chat" in path:
        body["messages"] = [{"role": "user", "content": QUESTION}]
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        client.post(path, json=body | more)  # the first use of anything leaves something
        with garbage() as found:
            for _ in range(TIMES):
                client.post(path, json=body | more)
            gc.collect()
            ours = Counter(
                type(one).__qualname__
                for one in found
                if type(one).__module__.split(".")[0] in ("app", "statespace")
            )
    assert sum(ours.values()) < TIMES, ours  # the last may still be running down
