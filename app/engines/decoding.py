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

    def __init__(self, core: Any, prompt: Sequence[int]) -> None:
        self._core = core
        # The prompt tells the decoder whether the first token begins a word.
        self._stream = DecodeStream(ids=list(prompt), skip_special_tokens=True)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, less what waits for the rest of a character; special tokens are none.

        An id that the tokenizer does not know has no text.
        """
        try:
            return self._step(ids)
        except Exception as error:  # the library raises nothing more specific
            # Tokens whose bytes are no text can break the decoder's state; one that begins anew
            # goes on with what follows.
            logger.warning("decoder_reset", error=str(error))
            self._stream = DecodeStream(skip_special_tokens=True)
            return self._step(ids)

    def _step(self, ids: Sequence[int]) -> str:
        return self._stream.step(self._core, list(ids)) or ""


def core_of(tokenizer: Any) -> Any:
    """The `tokenizers.Tokenizer` inside a fast tokenizer; None for one of another make."""
    return getattr(tokenizer, "backend_tokenizer", None)
