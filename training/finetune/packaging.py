"""What stands beside the weights: tokenizer, generation settings, card, manifest, README, DATA."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from transformers import AutoTokenizer, GenerationConfig

from statespace.actions import START_SUCCESSORS, Action
from statespace.card import NAME, Card, RecipeReference, Stage
from statespace.errors import CardError
from statespace.prompts import Prompt
from training import card, manifest
from training.errors import TrainingError
from training.finetune import models
from training.finetune.chat import Chat
from training.finetune.place import MANIFEST, Place
from training.finetune.recipe import FinetuneRecipe, Pretrained

_END: Final = 2**24
"""Bytes."""


def finish(  # noqa: PLR0913, PLR0917
    place: Place,
    recipe: FinetuneRecipe,
    ready: Chat,
    stage: Stage,
    data: dict[str, Any],
    run: dict[str, Any],
) -> Card:
    """Writes all that goes beside a stage's weights; the manifest last, which ends the stage.

    `data` holds the account of this stage's data by stage name, `run` what `loop.fit` returned.
    """
    output = place.output
    before = record_of(recipe.model.path)
    if not is_finetuned(before):  # from scratch: its stages are its own, and not counted alike
        before = {}
    accounts = {**before.get("data", {}), **data}
    made = Card(
        stage=stage,
        prompt=ready.prompt.fingerprint(),
        base_model=base_name(recipe.model),
        recipe=RecipeReference(name=recipe.name, hash=recipe.digest()),
        data={
            f"{step}/{name}": digest
            for step, account in accounts.items()
            for name, digest in account["files"].items()
        },
        opening=opening(accounts) if "sft" in accounts else known_opening(Path(recipe.model.path)),
    )
    record = {
        "recipe": {**recipe.model_dump(mode="json"), "model": _public(recipe.model)},
        "recipe_hash": recipe.digest(),
        "seed": recipe.seed,
        "versions": manifest.versions(),
        "base": before.get("base", origin(recipe.model)),
        "start": origin(recipe.model),
        "data": accounts,
        "stages": {
            **before.get("stages", {}),
            next(iter(data)): {"steps": run["steps"], "loss": run["log"][-1]["loss"]},
        },
        "log": run["log"],
    }
    if models.is_adapter(output):
        _order_targets(output / models.ADAPTER)
    generation(ready.tokenizer, models.is_adapter(output), output)
    describe(output, made, record)
    place.finish(record)
    return made


def opening(accounts: dict[str, Any]) -> Action | None:
    """The first action of every trace of stage 1, if it is one; stage 2 prefers, and adds none."""
    begun = accounts.get("sft", {}).get("first_actions", {})
    found = {Action(action) for action in begun}
    return found.pop() if len(found) == 1 and found <= START_SUCCESSORS else None


def known_opening(folder: Path) -> Action | None:
    """What the card of the model that was started from says, if it has one."""
    try:
        return Card.load(folder).opening
    except CardError:
        return None


def _order_targets(path: Path) -> None:
    """PEFT writes a set, in another order in each process: the same run, another digest."""
    config = manifest.read(path)
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    manifest.write(path, config)


def describe(folder: Path, made: Card, record: dict[str, Any], *, name: str = "") -> None:
    """Writes the card, and the two pages that say what it is and what it was made from.

    `name` is what it is called there; by default, as its folder.
    """
    made.save(folder)
    adapter = models.is_adapter(folder)
    (folder / "README.md").write_text(
        card.tuned(name or folder.resolve().name, made, record, adapter=adapter), encoding="utf-8"
    )
    (folder / "DATA.md").write_text(card.data(record), encoding="utf-8")


def generation(tokenizer: Any, adapter: bool, folder: Path) -> None:
    """Greedy generation that ends where training did; adapters take the base model's."""
    if adapter:
        return
    path = folder / "generation_config.json"
    known = GenerationConfig.from_pretrained(folder).eos_token_id if path.is_file() else None
    ends = known if isinstance(known, list) else [known] if known is not None else []
    GenerationConfig(
        do_sample=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=sorted({tokenizer.eos_token_id, *ends}),
        pad_token_id=tokenizer.pad_token_id,
    ).save_pretrained(folder)


def check_prompt(folder: Path, made: Card) -> None:
    """Raises TrainingError if the saved tokenizer gives other prompts than the card says."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if Prompt.from_tokenizer(tokenizer).fingerprint() != made.prompt:
        raise TrainingError(
            f"the tokenizer in {folder} gives other prompts than the checkpoint was trained on; "
            "export from the folder that training wrote, with its own tokenizer files"
        )


def card_of(folder: Path) -> Card:
    """The card of a folder that training wrote. Raises TrainingError."""
    try:
        return Card.load(folder)
    except CardError as error:
        raise TrainingError(str(error)) from error


def record_of(path: str | Path) -> dict[str, Any]:
    """The manifest of a finished stage of fine-tuning or from scratch; empty for other models."""
    folder = Path(path)
    known = manifest.read(folder / MANIFEST) if (folder / NAME).is_file() else None
    return known if isinstance(known, dict) else {}


def is_finetuned(record: dict[str, Any]) -> bool:
    """Whether a manifest is one of fine-tuning, which accounts for the data of each stage."""
    return "data" in record


def base_name(model: Pretrained) -> str:
    """What fine-tuning started from, first of all: a hub id, or a folder's name."""
    path = Path(model.path)
    if (path / NAME).is_file():
        return card_of(path).base_model
    return path.resolve().name if path.is_dir() else model.path


def origin(model: Pretrained) -> str:
    """What identifies the weights that training starts from."""
    folder = Path(model.path)
    if not folder.is_dir():
        return f"{model.path}@{model.revision or 'main'}"
    if known := record_of(folder):
        return manifest.key(known["outputs"])
    return contents(folder)


def contents(folder: Path) -> str:
    """A digest of a folder of weights; of large files only both ends are read."""
    files = [*sorted(folder.glob("*.json")), *sorted(folder.glob("*.safetensors"))]
    return manifest.key({path.name: _ends(path) for path in files})


def _ends(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        state = hashlib.sha256(file.read(_END))
        file.seek(max(_END, size - _END))
        state.update(file.read(_END))
    return f"{size} {state.hexdigest()}"


def _public(model: Pretrained) -> dict[str, Any]:
    """A model's part of the recipe without this machine's folders."""
    values = model.model_dump(mode="json")
    if Path(model.path).is_dir():
        values["path"] = Path(model.path).resolve().name
    if model.chat_template and Path(model.chat_template).is_file():
        values["chat_template"] = Path(model.chat_template).name
    return values
