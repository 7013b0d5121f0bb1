"""Checkpoint cards: what is written is read back; what is wrong is named with a remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statespace.actions import Action
from statespace.card import NAME, Card, RecipeReference, Score
from statespace.errors import CardError
from statespace.trace import TRACE_VERSION

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def card() -> Card:
    return Card(
        stage="fundamental",
        prompt=DIGEST,
        base_model="from scratch",
        recipe=RecipeReference(name="starter", hash=DIGEST),
        data={"sft": DIGEST},
        scores=(Score(set="some", right=3, total=4),),
    )


def test_a_card_has_a_round_trip(card: Card, tmp_path: Path) -> None:
    card.save(tmp_path)
    assert Card.load(tmp_path) == card
    assert card.state_space == TRACE_VERSION
    assert card.scores[0].accuracy == 0.75


def test_a_card_says_what_all_its_traces_begin_with(card: Card) -> None:
    assert not card.opens
    formalizes = card.model_copy(update={"opening": Action.FORMALIZE})
    assert formalizes.opens == "State 1:\nAction: Formalize\nOutput:"


def test_a_folder_without_a_card_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"no statewise\.json .* prompted mode"):
        Card.load(tmp_path)
    (tmp_path / NAME).mkdir()
    with pytest.raises(CardError, match="cannot read"):
        Card.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"stage": "expert"}, "stage"),
        ({"prompt": "md5:00"}, "prompt"),
        ({"extra": 1}, "extra"),
        ({"recipe": {"name": "starter"}}, "recipe.hash"),
        ({"opening": "summarize"}, "opening"),
        ({"scores": [{"set": "some", "right": 1, "total": 0}]}, "scores.0.total"),
    ],
)
def test_a_malformed_card_names_the_key(
    card: Card, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    (tmp_path / NAME).write_text(json.dumps({**card.model_dump(mode="json"), **change}))
    with pytest.raises(CardError, match=rf"malformed \({named}: .*train the checkpoint"):
        Card.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_card_that_is_no_json_object_is_malformed(tmp_path: Path, text: str | bytes) -> None:
    (tmp_path / NAME).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(CardError, match="malformed"):
        Card.load(tmp_path)


def test_a_card_of_another_state_space_is_refused(card: Card, tmp_path: Path) -> None:
    """A newer card may mean other actions by the same names."""
    card.model_copy(update={"state_space": TRACE_VERSION + 1}).save(tmp_path)
    with pytest.raises(CardError, match="serve it with the release that trained it"):
        Card.load(tmp_path)


def test_a_newer_card_with_other_keys_is_of_another_version_not_malformed(
    card: Card, tmp_path: Path
) -> None:
    """What to do is to update, not to restore the file."""
    newer = {**card.model_dump(mode="json"), "state_space": 99, "stage": "expert", "extra": 1}
    (tmp_path / NAME).write_text(json.dumps(newer))
    with pytest.raises(CardError, match="is of state-space version 99, this release knows"):
        Card.load(tmp_path)


def test_a_card_of_stage_two_is_read(card: Card, tmp_path: Path) -> None:
    card.model_copy(update={"stage": "advanced"}).save(tmp_path)
    assert Card.load(tmp_path).stage == "advanced"
