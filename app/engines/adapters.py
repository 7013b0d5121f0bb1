"""LoRA adapters: what must be right about one before the engine sees it.

vLLM finds out late, some of it only when a request needs the adapter, and then the engine dies. So
the files are read here first: only their headers, and nothing in them is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.errors import RequestError

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
RANKS: Final = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM can be told to make room for."""
DEFAULT_RANK: Final = 64
"""What is made room for if adapters may come later."""
MAX_CONFIG: Final = 1_000_000
MAX_HEADER: Final = 100_000_000
"""Bytes; a limit of the format itself."""

Shapes = Mapping[str, tuple[int, ...]]
_WEIGHT: Final = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
_NOT_PLAIN: Final = ("use_dora", "lora_bias", "modules_to_save", "layer_replication", "use_qalora")


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """What an adapter's files say."""

    folder: Path
    rank: int


def inspect(folder: Path, base: Shapes) -> AdapterFiles:
    """Read an adapter; `base` has the shapes of the weights that it is for, where they are known.

    Raises `RequestError` with what is wrong.
    """
    if not folder.is_dir():
        raise _wrong("there is no such folder")
    config = _config(folder / CONFIG)
    rank = config.get("r")
    if config.get("peft_type") != "LORA" or not isinstance(rank, int) or rank < 1:
        raise _wrong(f"{CONFIG} describes no LoRA adapter with a rank")
    if odd := [name for name in _NOT_PLAIN if config.get(name)]:
        raise _wrong(f"{CONFIG} asks for {', '.join(odd)}, which the engine cannot do")
    shapes = read_shapes(folder / WEIGHTS)
    ranks = _ranks(shapes, base)
    if not config.get("rank_pattern") and ranks != {rank}:
        raise _wrong(f"{CONFIG} says rank {rank}, {WEIGHTS} holds {sorted(ranks)}")
    return AdapterFiles(folder, max(ranks))


def room_for(wanted: int) -> int:
    """The least rank that vLLM can be told which has room for `wanted`. Raises `RequestError`."""
    for rank in RANKS:
        if rank >= wanted:
            return rank
    raise _wrong(f"it has rank {wanted}, and the engine takes up to {RANKS[-1]}")


def base_shapes(model: str) -> dict[str, tuple[int, ...]]:
    """The shapes of a checkpoint's weights; none for one that is not on this disk.

    Raises `RequestError` if its files cannot be read.
    """
    folder = Path(model)
    if not folder.is_dir():
        from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415

        found = try_to_load_from_cache(model, "config.json")
        if not isinstance(found, str):
            return {}
        folder = Path(found).parent
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        shapes |= read_shapes(path)
    return shapes


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a safetensors file, from its header.

    Raises `RequestError` if it is missing, malformed or cut off.
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > MAX_HEADER:
                raise ValueError("its header is too long")
            header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
        shapes = {name: tuple(map(int, tensor["shape"])) for name, tensor in header.items()}
        if path.stat().st_size != 8 + size + max(ends, default=0):
            raise ValueError("its length is not what its header says")
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _wrong(f"{path.name} cannot be read: {reason}") from error
    return shapes


def _config(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            config = json.loads(file.read(MAX_CONFIG))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _wrong(f"{path.name} cannot be read: {reason}") from error
    if not isinstance(config, dict):
        raise _wrong(f"{path.name} holds no object")
    return config


def _ranks(shapes: Shapes, base: Shapes) -> set[int]:
    """The ranks of an adapter's weights, which come in pairs that fit the weights of `base`."""
    pairs: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        found = _WEIGHT.fullmatch(name)
        if found is None or len(shape) != 2:
            raise _wrong(f"{WEIGHTS} holds {name[:200]!r}, which is no LoRA weight")
        pairs.setdefault(found[1], {})[found[2]] = shape
    if not pairs:
        raise _wrong(f"{WEIGHTS} holds no weights")
    for module, pair in pairs.items():
        if len(pair) < 2 or pair["A"][0] != pair["B"][1]:
            raise _wrong(f"{WEIGHTS} holds no matching pair for {module[:200]}")
        weight = base.get(f"{module}.weight")
        if base and weight != (pair["B"][0], pair["A"][1]):
            ours = f"{pair['B'][0]} x {pair['A'][1]}"
            theirs = "has no such weights" if weight is None else f"has {_shown(weight)}"
            raise _wrong(f"it changes {module[:200]} of {ours}, and the model {theirs}")
    return {pair["A"][0] for pair in pairs.values()}


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _wrong(reason: str) -> RequestError:
    return RequestError(
        f"path: the adapter cannot be used: {reason}; name a folder that `statewise train export "
        "--as adapter` or PEFT has written, for the model that is served here",
        param="path",
        code="adapter_unusable",
    )
