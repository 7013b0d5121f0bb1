"""What is known of a checkpoint before an engine loads it, and its card."""

from __future__ import annotations

from pathlib import Path

from app.errors import EngineStartError
from statespace.card import NAME, Card
from statespace.errors import CardError
from statespace.prompts import Prompt


def check_folder(model: str) -> None:
    """Raises `EngineStartError` if `model` is meant as a folder and is none that can be served."""
    path = Path(model)
    if path.is_dir():
        if (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
            raise EngineStartError(
                f"{model} is an adapter; merge it into its base model first: "
                f"`statewise train export --adapter {model} --output FOLDER`, then serve FOLDER"
            )
        if not (path / "config.json").is_file():
            raise EngineStartError(f"{model} has no config.json: it is no checkpoint folder")
    elif model.startswith((".", "/", "~")) or model.count("/") != 1 or path.parent.is_dir():
        raise EngineStartError(
            f"there is no checkpoint folder {model}; name a folder or a hub id such as org/model"
        )


def check_card(model: str, prompt: Prompt) -> None:
    """Raises `EngineStartError` if the checkpoint was trained on another prompt or state space.

    A checkpoint without a card is any instruct model, and is served as it is.
    """
    path = Path(model)
    if not (path / NAME).is_file():
        return
    try:
        card = Card.load(path)
    except CardError as error:
        raise EngineStartError(str(error)) from error
    if card.prompt != prompt.fingerprint():
        raise EngineStartError(
            f"{path / NAME} was written for another prompt format ({card.prompt}) than the "
            f"tokenizer in {model} gives ({prompt.fingerprint()}); use the tokenizer files and the "
            "chat template that came with the weights, or train again; to serve it as any other "
            f"model, delete {NAME}"
        )
