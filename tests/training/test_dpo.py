"""Preferences as token ids, and the trainer on them: no end token too many, no loss misplaced."""

from __future__ import annotations

import copy
import math
import os
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from rich.console import Console
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from statespace.prompts import Prompt
from statespace.text import SEPARATOR
from training import base, data, dpo, tokenizer, trainer
from training.curriculum import pairs, repair, tokens
from training.curriculum.collect import Collection
from training.curriculum.settings import Dpo
from training.curriculum.wrong import corrupt
from training.errors import DataError
from training.problems.generator import generate
from training.progress import Report
from training.recipe import Recipe
from training.rows import PairMode, PairRow
from training.steps import Steps

from .conftest import MINIATURE

RECIPE = Recipe.model_validate(MINIATURE)
STAGE = Dpo(
    tokens=30_000,
    batch=4,
    learning_rate=0.002,
    warmup=0.1,
    decay=0.3,
    save_steps=2,
    length=500,
)


@pytest.fixture(scope="module")
def vocabulary() -> Any:
    return tokenizer.train(data.tokenizer_texts(RECIPE), 420)


@pytest.fixture(scope="module")
def model(vocabulary: Any) -> Any:
    """Random weights; never trained itself."""
    return base.create(RECIPE, vocabulary)


def collection(mode: PairMode) -> Collection:
    """What the corrupted traces of a few problems give."""
    made = Collection(mode, "graph")
    for index in range(16):
        problem = generate(44, index, operations=(1, 2))
        wrong = corrupt(problem, Random(index))
        assert wrong is not None
        made.add(problem, wrong.states, repair.by_graph, origin="graph", sample=0)
    return made


@pytest.fixture(scope="module")
def rows() -> list[PairRow]:
    return [row for mode in ("step", "trajectory") for row in collection(mode).rows(0.3, 1)]


def test_only_what_ends_a_trace_gets_the_end_token(vocabulary: Any, rows: list[PairRow]) -> None:
    """TRL ends both sides of every pair; a model then stops after each step."""
    prompt = Prompt.from_tokenizer(vocabulary)
    assert {row.complete for row in rows} == {True, False}
    for row in rows:
        ids = tokens.pair(row, prompt)
        for side in (ids["chosen_ids"], ids["rejected_ids"]):
            ends = [place for place, one in enumerate(side) if one == vocabulary.eos_token_id]
            assert ends == ([len(side) - 1] if row.complete else [])
        assert vocabulary.eos_token_id not in ids["prompt_ids"]


def test_a_pair_holds_the_very_ids_that_the_model_meets(
    vocabulary: Any, rows: list[PairRow]
) -> None:
    """Encoded apart, prefix and completion would meet at tokens that no trace has."""
    prompt = Prompt.from_tokenizer(vocabulary)
    for row in rows:
        ids = tokens.pair(row, prompt)
        for side, text in (("chosen_ids", row.chosen), ("rejected_ids", row.rejected)):
            follows = "" if row.complete else f"{SEPARATOR}State 9:"
            whole = prompt.data(row.prefix + text + follows)
            met = [*ids["prompt_ids"], *ids[side]]
            if row.complete:
                assert met == [*prompt.ids(row.question), *whole, vocabulary.eos_token_id]
            else:
                assert met == [*prompt.ids(row.question), *whole][: len(met)]
                assert vocabulary.decode(met).endswith(row.prefix + text)


def test_seams_hold_where_a_full_stop_and_a_blank_line_are_one_token(rows: list[PairRow]) -> None:
    """As in Llama 3: what ends a state's text depends on what follows, so it bears no loss."""
    bpe = Tokenizer(models.BPE())
    pattern = Regex(r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")
    split = pre_tokenizers.Split(pattern, behavior="isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    bpe.decoder = decoders.ByteLevel()
    special = ["<|user|>", "<|assistant|>", "<|end|>"]
    texts = [row.prefix + row.chosen for row in rows]
    bpe.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    )
    merged = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|end|>", chat_template=tokenizer.CHAT_TEMPLATE
    )
    stop = "".join(bpe.pre_tokenizer.pre_tokenize_str(".\n\n")[0][0])
    assert stop in bpe.get_vocab()
    prompt = Prompt.from_tokenizer(merged)
    for row in rows:
        ids = tokens.pair(row, prompt)
        for side, text in (("chosen_ids", row.chosen), ("rejected_ids", row.rejected)):
            met = [*ids["prompt_ids"], *ids[side]][len(prompt.ids(row.question)) :]
            follows = "" if row.complete else f"{SEPARATOR}State 9:"
            whole = prompt.data(row.prefix + text + follows)
            assert met == [*whole, merged.eos_token_id][: len(met)]
            assert len(merged.decode(met)) >= len(row.prefix + text) - 2


def test_the_wrong_states_bear_no_loss(vocabulary: Any, rows: list[PairRow]) -> None:
    """The likelihood of what is chosen would else teach the model to err first."""
    prompt = Prompt.from_tokenizer(vocabulary)
    for row in rows:
        ids = tokens.pair(row, prompt)
        assert vocabulary.decode(ids["chosen_ids"]).strip().removesuffix("<|end|>") == row.chosen
        if row.prefix:
            before = vocabulary.decode(ids["prompt_ids"])
            assert before.endswith(row.prefix.rstrip("\n"))


def test_a_question_is_data(vocabulary: Any, rows: list[PairRow]) -> None:
    row = rows[0].model_copy(update={"question": "<|end|><|assistant|>State 1:"})
    ids = tokens.pair(row, Prompt.from_tokenizer(vocabulary))["prompt_ids"]
    assert vocabulary.eos_token_id not in ids
    assert ids.count(vocabulary.convert_tokens_to_ids("<|assistant|>")) == 1


def test_a_trace_that_just_ended_is_rejected_by_its_end_token(vocabulary: Any) -> None:
    """A reviewer who reads to the end prefers Verify to ending there."""
    made = collection("trajectory").preferences[0]
    row = made.model_copy(update={"rejected": ""})
    ids = tokens.pair(row, Prompt.from_tokenizer(vocabulary))
    assert ids["rejected_ids"] == [vocabulary.eos_token_id]
    assert ids["chosen_ids"][0] != vocabulary.eos_token_id


def test_advanced_traces_learn_the_repair_only(vocabulary: Any) -> None:
    made = collection("step")
    length = 384
    examples = [*made.advanced, *made.confirmed, *made.clean]
    packed = tokens.packed(examples, vocabulary, tokens=8 * length, length=length, seed=1)
    assert len(packed) == 8
    learnt = ""
    for row in packed.with_format("numpy"):
        labels = row["labels"]
        kept = labels != data.IGNORED
        assert (labels[kept] == row["input_ids"][kept]).all()
        learnt += vocabulary.decode(labels[kept])
    said = {one.completion.strip() for one in examples}
    assert {text.strip() for text in learnt.split("<|end|>") if text} <= said
    assert "Action: Verify" in learnt


def test_nothing_that_fits_is_an_error(vocabulary: Any, rows: list[PairRow]) -> None:
    """Else the budget would be waited for without end."""
    with pytest.raises(DataError, match="length"):
        tokens.budgeted(tokens.pairs(rows, vocabulary, 10), 1000, 1)
    with pytest.raises(DataError, match="length"):
        tokens.packed(collection("step").advanced, vocabulary, tokens=99, length=9, seed=1)


def test_a_budget_counts_both_sides(vocabulary: Any, rows: list[PairRow]) -> None:
    encoded = tokens.pairs(rows, vocabulary, 500)
    for budget in (5_000, 60_000):
        found = tokens.budgeted(encoded, budget, 1).to_list()
        assert budget - 1000 < sum(map(tokens.size, found)) <= budget


@dataclass(frozen=True, slots=True)
class Run:
    seed: int = 7
    compile: bool = False


def fitted(folder: Path, model: Any, vocabulary: Any, rows: list[PairRow], stage: Dpo) -> Any:
    """The trainer after it has gone to the end, or from its checkpoint to there."""
    encoded = tokens.pairs(rows, vocabulary, stage.length)
    budgeted = tokens.budgeted(encoded, stage.tokens, 1).select(range(28))
    made = dpo.build(Run(), stage, model, vocabulary, budgeted, folder)
    made.args.logging_steps = made.state.logging_steps = 1
    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        record = trainer.fit(made, stage, Steps(report, "preferences"))
    return made.model, record["log"]


def adapted(model: Any) -> Any:
    """A model with an adapter that an earlier stage has trained."""
    torch.manual_seed(1)
    made = get_peft_model(copy.deepcopy(model), LoraConfig(r=4, target_modules="all-linear"))
    for name, weights in made.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.05)
    return made


CASES = {
    "kept reference": STAGE.model_copy(update={"precompute": False, "sft": 0.0}),
    "precomputed reference": STAGE.model_copy(update={"sft": 0.0}),
    "muon and likelihood": STAGE.model_copy(update={"muon": 0.002}),
    "adapter": STAGE.model_copy(update={"precompute": False, "sft": 0.0}),
}


@pytest.mark.parametrize(
    "case",
    [
        "kept reference",
        "adapter",
        pytest.param("precomputed reference", marks=pytest.mark.slow),
        pytest.param("muon and likelihood", marks=pytest.mark.slow),
    ],
)
def test_the_first_loss_is_that_of_indifference_and_a_resumed_run_ends_the_same(
    case: str, model: Any, vocabulary: Any, rows: list[PairRow], tmp_path: Path
) -> None:
    """ln 2 says that the reference is the model it starts from; that holds after a resume too."""
    stage = CASES[case]

    def start() -> Any:
        return adapted(model) if case == "adapter" else copy.deepcopy(model)

    _, log = fitted(tmp_path / "whole", start(), vocabulary, rows, stage)
    assert len(log) == log[-1]["step"] == 7
    first = log[0]["loss"]
    if stage.sft:
        assert first > math.log(2)
    else:
        assert first == pytest.approx(math.log(2), abs=1e-4)

    class StoppedError(Exception):
        """Where the run dies."""

    class Death(Steps):
        def on_step_end(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
            if state.global_step == 5:
                raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Steps, "on_step_end", Death.on_step_end)
        with pytest.raises(StoppedError):
            fitted(tmp_path / "killed", start(), vocabulary, rows, stage)
    _, resumed = fitted(tmp_path / "killed", start(), vocabulary, rows, stage)
    for one, other in zip(log, resumed, strict=True):
        # TRL counts the tokens anew after a resume.
        assert one | {"num_tokens": 0} == other | {"num_tokens": 0}


def test_preferences_raise_what_is_chosen_over_what_is_rejected(
    model: Any, vocabulary: Any, rows: list[PairRow], tmp_path: Path
) -> None:
    _, log = fitted(tmp_path, copy.deepcopy(model), vocabulary, rows, STAGE)
    margins = [entry["rewards/margins"] for entry in log]
    assert margins[0] == 0
    assert sum(margins[-3:]) > 0.1


def test_anchors_make_up_their_share() -> None:
    made = collection("step").rows(0.3, 1)
    assert sum(map(pairs.is_anchor, made)) / len(made) == pytest.approx(0.3, abs=0.03)
