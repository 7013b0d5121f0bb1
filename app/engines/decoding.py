"""Generated token ids → text, several at a time.

vLLM turns every token into text as it comes, on the loop that serves all streams. Here a stream's
tokens are decoded when they are handed on, once for every few of them, by the same library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from tokenizers.decoders import DecodeStream

logger = structlog.get_logger(__name__)


class TextDecoder:
    """Decodes one generation; `core` is a `tokenizers.Tokenizer`, `prompt` what came before."""

    def __init__(self, core: Any, prompt: Sequence[int], *, literal: bool = False) -> None:
        """With `literal`, special tokens are spelled out; else they have no text."""
        self._core = core
        self._skips = not literal
        # The prompt tells the decoder whether the first token begins a word.
        self._stream = DecodeStream(ids=list(prompt), skip_special_tokens=self._skips)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, less what waits for the rest of a character.

        An id that the tokenizer does not know has no text.
        """
        try:
            return self._step(ids)
        except Exception as error:  # the library raises nothing more specific
            # Tokens whose bytes are no text can break the decoder's state; one that begins anew
            # goes on with what follows.
            logger.warning("decoder_reset", error=str(error))
            self._stream = DecodeStream(skip_special_tokens=self._skips)
            return self._step(ids)

    def _step(self, ids: Sequence[int]) -> str:
        return self._stream.step(self._core, list(ids)) or ""


def cut(
    core: Any, prompt: Sequence[int], ids: Sequence[int], characters: int, *, literal: bool = False
) -> tuple[list[int], str]:
    """How many of `ids` say the first `characters` of their text, and what is left to be said.

    A token that says more than is wanted is not among them.
    """
    decoder = TextDecoder(core, prompt, literal=literal)
    kept, said, whole = 0, 0, 0
    pending = ""
    for index, token in enumerate(ids, 1):
        text = decoder.decode([token])
        if said + len(text) > characters:
            pending = text
            break
        said += len(text)
        if text:  # tokens without text may be parts of a character that follows
            kept, whole = index, said
        if said == characters:
            break
    return list(ids[:kept]), pending[: characters - whole]


def core_of(tokenizer: Any) -> Any:
    """The `tokenizers.Tokenizer` inside a fast tokenizer; None for one of another make."""
    return getattr(tokenizer, "backend_tokenizer", None)
