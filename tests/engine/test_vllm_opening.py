"""The header that the starter is given is the one that it would have written."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.engine

QUESTIONS = [
    "Tom has 5 canaries. He buys 3 more canaries. How many canaries does Tom have now?",
    "A baker makes 4 trays of 12 rolls and sells 30 rolls. How many rolls are left?",
    "Nina reads 8 pages on Monday and 3 times as many on Tuesday. How many does she read in all?",
]


def solved(server: ServerProcess, question: str, *, plain: bool) -> dict[str, Any]:
    answer = httpx2.post(
        f"{server.url}/v1/solutions", json={"question": question, "plain": plain}, timeout=120
    )
    assert answer.status_code == 200
    solution: dict[str, Any] = answer.json()
    return solution


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_given_is_what_it_would_have_written(server: ServerProcess, question: str) -> None:
    given = solved(server, question, plain=False)
    written = solved(server, question, plain=True)
    assert given["transitions"][0]["action"] == "formalize"
    assert [
        (each["action"], each["number"], each["output"], each["legal"])
        for each in given["transitions"]
    ] == [
        (each["action"], each["number"], each["output"], each["legal"])
        for each in written["transitions"]
    ]
    before, after = given["usage"], written["usage"]
    assert before["completion_tokens"] < after["completion_tokens"]
    assert before["prompt_tokens"] + before["completion_tokens"] == (
        after["prompt_tokens"] + after["completion_tokens"]
    )
    assert sum(each["tokens"] for each in given["transitions"]) == before["completion_tokens"]
