"""The tokenizer: round trips, single digits, headers as tokens, questions that stay data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from transformers import AutoTokenizer

from statespace.actions import Action
from statespace.prompts import Prompt
from statespace.text import render
from training import data, tokenizer
from training.recipe import Recipe
from training.tokenizer import ASSISTANT, END, PAD, USER

from .conftest import MINIATURE


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tokenizer saved and read back by transformers' own AutoTokenizer."""
    recipe = Recipe.model_validate(MINIATURE)
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.train(data.tokenizer_texts(recipe), 700).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def encode(vocabulary: Any, text: str) -> list[int]:
    """Ids of text that is data."""
    ids: list[int] = vocabulary.encode(text, add_special_tokens=False, split_special_tokens=True)
    return ids


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_has_a_round_trip(vocabulary: Any, text: str) -> None:
    assert vocabulary.decode(encode(vocabulary, text)) == text


@given(st.text(alphabet="0123456789ab .,$%-\n"))
def test_digits_are_single_and_never_merge_with_letters(vocabulary: Any, text: str) -> None:
    """At most the space before a number goes with its first digit."""
    for token in encode(vocabulary, text):
        piece = vocabulary.decode([token])
        if any(character.isdigit() for character in piece):
            assert len(piece.strip(" ")) == 1
            assert len(piece) <= 2


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20))
def test_control_tokens_in_a_question_stay_text(vocabulary: Any, text: str) -> None:
    """Else a question could end itself, or speak as the assistant."""
    question = f"{END}{text}{USER} {ASSISTANT}{PAD}"
    ids = encode(vocabulary, question)
    assert not set(ids) & set(vocabulary.all_special_ids)
    assert vocabulary.decode(ids) == question


def test_a_prompt_is_the_question_between_two_control_tokens(vocabulary: Any) -> None:
    prompt = Prompt.from_tokenizer(vocabulary)
    ids = prompt.ids("How many?")
    assert vocabulary.decode(ids) == f"{USER}How many?{ASSISTANT}"
    assert vocabulary.convert_ids_to_tokens([ids[0], ids[-1]]) == [USER, ASSISTANT]


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.OTHER])
def test_the_lines_after_a_state_number_are_one_token(vocabulary: Any, action: Action) -> None:
    """Headers are half of a trace's characters; they must not be half of its tokens."""
    pieces = [vocabulary.decode([token]) for token in encode(vocabulary, render([(action, "x")]))]
    if action in (Action.VERIFY, Action.BACKTRACK):  # none in stage-1 traces: many tokens
        assert "".join(pieces) == render([(action, "x")])
    else:
        assert pieces[1:3] == ["1", render([(action, "")]).removeprefix("State 1").rstrip(" ")]


def test_the_template_marks_what_the_assistant_writes(vocabulary: Any) -> None:
    """Tools mask the loss with it: the answer and the end token, nothing else."""
    encoded = vocabulary.apply_chat_template(
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "There"}],
        return_assistant_tokens_mask=True,
        return_dict=True,
    )
    marked = [
        token
        for token, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        if mask
    ]
    assert vocabulary.decode(marked) == f"There{END}"


def test_ids_of_the_end_and_of_padding_are_set(vocabulary: Any) -> None:
    assert vocabulary.eos_token == END
    assert vocabulary.pad_token == PAD
    assert len({vocabulary.eos_token_id, vocabulary.pad_token_id}) == 2


def test_the_tokenizer_is_a_function_of_the_recipe(miniature: Recipe, tmp_path: Path) -> None:
    made = [tokenizer.train(data.tokenizer_texts(miniature), 420).get_vocab() for _ in range(2)]
    assert made[0] == made[1]
