"""What is known of a checkpoint before an engine loads it, and its card."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from app.errors import EngineStartError
from statespace.card import NAME, Card
from statespace.errors import CardError
from statespace.prompts import Prompt

Profile = Literal["trained", "prompted", "plain"]
"""How a model is asked: as it was trained, with instructions and a grammar, or as any model."""


def profile(asked: Literal["auto"] | Profile, model: str) -> Profile:
    """The profile of a checkpoint: what was asked for, or what its card says.

    Raises `EngineStartError` if it is to be served as it was trained and has no card.
    """
    carded = (Path(model) / NAME).is_file()
    if asked == "trained" and not carded:
        raise EngineStartError(
            f"profile: there is no {NAME} in {model}, so nobody knows what it was trained to do; "
            "serve it with STATEWISE_PROFILE=prompted, or name a folder that `statewise train` has "
            "written"
        )
    if asked != "auto":
        return asked
    return "trained" if carded else "prompted"


def check_folder(model: str) -> None:
    """Raises `EngineStartError` if `model` is meant as a folder and is none that can be served.

    That includes a card that cannot be used: it is known before gigabytes are loaded.
    """
    path = Path(model)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise EngineStartError(_no_checkpoint(path))
        _card(path)
    elif model.startswith((".", "/", "~")) or model.count("/") != 1 or path.parent.is_dir():
        raise EngineStartError(
            f"there is no checkpoint folder {model}; name a folder or a hub id such as org/model"
        )


def trained_card(model: str, prompt: Prompt) -> Card | None:
    """The card of a checkpoint that is served as it was trained, or None if it has none.

    Raises `EngineStartError` if it was trained on another prompt or state space.
    """
    card = _card(Path(model))
    if card is not None and card.prompt != prompt.fingerprint():
        raise EngineStartError(
            f"{Path(model) / NAME} was written for another prompt format than the tokenizer in "
            f"{model} gives; use the tokenizer files and the chat template that came with the "
            f"weights, or train again; to serve it as any other model, set "
            "STATEWISE_PROFILE=prompted"
        )
    return card


def _card(path: Path) -> Card | None:
    """The card of a checkpoint, or None if it has none."""
    if not (path / NAME).is_file():
        return None
    try:
        return Card.load(path)
    except CardError as error:
        raise EngineStartError(str(error)) from error


def _no_checkpoint(path: Path) -> str:
    if (path / "adapter_config.json").is_file():
        return (
            f"{path} is an adapter; merge it into its base model first: `statewise train export "
            f"--adapter {path} --output FOLDER`, then serve FOLDER"
        )
    return f"{path} has no config.json: it is no checkpoint folder"
