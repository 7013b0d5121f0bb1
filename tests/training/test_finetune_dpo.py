"""Stage 2 of pretrained models: from stage 1's folder, with stage 1 as the reference."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.engines.checkpoint import check_folder, trained_card
from statespace.actions import Action
from statespace.card import Card
from statespace.prompts import Prompt
from tests.support.killing import THOROUGH
from tests.support.tiny_models import FAMILIES, make
from tests.training.finetune import killed, losses, report, small, traces
from training import manifest
from training.curriculum import repair
from training.curriculum.collect import Collection
from training.curriculum.wrong import corrupt
from training.errors import DataError, RecipeError
from training.finetune import chat, dpo, export, sft
from training.problems.generator import generate
from training.rows import PairRow, write


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Collection("step", "graph")
    for index in range(12):
        problem = generate(44, index, operations=(1, 2))
        wrong = corrupt(problem, Random(index))
        assert wrong is not None
        made.add(problem, wrong.states, repair.by_graph, origin="graph", sample=0)
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    write(path, made.rows(0.3, 1))
    return path


@pytest.mark.parametrize(
    ("name", "whole"),
    [("llama", False), ("llama", True), ("mistral-base", False), ("qwen3", False)],
)
def test_stage_two_goes_on_from_stage_one(
    tmp_path: Path, pairs: Path, name: str, whole: bool
) -> None:
    """Adapters and whole weights; the first loss is ln 2, since the reference is stage 1."""
    family = FAMILIES[name]
    weights = ("model.lora=null", "sft.learning_rate=0.001") if whole else ()
    model, one, two = make(name, tmp_path / "model"), tmp_path / "one", tmp_path / "two"
    data = traces(tmp_path / "accepted.jsonl", 8)
    sft.run(small(family.recipe, model, "sft.max_steps=1", *weights), [data], one, report())
    steps = ("dpo.max_steps=12", "dpo.learning_rate=0.001")
    second = small(family.recipe, one, "dpo.sft=0", "dpo.length=1024", *steps, *weights)
    dpo.run(second, [pairs], two, report())

    recorded = manifest.read(two / "manifest.json")
    assert recorded["log"][0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert recorded["log"][-1]["rewards/margins"] > 0
    assert list(recorded["data"]) == ["sft", "dpo"]
    merged = export.export(two, tmp_path / "merged")
    check_folder(str(merged))
    trained_card(str(merged), Prompt.from_tokenizer(AutoTokenizer.from_pretrained(merged)))
    card = Card.load(merged)
    assert card.stage == "advanced"
    # As the traces of stage 1 have it, where a header ends with a token.
    assert card.opening is (None if name == "mistral-base" else Action.FORMALIZE)
    assert card.base_model == "model"
    assert set(card.data) == {"sft/accepted.jsonl", "dpo/pairs.jsonl"}
    assert not (two / "ref").exists()  # the frozen copy of stage 1 is no part of stage 2
    first = AutoModelForCausalLM.from_pretrained(export.export(one, tmp_path / "first"))
    last = AutoModelForCausalLM.from_pretrained(merged)
    changed = [
        not torch.equal(a, b) for a, b in zip(first.parameters(), last.parameters(), strict=True)
    ]
    assert any(changed)


@pytest.mark.slow
@pytest.mark.skipif(not THOROUGH, reason="make test-all; SFT's is always tried")
def test_a_run_killed_in_the_middle_ends_as_if_it_had_not_been(tmp_path: Path, pairs: Path) -> None:
    """The reference is still stage 1 after a resumption, not where it was resumed from."""
    model, one = make("llama", tmp_path / "model"), tmp_path / "one"
    steps = ("dpo.max_steps=15", "dpo.save_steps=3", "dpo.logging_steps=3")
    data = traces(tmp_path / "accepted.jsonl", 8)
    sft.run(small("llama-3-8b", model, "sft.max_steps=1"), [data], one, report())
    recipe = small("llama-3-8b", one, *steps)
    through = dpo.run(recipe, [pairs], tmp_path / "whole", report())
    cut = tmp_path / "cut"
    killed("dpo", "llama-3-8b", one, cut, f"--pairs={pairs}", *steps)
    dpo.run(recipe, [pairs], cut, report())
    assert losses(cut) == losses(through)
    [file] = [path.name for path in cut.glob("*.safetensors")]
    assert (cut / file).read_bytes() == (through / file).read_bytes()


def test_both_stages_stand_in_the_cards(tmp_path: Path, pairs: Path) -> None:
    model = make("llama", tmp_path / "model")
    data = traces(tmp_path / "accepted.jsonl", 8)
    one = sft.run(small("llama-3-8b", model, "sft.max_steps=1"), [data], tmp_path / "one", report())
    recipe = small("llama-3-8b", one, "dpo.max_steps=1")
    two = dpo.run(recipe, [pairs], tmp_path / "two", report())
    out = export.export(two, tmp_path / "out")
    readme, page = (out / "README.md").read_text(), (out / "DATA.md").read_text()
    assert "| sft | 8 | 1 |" in readme
    assert "| dpo |" in readme
    assert "base_model: model" in readme
    assert "library_name: transformers" in readme
    assert "| procedural | seen | graph | Apache-2.0 | 8 |" in page
    assert "step pairs" in page
    assert "left out: longer than 512 tokens" in page
    assert manifest.file_digest(pairs) in page


def test_pairs_that_do_not_fit_are_counted_never_cut(tmp_path: Path, pairs: Path) -> None:
    recipe = small("llama-3-8b", make("llama", tmp_path / "model"))
    ready = chat.load(recipe.model)
    every, whole = dpo.pair_rows([pairs], ready, 2048)
    sizes = [
        len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))
        for row in every
    ]
    middle = sorted(sizes)[len(sizes) // 2]
    kept, account = dpo.pair_rows([pairs], ready, middle)
    assert len(kept) == sum(size <= middle for size in sizes)
    assert account["too_long"] == len(sizes) - len(kept) > 0
    assert whole["too_long"] == 0
    ends = [row["chosen_ids"][-1] == ready.end for row in every]
    rows = [PairRow.model_validate(json.loads(line)) for line in pairs.read_text().splitlines()]
    assert ends == [row.complete for row in rows]
    with pytest.raises(DataError, match="are longer than 5 tokens"):
        dpo.pair_rows([pairs], ready, 5)


def test_a_recipe_without_stage_two_says_so(tmp_path: Path, pairs: Path) -> None:
    recipe = small("llama-3-8b", tmp_path).model_copy(update={"dpo": None})
    with pytest.raises(RecipeError, match="has no section dpo"):
        dpo.run(recipe, [pairs], tmp_path / "two", report())
