"""Recipes of pretrained models: strict, with honest estimates, for any number of devices."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import DistributedType
from transformers import LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config
from transformers.models.auto import AutoModelForCausalLM
from typer.testing import CliRunner

from tests.training.finetune import RECIPES
from training.commands import train
from training.errors import RecipeError
from training.finetune import estimate
from training.finetune.loop import accumulation
from training.finetune.recipe import FinetuneRecipe, Shape, load, load_any
from training.recipe import Recipe

NAMES = ("llama-3-8b", "mistral-7b", "qwen")
ACCELERATE = RECIPES.parent / "accelerate"


@pytest.mark.parametrize("name", [*NAMES, "tiny"])
def test_shipped_recipes_are_valid(name: str) -> None:
    recipe = load(RECIPES / f"{name}.yaml")
    assert recipe.name == name
    assert recipe.dpo is not None
    for stage in (recipe.sft, recipe.dpo):
        for devices in (1, 2, 4, 8):
            assert accumulation(stage, devices) * stage.per_device_batch * devices == stage.batch


@pytest.mark.parametrize("name", NAMES)
def test_the_estimates_in_a_recipe_are_those_that_are_computed(name: str) -> None:
    """A recipe that is changed must not keep the old figures."""
    path = RECIPES / f"{name}.yaml"
    said = " ".join(line.lstrip("# ") for line in path.read_text().splitlines() if line[:1] == "#")
    assert "not measured" in said
    for line in estimate.lines(load(path)):
        assert line in said, textwrap.shorten(line, 80)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sft.learning_rte=1", "unknown key sft.learning_rte; did you mean sft.learning_rate?"),
        ("model.lora.rnk=4", "unknown key model.lora.rnk; did you mean model.lora.rank?"),
        ("dpo.betta=1", "unknown key dpo.betta; did you mean dpo.beta?"),
        ("modle=1", "unknown key modle; did you mean model?"),
        ("sft.packing=7", "sft.packing: Input should be a valid boolean"),
        ("model.quantization=int3", "model.quantization: Input should be 'nf4', not 'int3'"),
        ("sft.schedule=fast", "sft.schedule: Input should be 'linear', 'cosine'"),
    ],
)
def test_a_typo_names_the_nearest_key(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(RECIPES / "qwen.yaml", [override])
    assert message in str(caught.value)


def test_the_two_kinds_of_recipe_are_told_apart(tmp_path: Path) -> None:
    assert isinstance(load_any(RECIPES / "qwen.yaml"), FinetuneRecipe)
    assert isinstance(load_any(RECIPES / "starter.yaml"), Recipe)
    with pytest.raises(RecipeError, match="makes a model from scratch"):
        load(RECIPES / "starter.yaml")
    path = tmp_path / "recipe.yaml"
    path.write_text("kind: pretraned\n")
    with pytest.raises(RecipeError, match="did you mean pretrained"):
        load_any(path)


def test_another_model_takes_the_place_of_the_recipe_s() -> None:
    recipe = load(RECIPES / "qwen.yaml", ["model.revision=abc"], model="a: b/c")
    assert (recipe.model.path, recipe.model.revision) == ("a: b/c", None)


def test_the_digest_covers_what_decides_the_result(tmp_path: Path) -> None:
    path = RECIPES / "qwen.yaml"
    digest = load(path).digest()
    assert load(path, ["report_to=[wandb]"]).digest() == digest
    assert load(path, ["assumed.examples=1"]).digest() == digest
    for override in ("seed=1", "sft.epochs=1", "model.lora=null", "dpo.beta=0.5"):
        assert load(path, [override]).digest() != digest
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert load(path, model=str(here)).digest() == load(path, model=str(there)).digest()


def test_a_batch_that_does_not_divide_names_what_would() -> None:
    stage = load(RECIPES / "qwen.yaml").sft
    with pytest.raises(RecipeError, match="set batch to a multiple of 24"):
        accumulation(stage, 3)


PUBLISHED = {
    "llama-3-8b": (8_030_261_248, LlamaConfig),
    "mistral-7b": (7_241_732_096, MistralConfig),
    "qwen": (7_615_616_512, Qwen2Config),
    "qwen3": (8_190_735_360, Qwen3Config),
}
QWEN3 = Shape(
    vocabulary=151936,
    width=4096,
    feed_forward=12288,
    layers=36,
    heads=32,
    key_value_heads=8,
    head=128,
    tied=False,
    normed=True,
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_parameters_are_those_of_the_published_models(name: str) -> None:
    """Counted by the formula, and by transformers on a model without storage."""
    sizes = QWEN3 if name == "qwen3" else load(RECIPES / f"{name}.yaml").shape
    published, config = PUBLISHED[name]
    assert estimate.parameters(sizes) == published
    settings = config(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.width,
        intermediate_size=sizes.feed_forward,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.key_value_heads,
        head_dim=sizes.head,
        tie_word_embeddings=sizes.tied,
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(settings)
    assert model.num_parameters() == published


def test_estimates_move_the_way_they_should() -> None:
    path = RECIPES / "llama-3-8b.yaml"
    plain, whole = load(path), load(path, ["model.lora=null"])
    four = load(path, ["model.quantization=nf4"])
    sizes = [estimate.memory(recipe, recipe.sft).total for recipe in (four, plain, whole)]
    assert sizes == sorted(sizes)
    assert sizes[0] < 16 * estimate.GIB < sizes[1] < 40 * estimate.GIB < sizes[2]
    assert plain.dpo
    assert (
        estimate.memory(whole, plain.dpo, sequences=2).weights
        > estimate.memory(whole, plain.dpo).weights
    )
    unchecked = load(path, ["sft.gradient_checkpointing=false"])
    assert (
        estimate.memory(unchecked, unchecked.sft).activations
        > 10 * estimate.memory(plain, plain.sft).activations
    )
    assert estimate.flops(unchecked, unchecked.sft, 1) < estimate.flops(plain, plain.sft, 1)


@pytest.mark.parametrize("name", ["qwen", "starter"])
def test_a_dry_run_prints_a_recipe_that_can_be_read_again_and_the_estimates(
    tmp_path: Path, name: str
) -> None:
    command = ["--recipe", str(RECIPES / f"{name}.yaml"), "--set", "seed=5", "--dry-run"]
    result = CliRunner().invoke(train, command)
    assert result.exit_code == 0, result.output
    assert "# Estimates, not measured:" in result.output
    assert "parameters:" in result.output
    printed = tmp_path / "printed.yaml"
    printed.write_text(result.output)
    again = load_any(printed)
    assert again.seed == 5
    assert again.digest() in result.output
    assert not (tmp_path / "runs").exists()


def test_a_pretrained_recipe_is_run_step_by_step() -> None:
    result = CliRunner().invoke(train, ["--recipe", str(RECIPES / "qwen.yaml")])
    assert result.exit_code == 1
    assert "statewise train sft" in result.output


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("single_gpu", DistributedType.NO),
        ("ddp", DistributedType.MULTI_GPU),
        ("fsdp2", DistributedType.FSDP),
        ("zero3", DistributedType.DEEPSPEED),
    ],
)
def test_accelerate_takes_its_configurations(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: DistributedType
) -> None:
    """By the loader and the checks of `accelerate launch` itself: it refuses unknown keys."""
    path = str(ACCELERATE / f"{name}.yaml")
    config = load_config_from_file(path)
    assert config.distributed_type == kind
    assert config.mixed_precision == "bf16"
    monkeypatch.setattr("accelerate.commands.launch.is_bf16_available", lambda *_: True)
    parser: argparse.ArgumentParser = launch_command_parser()
    arguments = parser.parse_args(["--config_file", path, "-m", "training", "sft"])
    checked, defaults, _ = _validate_launch_command(arguments)
    assert checked.use_fsdp == (kind == DistributedType.FSDP)
    assert checked.use_deepspeed == (kind == DistributedType.DEEPSPEED)
    assert checked.multi_gpu == (kind == DistributedType.MULTI_GPU)
    assert defaults.num_processes == checked.num_processes
    if kind == DistributedType.FSDP:
        assert int(checked.fsdp_version) == 2
    if kind == DistributedType.DEEPSPEED:
        assert int(checked.zero_stage) == 3
    written = yaml.safe_load((ACCELERATE / f"{name}.yaml").read_text())
    assert set(config.to_dict()) >= set(written)
