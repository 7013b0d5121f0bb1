"""Text decoded a few tokens at a time is the text of all tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from tokenizers import Tokenizer

from app.engines.decoding import TextDecoder

STARTER = Path(__file__).parents[2] / "checkpoints" / "starter" / "tokenizer.json"
CORE = Tokenizer.from_file(str(STARTER))
PROMPT = CORE.encode("How many? ").ids


@given(st.text(max_size=60), st.integers(1, 9))
def test_the_text_does_not_depend_on_how_tokens_were_gathered(text: str, size: int) -> None:
    """Characters that several tokens spell, emoji among them, are neither lost nor broken."""
    ids = CORE.encode(text, add_special_tokens=False).ids
    decoder = TextDecoder(CORE, PROMPT)
    pieces = [decoder.decode(ids[at : at + size]) for at in range(0, len(ids), size)]
    assert "".join(pieces) == CORE.decode(ids)


@pytest.mark.parametrize("name", ["<|end|>", "<|user|>"])
def test_special_tokens_have_no_text(name: str) -> None:
    ids = [*CORE.encode("a").ids, CORE.token_to_id(name), *CORE.encode(" b").ids]
    assert TextDecoder(CORE, PROMPT).decode(ids) == "a b"


def test_an_unknown_id_has_no_text_and_stops_nothing() -> None:
    decoder = TextDecoder(CORE, PROMPT)
    after = CORE.encode(" b").ids
    assert decoder.decode([CORE.get_vocab_size() + 5, *after]) == " b"
