"""What a request of the Responses API comes to: the question, its limits and what is kept of it."""

from __future__ import annotations

import pytest

from app.errors import RequestError
from app.openai.chat_prompt import Turn
from app.openai.responses_object import Wanted
from app.openai.responses_plan import plan, turns_after
from app.openai.responses_request import ResponsesRequest
from app.settings import Settings
from statespace.solutions import MAX_QUESTION, Path, Solution, Status

SETTINGS = Settings(engine="scripted")
SINGLE = Settings(engine="scripted", chat_context=False)


def solved(wanted: Wanted, answer: str | None) -> Solution:
    return Solution(
        id="sol_1",
        status=Status.COMPLETED if answer else Status.CANCELLED,
        question="q",
        model=wanted.model,
        strategy="single",
        answer=answer,
        paths=(Path(path=0, states=(0,), answer=answer),),
        created_at=1.0,
        completed_at=2.0,
    )


def test_instructions_are_context_and_are_not_carried_over() -> None:
    first = plan(ResponsesRequest(input="1 + 1?", instructions="Be kind."), (), SETTINGS)
    assert first.request.question == "Be kind.\n\n1 + 1?"
    before = turns_after(solved(first.wanted, "2"), first.wanted)
    second = plan(ResponsesRequest(input="+ 1?"), before, SETTINGS)
    assert second.request.question == "User: 1 + 1?\n\nAssistant: 2\n\n+ 1?"


def test_a_question_without_an_answer_is_context_too() -> None:
    wanted = plan(ResponsesRequest(input="1 + 1?"), (), SETTINGS).wanted
    assert turns_after(solved(wanted, None), wanted) == [Turn("user", "1 + 1?")]


def test_a_model_of_single_problems_is_given_no_context() -> None:
    before = [Turn("user", "1 + 1?"), Turn("assistant", "2")]
    found = plan(ResponsesRequest(input="+ 1?", instructions="Be kind."), before, SINGLE)
    assert found.request.question == "+ 1?"


def test_what_is_kept_of_a_conversation_does_not_grow_without_end() -> None:
    """Each response keeps it: a long chain would cost the square of its length."""
    before: list[Turn] = []
    for number in range(5):
        question = f"{number} + 1?".ljust(MAX_QUESTION // 2, ".")
        wanted = plan(ResponsesRequest(input=question), before, SINGLE).wanted
        before = turns_after(solved(wanted, "2"), wanted)
        assert sum(len(turn.text) for turn in wanted.turns) <= MAX_QUESTION
        assert wanted.turns[-1].text == question


def test_too_much_context_is_refused_and_not_cut_off() -> None:
    before = [Turn("user", "1 + 1?".ljust(MAX_QUESTION - 10, "."))]
    with pytest.raises(RequestError) as refused:
        plan(ResponsesRequest(input="And 2 more than that?"), before, SETTINGS)
    assert refused.value.message.startswith("input: ")
    assert (refused.value.param, refused.value.code) == ("input", "context_length_exceeded")


def test_what_is_no_problem_gets_few_tokens_and_no_strategy() -> None:
    found = plan(ResponsesRequest(input="Hello, who are you?"), (), SETTINGS)
    assert found.wanted.plain
    assert found.request.max_tokens == SETTINGS.chat_text_tokens


def test_what_is_kept_survives_the_store() -> None:
    request = ResponsesRequest(input="1 + 1?", instructions="Be kind.", temperature=0.5)
    wanted = plan(request, [Turn("user", "0?")], SETTINGS).wanted
    assert Wanted.model_validate(wanted.model_dump(mode="json")) == wanted
