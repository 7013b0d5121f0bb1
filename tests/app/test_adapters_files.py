"""What is wrong with an adapter is found in its files, before the engine could die of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from app.engines import adapters
from app.engines.lora import Lora
from app.errors import EngineDeadError, EngineStartError, RequestError
from app.settings import Settings

BASE = {"model.layers.0.q_proj.weight": (6, 4), "model.layers.0.down_proj.weight": (4, 8)}
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
PREFIX = "base_model.model.model.layers.0"
TENSORS = {f"{PREFIX}.q_proj.lora_A.weight": (2, 4), f"{PREFIX}.q_proj.lora_B.weight": (6, 2)}


def write(folder: Path, config: Any, tensors: Mapping[str, tuple[int, ...]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / adapters.CONFIG).write_text(json.dumps(config))
    weights = {name: torch.zeros(shape) for name, shape in tensors.items()}
    save_file(weights, folder / adapters.WEIGHTS)
    return folder


def test_a_good_adapter_is_taken(tmp_path: Path) -> None:
    folder = write(tmp_path, CONFIG, TENSORS)
    assert adapters.inspect(folder, BASE).rank == 2
    assert adapters.inspect(folder, {}).rank == 2
    assert adapters.read_shapes(folder / adapters.WEIGHTS) == TENSORS
    assert adapters.base_shapes(str(folder)) == TENSORS


@pytest.mark.parametrize(
    ("config", "tensors", "reason"),
    [
        ([], TENSORS, "holds no object"),
        (CONFIG | {"peft_type": "IA3"}, TENSORS, "describes no LoRA adapter"),
        (CONFIG | {"r": 0}, TENSORS, "describes no LoRA adapter"),
        (CONFIG | {"r": "2"}, TENSORS, "describes no LoRA adapter"),
        (CONFIG | {"r": 3}, TENSORS, r"says rank 3, .* holds \[2\]"),
        (CONFIG | {"use_dora": True}, TENSORS, "use_dora"),
        (CONFIG | {"modules_to_save": ["lm_head"]}, TENSORS, "modules_to_save"),
        (CONFIG, {}, "holds no weights"),
        (CONFIG, dict(list(TENSORS.items())[:1]), "no matching pair"),
        (CONFIG, TENSORS | {"model.norm.weight": (4,)}, "is no LoRA weight"),
        (
            CONFIG,
            {name.replace("q_proj", "k_proj"): shape for name, shape in TENSORS.items()},
            "k_proj of 6 x 4, and the model has no such weights",
        ),
        (
            CONFIG,
            {name.replace("q_proj", "down_proj"): shape for name, shape in TENSORS.items()},
            "down_proj of 6 x 4, and the model has 4 x 8",
        ),
    ],
)
def test_a_bad_adapter_is_refused(
    tmp_path: Path, config: Any, tensors: Mapping[str, tuple[int, ...]], reason: str
) -> None:
    with pytest.raises(RequestError, match=reason) as raised:
        adapters.inspect(write(tmp_path, config, tensors), BASE)
    assert raised.value.param == "path"


def _cut(folder: Path) -> None:
    weights = folder / adapters.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-4])


def _grow(folder: Path) -> None:
    (folder / adapters.WEIGHTS).write_bytes(b"\xff" * 64)


def _short(folder: Path) -> None:
    header = b'{"a":{"shape":[],"data_offsets":[0]}}'
    (folder / adapters.WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header)


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _grow,
        lambda folder: (folder / adapters.WEIGHTS).write_bytes(b""),
        lambda folder: (folder / adapters.WEIGHTS).write_bytes((4).to_bytes(8, "little") + b"[[]]"),
        _short,
        lambda folder: (folder / adapters.WEIGHTS).unlink(),
        lambda folder: (folder / adapters.CONFIG).unlink(),
        lambda folder: (folder / adapters.CONFIG).write_text("[" * 100_000),
        lambda folder: (folder / adapters.CONFIG).write_bytes(b"\xff\xfe"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    folder = write(tmp_path, CONFIG, TENSORS)
    damage(folder)
    with pytest.raises(RequestError, match="cannot be read"):
        adapters.inspect(folder, BASE)


def test_room_is_made_for_ranks_that_vllm_knows() -> None:
    assert [adapters.room_for(rank) for rank in (1, 8, 9, 64, 512)] == [8, 8, 16, 64, 512]
    with pytest.raises(RequestError, match="rank 513"):
        adapters.room_for(513)


def test_an_engine_does_not_start_with_a_bad_adapter(repository: Path, tmp_path: Path) -> None:
    """It is found before gigabytes are loaded, and named."""
    model = str(repository / "checkpoints" / "starter")
    settings = Settings(model=model, adapters={"algebra": write(tmp_path, CONFIG, TENSORS)})
    with pytest.raises(EngineStartError, match=r"^adapters: algebra: the adapter cannot be used"):
        Lora(settings).options()
    assert Lora(Settings(model=model)).options() == []
    later = Lora(Settings(model=model, adapters_dir=tmp_path))
    assert "--max-lora-rank=64" in later.options()
    assert set(Lora(settings).names) == {"algebra"}, "names are known before the start"


async def test_an_engine_that_comes_back_has_what_the_last_one_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was removed stays away: it might also be one too many."""

    class Llm:
        errored = False

        async def add_lora(self, _: object) -> None: ...

        async def remove_lora(self, _: object) -> None: ...

    class Mortal(Llm):
        errored = True

        async def add_lora(self, _: object) -> None:
            raise RuntimeError

    @dataclass
    class Request:
        lora_name: str
        lora_int_id: int
        lora_path: str

    settings = Settings(adapters={"a": tmp_path / "a", "b": tmp_path / "b"})
    lora = Lora(settings)
    monkeypatch.setattr(lora, "_inspect", lambda _: None)
    monkeypatch.setattr(lora, "_check_room", lambda _: None)
    await lora.start(Llm(), None, Request)
    await lora.remove("a")
    await lora.add("c", tmp_path / "c")
    with pytest.raises(EngineDeadError):  # it dies of the first one
        await lora.start(Mortal(), None, Request)
    await lora.start(Llm(), None, Request)
    assert set(lora.names) == {"b", "c"}
