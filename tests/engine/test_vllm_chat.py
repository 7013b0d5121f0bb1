"""Chat completions on the real engine, through OpenAI's own client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.engine

EASY = "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?"
OTHER = "What is 9 * 6?"


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
        yield client


def asking(*turns: tuple[str, str], **fields: Any) -> dict[str, Any]:
    messages = [{"role": role, "content": content} for role, content in turns]
    return {"model": "starter", "messages": messages, **fields}


def until_idle(server: ServerProcess) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if server.metric("statewise_engine_unfinished ") == 0:
            return
        time.sleep(0.05)
    pytest.fail("vLLM still holds a request whose client has gone")


def test_a_chat_is_solved_in_steps(client: openai.OpenAI) -> None:
    choice = client.chat.completions.create(**asking(("user", EASY))).choices[0]
    extra = choice.message.model_extra or {}
    assert choice.message.content == r"The final answer is \boxed{8}."
    assert "· Formalize ·" in extra["reasoning_content"]
    assert "✓ verified" in extra["reasoning_content"]


def test_what_was_said_before_does_not_lead_the_starter_astray(client: openai.OpenAI) -> None:
    """It was trained on single problems: with an earlier turn in front it solves hardly any."""
    said = ("user", OTHER), ("assistant", r"The final answer is \boxed{54}."), ("user", EASY)
    choice = client.chat.completions.create(**asking(("system", "Be brief."), *said)).choices[0]
    assert choice.message.content == r"The final answer is \boxed{8}."


def test_choices_share_one_prompt(client: openai.OpenAI) -> None:
    asked = asking(("user", EASY), n=3, seed=5, temperature=1.0)
    completion = client.chat.completions.create(**asked)
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert completion.usage is not None
    alone = client.chat.completions.create(**asking(("user", EASY)))
    assert alone.usage is not None
    assert completion.usage.prompt_tokens == alone.usage.prompt_tokens


def test_an_errand_costs_few_tokens(client: openai.OpenAI) -> None:
    errand = "### Task:\nGenerate a 3-5 word title for this chat: What is 12 * 7? It is 84."
    completion = client.chat.completions.create(**asking(("user", errand)))
    assert completion.usage is not None
    assert completion.usage.completion_tokens <= 64
    assert completion.choices[0].message.content


def test_a_stream_that_is_closed_frees_the_engine(
    server: ServerProcess, client: openai.OpenAI
) -> None:
    asked = asking(("user", EASY), n=8, temperature=2.0, max_tokens=900)
    with client.chat.completions.create(**asked, stream=True) as stream:
        next(iter(stream))
    until_idle(server)
