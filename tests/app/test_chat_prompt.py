"""What a conversation asks: which turn is the problem, and what is no problem at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import RequestError
from app.openai.chat_prompt import asked
from app.openai.chat_request import ChatRequest, Message
from app.openai.chat_runs import plan, uses_context
from app.settings import Settings
from statespace.solutions import MAX_QUESTION

WEBUI_TITLE = """### Task:
Generate a concise, 3-5 word title with an emoji summarizing the chat history.
### Output:
JSON format: { "title": "your concise title here" }
### Chat History:
<chat_history>
USER: What is 12 * 7?
ASSISTANT: The final answer is 84.
</chat_history>"""
LIBRECHAT_TITLE = (
    "Please generate a concise, 5-word-or-less title for the conversation, using its same language."
)


def messages(*turns: tuple[str, Any]) -> list[Message]:
    return [Message(role=role, content=content) for role, content in turns]  # type: ignore[arg-type]


def request(**fields: Any) -> ChatRequest:
    fields.setdefault("messages", [{"role": "user", "content": "What is 12 * 7?"}])
    return ChatRequest.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize(
    "text",
    [
        "What is 12 * 7?",
        "Tom has five apples and eats two. How many are left?",
        "Prove that the square root of a prime is irrational.",
        "小明有五个苹果，吃了两个，还剩几个？",
        r"Evaluate \int x dx",
        "Solve for x: x + y = z",
        "How many sides has a triangle?",
        "Explain Task: 3 + 4",
    ],
)
def test_what_can_be_calculated_is_a_problem(text: str) -> None:
    assert asked(messages(("user", text)), context=True).is_problem


@pytest.mark.parametrize(
    "text",
    ["Hello, who are you?", "Write me a poem about the sea.", WEBUI_TITLE, LIBRECHAT_TITLE],
)
def test_errands_and_small_talk_are_no_problems(text: str) -> None:
    """A client's own errands hold numbers, and would be reasoned about at length."""
    assert not asked(messages(("user", text)), context=True).is_problem


def test_the_last_user_turn_is_asked_and_the_others_stand_before_it() -> None:
    said = messages(
        ("system", "Be brief."),
        ("user", "What is 2 + 2?"),
        ("assistant", None),
        ("assistant", "4"),
        ("user", "And doubled?"),
        ("assistant", "Let me see."),
    )
    assert asked(said, context=True).text == (
        "Be brief.\n\nUser: What is 2 + 2?\n\nAssistant: 4\n\n"
        "Assistant: Let me see.\n\nAnd doubled?"
    )
    assert asked(said, context=False).text == "And doubled?"


def test_one_turn_is_given_as_it_is() -> None:
    """A reasoner is trained on bare problems; what is added is nothing it has seen."""
    assert asked(messages(("user", " 1 + 1\n")), context=True).text == " 1 + 1\n"


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "1 +"}, {"type": "text", "text": "1"}]
    assert asked(messages(("user", parts)), context=True).text == "1 +\n1"


@pytest.mark.parametrize(
    ("content", "param", "told"),
    [
        ([{"type": "image_url", "image_url": {"url": "x"}}], "messages.0.content.0.type", "text"),
        ([{"type": "text"}], "messages.0.content.0", "string"),
        ([{"type": 7}], "messages.0.content.0", "object with a type"),
        (["x"], "messages.0.content.0", "object with a type"),
        ({"text": "x"}, "messages.0.content", "list of parts"),
        (7, "messages.0.content", "string"),
        ("", "messages", "no user message"),
        (None, "messages", "no user message"),
        ([], "messages", "no user message"),
        ("1" * (MAX_QUESTION + 1), "messages", "leave out"),
    ],
)
def test_what_cannot_be_read_is_named(content: Any, param: str, told: str) -> None:
    with pytest.raises(RequestError) as error:
        asked(messages(("user", content)), context=True)
    assert error.value.param == param
    assert told in error.value.message


def test_a_conversation_without_a_user_is_refused() -> None:
    with pytest.raises(RequestError, match="no user message"):
        asked(messages(("system", "1 + 1"), ("assistant", "2")), context=True)


def test_text_gets_few_tokens_and_the_default_strategy() -> None:
    settings = Settings(engine="scripted", chat_text_tokens=9)
    hello = [{"role": "user", "content": "Hello!"}]
    planned = plan(request(messages=hello, max_tokens=500), settings)
    assert planned.head.plain
    assert planned.requests[0].max_tokens == 9
    assert plan(request(messages=hello, max_tokens=3), settings).requests[0].max_tokens == 3
    assert plan(request(max_tokens=500), settings).requests[0].max_tokens == 500


def test_choices_differ() -> None:
    """Without it, several choices would be the same solution made again."""
    settings = Settings(engine="scripted")
    drawn = plan(request(n=3, seed=-1), settings).requests
    assert [one.seed for one in drawn] == [2**63 - 1, 0, 1]
    assert {one.temperature for one in drawn} == {1.0}
    assert plan(request(), settings).requests[0].temperature == 0.0
    assert plan(request(n=2, temperature=0.0), settings).requests[0].temperature == 0.0


def test_a_limit_beyond_ours_is_no_error() -> None:
    planned = plan(request(max_completion_tokens=10**9, max_tokens=5), Settings(engine="scripted"))
    assert planned.requests[0].max_tokens == 131_072


def test_solutions_are_kept_only_if_asked() -> None:
    settings = Settings(engine="scripted")
    assert not plan(request(), settings).requests[0].store
    kept = plan(request(store=True, metadata={"a": "b"}), settings).requests[0]
    assert kept.store
    assert kept.metadata == {"a": "b"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"content": "x"}]}, "messages.0.role"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [1]}, "stop.0"),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"stream": 1}, "stream"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"seed": 2**63}, "seed"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        request(**fields)
    assert ".".join(map(str, error.value.errors()[0]["loc"])) == field


def test_what_clients_send_besides_is_ignored() -> None:
    """Open WebUI sends tools, LangChain whatever its user sets; OpenAI itself ignores neither."""
    planned = request(
        tools=[{"type": "function", "function": {"name": "f"}}],
        tool_choice="auto",
        parallel_tool_calls=True,
        logprobs=None,
        response_format={"type": "text"},
        user="u",
        stop=None,
        n=None,
        seed=None,
        chat_id=7,
    )
    assert planned.choices == 1
    assert planned.stop == []
    assert request(stop="x").stop == ["x"]


@pytest.mark.parametrize(
    ("settings", "used"),
    [
        (Settings(), False),
        (Settings(chat_context=True), True),
        (Settings(engine="scripted"), True),
        (Settings(engine="scripted", chat_context=False), False),
        (Settings(model="org/model"), True),
    ],
)
def test_a_checkpoint_that_was_trained_on_single_problems_gets_single_problems(
    settings: Settings, used: bool
) -> None:
    assert uses_context(settings) == used


def test_an_adapter_gets_single_problems() -> None:
    """It is a reasoner that was fine-tuned, whatever its base is."""
    settings = Settings(model="org/model")
    assert uses_context(settings, "org/model")
    assert not uses_context(settings, "algebra")
    assert uses_context(settings.model_copy(update={"chat_context": True}), "algebra")
