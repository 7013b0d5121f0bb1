"""The model card: every score as it was measured, and what was trained on."""

from __future__ import annotations

from pathlib import Path

from statespace.card import Card, RecipeReference, Score
from training.card import generated, readme
from training.recipe import Gsm8k, Recipe

STEPS = {"base": 10, "sft": 20, "advanced": 3, "preferences": 5}
DIGEST = "sha256:" + "0" * 64


def card(recipe: Recipe, *scores: Score) -> Card:
    """A card with these scores."""
    reference = RecipeReference(name=recipe.name, hash=recipe.digest())
    return Card(
        stage="fundamental",
        prompt=DIGEST,
        base_model="from scratch",
        recipe=reference,
        scores=scores,
    )


def test_the_table_holds_every_score_unrounded_and_rounded(miniature: Recipe) -> None:
    made = card(
        miniature,
        Score(set="seen", right=401, total=500),
        Score(set="GSM8K test", right=0, total=1319),
    )
    text = readme(made, miniature, 3_000_000, STEPS)
    assert "| seen | 401 | 500 | 80.2 % |" in text
    assert "| GSM8K test | 0 | 1319 | 0.0 % |" in text
    assert "3.0 million parameters" in text


def test_the_tokens_are_those_trained_on_not_those_planned(miniature: Recipe) -> None:
    """A run told to finish early has seen fewer."""
    text = readme(card(miniature), miniature, 1, STEPS | {"base": 10_000, "sft": 20_000})
    assert f"Base: {10_000 * 8 * 64 / 1e6:.1f} million tokens" in text
    assert f"fine-tuning: {20_000 * 4 * 384 / 1e6:.1f} million tokens" in text


def test_stage_2_is_told_where_there_was_one(miniature: Recipe) -> None:
    text = readme(card(miniature), miniature, 1, STEPS)
    assert "3. Stage 2:" in text
    assert "4. Preferences: 5 steps" in text
    plain = miniature.model_copy(update={"advanced": None})
    assert "Stage 2" not in readme(card(plain), plain, 1, {"base": 1, "sft": 1})


def test_gsm8k_is_named_only_where_it_was_used(miniature: Recipe) -> None:
    assert "GSM8K" not in readme(card(miniature), miniature, 1, STEPS)
    mixed = miniature.model_copy(update={"gsm8k": Gsm8k(path=Path("train.jsonl"), share=0.25)})
    text = readme(card(mixed), mixed, 1, STEPS)
    assert "except 25 % of the fine-tuning examples: training problems of GSM8K (MIT" in text


def test_the_data_card_names_sources_shares_licences_and_digests(miniature: Recipe) -> None:
    mixed = miniature.model_copy(update={"gsm8k": Gsm8k(path=Path("train.jsonl"), share=0.25)})
    page = generated(mixed, {"gsm8k-train": DIGEST}, {"sft": "sha256:" + "1" * 64})
    assert "| sft | generated problems with traces | Apache-2.0 | 75 % |" in page
    assert "| sft | GSM8K, training split, with traces | MIT | 25 % |" in page
    assert f"- gsm8k-train: `{DIGEST}`" in page
    assert "more than 384\ntokens" in page
    assert "MIT" not in generated(miniature, {}, {})
