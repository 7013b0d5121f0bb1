"""Recipes are strict, and their errors name the key and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from training.errors import DataError, RecipeError
from training.recipe import Recipe, load
from training.run import Run


def test_the_shipped_recipe_is_valid_and_within_its_own_context(starter: Path) -> None:
    recipe = load(starter)
    assert recipe.name == "starter"
    assert recipe.sft.length <= recipe.model.positions
    assert recipe.model.width % recipe.model.heads == 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sft.learning_rte=1", "unknown key sft.learning_rte; did you mean sft.learning_rate?"),
        ("tokeniser=1", "unknown key tokeniser; did you mean tokenizer?"),
        ("gsm8k.pth=x", "unknown key gsm8k.pth; did you mean gsm8k.path?"),
        ("model.zzzzzz=1", "unknown key model.zzzzzz; known here: width, feed_forward"),
        ("sft.batch=0", "sft.batch: Input should be greater than 0, not 0"),
        ("base.decay=2", "base.decay: Input should be less than or equal to 1, not 2"),
        ("sft.batch", "write it as key=value"),
        ("name.first=x", "name holds no keys"),
        ("seed=[", "the value is not valid YAML"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(starter: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(starter, [override])
    assert message in str(caught.value)


def test_a_missing_key_is_named(starter: Path, tmp_path: Path) -> None:
    values = yaml.safe_load(starter.read_text())
    del values["sft"]["batch"]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(RecipeError, match=r"sft\.batch is missing"):
        load(path)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n"])
def test_a_file_that_is_no_recipe_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError):
        load(path)
    with pytest.raises(RecipeError, match="cannot read"):
        load(tmp_path / "absent.yaml")


def test_overrides_are_yaml_and_dotted(starter: Path) -> None:
    recipe = load(starter, ["gsm8k=null", "sft.batch=3", "evaluation.gsm8k=a/b.jsonl"])
    assert recipe.gsm8k is None
    assert recipe.sft.batch == 3
    assert recipe.evaluation.gsm8k == Path("a/b.jsonl")


def test_the_digest_covers_values_but_not_where_data_lie(starter: Path) -> None:
    digest = load(starter).digest()
    assert load(starter, ["gsm8k.path=/elsewhere/train.jsonl"]).digest() == digest
    assert load(starter, ["evaluation.gsm8k=/elsewhere/test.jsonl"]).digest() == digest
    assert load(starter, ["gsm8k.share=0.5"]).digest() != digest
    assert load(starter, ["seed=1"]).digest() != digest


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("gsm8k={path: nowhere.jsonl, share: 0.1}", "--set gsm8k=null"),
        ("evaluation.gsm8k=nowhere.jsonl", "--set evaluation.gsm8k=null"),
    ],
)
def test_a_missing_data_file_is_reported_before_any_work(
    starter: Path, tmp_path: Path, override: str, message: str
) -> None:
    recipe = load(starter, ["gsm8k=null", "evaluation.gsm8k=null", override])
    with pytest.raises(DataError) as caught:
        Run(recipe, tmp_path / "work", tmp_path / "out", report=None)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("name", ["test.jsonl", "train.jsonl"])
def test_the_test_split_is_never_trained_on(tmp_path: Path, starter: Path, name: str) -> None:
    """Named as such, or named train but the very file that is evaluated on."""
    path = tmp_path / name
    path.write_text("")
    recipe = load(starter, [f"gsm8k.path={path}", f"evaluation.gsm8k={path}"])
    with pytest.raises(DataError, match="test split"):
        Run(recipe, tmp_path / "work", tmp_path / "out", report=None)  # type: ignore[arg-type]


def test_recipes_are_immutable(miniature: Recipe) -> None:
    with pytest.raises(ValueError, match="frozen"):
        miniature.seed = 1  # type: ignore[misc]
