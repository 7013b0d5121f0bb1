"""Data sets: the same from the same recipe, whole, and free of what is tested on."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st

from statespace.actions import Action
from statespace.text import header
from statespace.trace import Verdict
from statespace.verifier import verify_output
from training import base, data, tokenizer, trainer
from training.recipe import Gsm8k, Recipe

from .conftest import MINIATURE


@pytest.fixture(scope="module")
def vocabulary() -> Any:
    recipe = Recipe.model_validate(MINIATURE)
    return tokenizer.train(data.tokenizer_texts(recipe), recipe.tokenizer.vocabulary)


def examples(row: dict[str, list[int]], end: int) -> list[tuple[list[int], list[int]]]:
    """The ids and labels of each example in a packed row."""
    found, start = [], 0
    for index, token in enumerate(row["input_ids"]):
        if token == end:
            found.append((row["input_ids"][start : index + 1], row["labels"][start : index + 1]))
            start = index + 1
    assert set(row["labels"][start:]) <= {data.IGNORED}
    return found


def test_fine_tuning_rows_bear_loss_on_the_trace_and_the_end_only(
    miniature: Recipe, vocabulary: Any
) -> None:
    opening = header(1, Action.FORMALIZE)
    for row in data.sft_rows(miniature, vocabulary):
        assert len(row["input_ids"]) == len(row["labels"]) == miniature.sft.length
        for ids, labels in examples(row, vocabulary.eos_token_id):
            learned = [token for token in labels if token != data.IGNORED]
            assert ids[-len(learned) :] == learned
            text = vocabulary.decode(learned)
            assert text.startswith(opening)
            assert text.endswith(f"}}.{tokenizer.END}")
            prompt = vocabulary.decode(ids[: -len(learned)])
            assert prompt.startswith(tokenizer.USER)
            assert prompt.endswith(tokenizer.ASSISTANT)


def test_the_same_recipe_gives_the_same_ids_and_another_seed_does_not(
    miniature: Recipe, vocabulary: Any
) -> None:
    other = miniature.model_copy(update={"seed": 8})
    for build in (data.base_rows, data.sft_rows):
        digest = data.digest(build(miniature, vocabulary))
        assert data.digest(build(miniature, vocabulary)) == digest
        assert data.digest(build(other, vocabulary)) != digest


def test_base_rows_hold_no_traces(miniature: Recipe, vocabulary: Any) -> None:
    """Else the base model's stage would not be what its recipe says."""
    rows = data.base_rows(miniature, vocabulary)
    assert len(rows) * miniature.base.length == miniature.base.tokens
    text = "".join(vocabulary.decode(row) for row in rows["input_ids"])
    assert "Action:" not in text
    assert re.search(r"\d+ [-+*/] \d+ = \d+", text)


def test_no_tested_question_is_trained_on(miniature: Recipe, vocabulary: Any) -> None:
    """The model card says so; one-step problems do repeat by chance."""
    trivial = miniature.model_copy(
        update={
            "evaluation": miniature.evaluation.model_copy(update={"problems": 300}),
            "sft": miniature.sft.model_copy(update={"operations": {1: 1.0}, "tokens": 30_000}),
        }
    )
    tested = data.test_questions(trivial)
    prompt = len(tokenizer.USER), len(tokenizer.ASSISTANT)
    for row in data.sft_rows(trivial, vocabulary):
        for ids, labels in examples(row, vocabulary.eos_token_id):
            before = ids[: labels.count(data.IGNORED)]
            assert vocabulary.decode(before)[prompt[0] : -prompt[1]] not in tested


@given(st.integers())
def test_arithmetic_lines_are_true(seed: int) -> None:
    """By the verifier that serving uses; nothing false may be taught."""
    line = data.arithmetic(Random(seed))
    assert verify_output(line).verdict is Verdict.VERIFIED, line


def test_gsm8k_is_mixed_in_by_its_share(
    miniature: Recipe, vocabulary: Any, data_dir: Path, tmp_path: Path
) -> None:
    lines = (data_dir / "gsm8k" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:40]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    source = Gsm8k(path=tmp_path / "train.jsonl", share=1.0)
    everything = miniature.model_copy(
        update={
            "gsm8k": source,
            "sft": miniature.sft.model_copy(update={"length": 512, "tokens": 4096}),
        }
    )
    published = {question for question, _ in data.annotated_traces(source)}
    seen = 0
    for row in data.sft_rows(everything, vocabulary):
        for ids, labels in examples(row, vocabulary.eos_token_id):
            question = vocabulary.decode(ids[: labels.count(data.IGNORED)])
            question = question.removeprefix(tokenizer.USER).removesuffix(tokenizer.ASSISTANT)
            assert question in published
            seen += 1
    assert seen > 4


def test_examples_of_a_row_do_not_see_each_other(miniature: Recipe, vocabulary: Any) -> None:
    """Else a name such as `a` would have several values in one row."""
    model = base.create(miniature, vocabulary).eval()
    row = next(
        row
        for row in data.sft_rows(miniature, vocabulary)
        if len(examples(row, vocabulary.eos_token_id)) > 1
    )
    batch = trainer.collate([row])
    model.config.use_cache = False  # as trainers do; a cache turns the packing off
    packed = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"]).logits[0]
    first, second = examples(row, vocabulary.eos_token_id)[:2]
    alone = model(input_ids=torch.tensor([second[0]])).logits[0]
    start = len(first[0])
    torch.testing.assert_close(packed[start : start + len(alone)], alone, atol=1e-4, rtol=1e-3)
