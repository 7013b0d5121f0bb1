"""Checkpoints that this release cannot serve are refused, with what to do instead."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from transformers import AutoTokenizer

from app.engines.checkpoint import check_folder, profile, trained_card
from app.engines.manner import Manner
from app.errors import EngineStartError
from statespace.card import NAME
from statespace.prompted import INSTRUCTIONS
from statespace.prompts import Prompt
from statespace.trace import TRACE_VERSION
from statespace.tree import StateTree

PROFILES: Final = ("auto", "trained", "prompted", "plain")


@pytest.fixture
def checkpoint(repository: Path, tmp_path: Path) -> Path:
    """A copy of the shipped checkpoint, without its weights."""
    target = tmp_path / "checkpoint"
    shutil.copytree(
        repository / "checkpoints" / "starter",
        target,
        ignore=shutil.ignore_patterns("*.safetensors"),
    )
    return target


def rewrite(checkpoint: Path, **change: Any) -> None:
    """Changes keys of the card."""
    path = checkpoint / NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def prompt(checkpoint: Path) -> Prompt:
    return Prompt.from_tokenizer(AutoTokenizer.from_pretrained(checkpoint))


@pytest.mark.parametrize("stage", ["fundamental", "advanced"])
def test_checkpoints_of_both_stages_are_served(checkpoint: Path, stage: str) -> None:
    rewrite(checkpoint, stage=stage)
    check_folder(str(checkpoint))
    trained_card(str(checkpoint), prompt(checkpoint))


@pytest.mark.parametrize("version", [TRACE_VERSION + 1, 0])
def test_another_state_space_is_refused_before_anything_is_loaded(
    checkpoint: Path, version: int
) -> None:
    """Also where that version's card holds keys that are unknown here."""
    rewrite(checkpoint, state_space=version, invented=True)
    for check in (check_folder, lambda model: trained_card(model, prompt(checkpoint))):
        with pytest.raises(EngineStartError, match="serve it with the release that trained it"):
            check(str(checkpoint))


def test_a_stage_that_is_unknown_is_refused(checkpoint: Path) -> None:
    rewrite(checkpoint, stage="expert")
    with pytest.raises(EngineStartError, match=r"malformed \(stage: .*train the checkpoint again"):
        check_folder(str(checkpoint))


@pytest.mark.parametrize("changed", ["the template", "the card"])
def test_another_prompt_is_refused(checkpoint: Path, changed: str) -> None:
    """Such a model would answer, and badly, and nobody would know why."""
    if changed == "the card":
        rewrite(checkpoint, prompt="sha256:" + "0" * 64)
    else:
        template = checkpoint / "chat_template.jinja"
        template.write_text(
            template.read_text().replace("message['content']", "' ' + message['content']")
        )
    check_folder(str(checkpoint))
    with pytest.raises(EngineStartError, match="use the tokenizer files and the chat template"):
        trained_card(str(checkpoint), prompt(checkpoint))


def test_a_card_decides_how_a_model_is_asked(checkpoint: Path) -> None:
    model, tokenizer = str(checkpoint), AutoTokenizer.from_pretrained(checkpoint)
    assert [profile(asked, model) for asked in PROFILES] == [
        "trained",
        "trained",
        "prompted",
        "plain",
    ]
    trained = Manner.of("trained", model, tokenizer)
    assert trained.prompt("1?", plain=False) == trained.prompt("1?", plain=True)
    assert trained.grammar(StateTree(), plain=False) is None
    (checkpoint / NAME).unlink()
    check_folder(model)
    assert [profile(asked, model) for asked in ("auto", "prompted", "plain")] == [
        "prompted",
        "prompted",
        "plain",
    ]
    with pytest.raises(EngineStartError, match="serve it with STATEWISE_PROFILE=prompted"):
        profile("trained", model)


def test_a_prompted_model_is_instructed_where_a_problem_is_asked(checkpoint: Path) -> None:
    """Its prompt was written for another profile: then the card says nothing."""
    rewrite(checkpoint, prompt="sha256:" + "0" * 64)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    prompted = Manner.of("prompted", str(checkpoint), tokenizer)
    problem, plain = (prompted.prompt("1?", plain=plain) for plain in (False, True))
    assert plain == Manner.of("plain", str(checkpoint), tokenizer).prompt("1?", plain=False)
    assert INSTRUCTIONS in tokenizer.decode(problem)
    assert problem[-len(plain) + 1 :] == plain[1:], "the template has no system messages"
    assert prompted.grammar(StateTree(), plain=True) is None
    assert "root ::=" in (prompted.grammar(StateTree(), plain=False) or "")


def test_an_adapter_says_how_it_becomes_a_checkpoint(checkpoint: Path) -> None:
    (checkpoint / "config.json").rename(checkpoint / "adapter_config.json")
    with pytest.raises(EngineStartError, match=r"statewise train export --adapter .* --output"):
        check_folder(str(checkpoint))
    (checkpoint / "adapter_config.json").unlink()
    with pytest.raises(EngineStartError, match=r"has no config\.json"):
        check_folder(str(checkpoint))
