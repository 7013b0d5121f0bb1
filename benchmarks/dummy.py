"""Checkpoints that are made on the spot, for measuring what surrounds a model.

    python -m benchmarks.dummy FOLDER --size one-layer

`one-layer` is a model whose engine costs next to nothing: the stress test of a server. Its layer
and its embeddings are random, and its output layer is such that, greedy, it writes one and the
same endless trace: states, sums and words. `8b` has the shape of an 8 billion parameter Llama and
no weights (vLLM makes them up: `--load-format dummy`); `tiny` is the same on a small scale. Those
are sampled: every token is as likely as any other, and one in 26 is the header of a state.

All have the starter's tokenizer, and pieces of traces as further tokens. No text is encoded with
these; they are only ever generated.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from app.settings import Settings

LINE: Final = 26
"""Tokens of a state, as in the starter's traces."""
CLAIMS: Final = 3
"""Sums in a state; the starter's have 2.4."""
CONTEXT: Final = 1024
_LETTERS: Final = "bcdfghjklmnpqrstvwxz"
_COPIED: Final = ("chat_template.jinja", "tokenizer_config.json", "generation_config.json")


@dataclass(frozen=True, slots=True)
class Size:
    """The shape of a model."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    """Tokens, those of the starter among them."""
    weights: bool
    """Whether there are any; else vLLM makes them up."""


SIZES: Final = {
    # 12 states, which follow each other in a circle.
    "one-layer": Size(1, 64, 128, 1, 1, 2048 + 12 * LINE, weights=True),
    "tiny": Size(2, 64, 128, 2, 1, 4096, weights=False),
    "8b": Size(32, 4096, 14336, 32, 8, 128_256, weights=False),
}


def main() -> None:
    """Make one."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=Path)
    options.add_argument("--size", choices=SIZES, default="8b")
    chosen = options.parse_args()
    make(chosen.folder, SIZES[chosen.size])
    print(chosen.folder)


def make(folder: Path, size: Size) -> Path:
    """Write a checkpoint into `folder`, which may exist; returns it."""
    starter = Path(Settings().model)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _COPIED:
        shutil.copy(starter / name, folder / name)
    base = _json(starter / "config.json")
    tokenizer = _json(starter / "tokenizer.json")
    known = len(tokenizer["model"]["vocab"])
    # No merge leads to a piece, so that text is encoded as by the starter.
    taken = tokenizer["model"]["vocab"]
    for token in islice((each for each in _pieces() if each not in taken), size.vocabulary - known):
        taken[token] = len(taken)
    _write(folder / "tokenizer.json", tokenizer)
    _write(folder / "config.json", base | config(size))
    card = _json(starter / "statewise.json")
    told = {"base_model": "none: made for a benchmark", "data": {}, "scores": []}
    _write(folder / "statewise.json", card | told)
    if size.weights:
        _write_weights(folder / "model.safetensors", size, first=known, after=_assistant(taken))
    return folder


def config(size: Size) -> dict[str, Any]:
    """What a model's configuration says of its shape."""
    return {
        "num_hidden_layers": size.layers,
        "hidden_size": size.hidden,
        "intermediate_size": size.intermediate,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.kv_heads,
        "head_dim": size.hidden // size.heads,
        "vocab_size": size.vocabulary,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": False,
        "dtype": "bfloat16",
    }


def pieces() -> Iterator[str]:
    """Pieces of traces, no two alike: joined, they are states with sums and words."""
    sums, words = count(1), _words()
    for number in count(1):
        yield f"\n\nState {number}:\nAction: Solve Subquestion\nOutput:"
        for n in islice(sums, CLAIMS):
            yield from (f", {3 * n + 10}", f" + {3 * n + 11}", f" = {6 * n + 21}")
        yield from islice(words, LINE - 1 - 3 * CLAIMS)


def _pieces() -> Iterator[str]:
    """As a vocabulary holds them: bytes as visible characters, of which two matter here."""
    return (piece.replace(" ", "Ġ").replace("\n", "Ċ") for piece in pieces())


def _words() -> Iterator[str]:
    """Made up: two letters at first, then ever more."""
    for number in count(len(_LETTERS)):
        word = ""
        left = number
        while left:
            left, letter = divmod(left, len(_LETTERS))
            word += _LETTERS[letter]
        yield " " + word


def _assistant(vocabulary: dict[str, int]) -> int:
    """The last token of every prompt."""
    return vocabulary["<|assistant|>"]


def _write_weights(path: Path, size: Size, *, first: int, after: int) -> None:
    """Random weights; the output layer leads from `after` to `first`, and from each to the next."""
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    random = torch.Generator().manual_seed(0)

    def matrix(rows: int, columns: int) -> Any:
        return torch.randn(rows, columns, generator=random) / columns**0.5

    embeddings = torch.randn(size.vocabulary, size.hidden, generator=random).sign()
    follows = torch.randn(size.vocabulary, size.hidden, generator=random) * 0.01
    follows[first + 1 :] = embeddings[first:-1]
    follows[first] = embeddings[-1] + embeddings[after]
    head = size.hidden // size.heads
    weights = {
        "model.embed_tokens.weight": embeddings,
        "lm_head.weight": follows,
        "model.norm.weight": torch.ones(size.hidden),
    }
    for layer in range(size.layers):
        name = f"model.layers.{layer}."
        weights |= {
            f"{name}self_attn.q_proj.weight": matrix(head * size.heads, size.hidden),
            f"{name}self_attn.k_proj.weight": matrix(head * size.kv_heads, size.hidden),
            f"{name}self_attn.v_proj.weight": matrix(head * size.kv_heads, size.hidden),
            f"{name}mlp.gate_proj.weight": matrix(size.intermediate, size.hidden),
            f"{name}mlp.up_proj.weight": matrix(size.intermediate, size.hidden),
            # What the layer finds is dropped: a token alone decides which one follows.
            f"{name}self_attn.o_proj.weight": torch.zeros(size.hidden, head * size.heads),
            f"{name}mlp.down_proj.weight": torch.zeros(size.hidden, size.intermediate),
            f"{name}input_layernorm.weight": torch.ones(size.hidden),
            f"{name}post_attention_layernorm.weight": torch.ones(size.hidden),
        }
    half = {key: tensor.to(torch.bfloat16).contiguous() for key, tensor in weights.items()}
    save_file(half, path, metadata={"format": "pt"})


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
