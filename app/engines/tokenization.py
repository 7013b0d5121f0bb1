"""Text and token ids of one checkpoint, for engines that take and give ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.engines.base import Sampling
from app.engines.checkpoint import Profile
from app.engines.decoding import TextDecoder, core_of, cut
from app.engines.manner import Manner
from app.errors import EngineStartError
from statespace.tree import StateTree


@dataclass(frozen=True, slots=True)
class Tokenization:
    """A checkpoint's tokenizer, and how the checkpoint is spoken to."""

    tokenizer: Any
    manner: Manner
    core: Any
    """The `tokenizers.Tokenizer` inside a fast one; None for one of another make."""

    @classmethod
    def of(cls, tokenizer: Any, asked: Profile, checkpoint: str) -> Tokenization:
        """Raises `EngineStartError` if the checkpoint cannot be served as `asked`."""
        return cls(tokenizer, Manner.of(asked, checkpoint, tokenizer), core_of(tokenizer))

    @property
    def literal(self) -> bool:
        """Whether special tokens that are generated are text: to a grammar they are.

        Without their text, what stands after one on a line could begin a header.
        """
        return self.manner.profile == "prompted"

    def first(self, max_context: int) -> tuple[list[int], Sampling]:
        """A first request: kernels, and the grammar's tables, are made for it.

        Raises `EngineStartError` if the context has no room for it.
        """
        prompt, sampling = self.manner.prompt("1 + 1?", plain=False), Sampling(max_tokens=8)
        if len(prompt) + sampling.max_tokens > max_context:
            raise EngineStartError(
                f"the prompt takes {len(prompt)} tokens beside the question, and the model's "
                f"context holds {max_context}: it cannot be prompted; serve it with "
                "STATEWISE_PROFILE=plain, or with vLLM's --max-model-len set higher"
            )
        grammar = self.manner.grammar(StateTree(), plain=False)
        return prompt, replace(sampling, grammar=grammar)

    def encode(self, text: str) -> list[int]:
        """Token ids of text that goes on after others; special tokens in it are plain text."""
        return self.manner.plain.data(text)

    def cut(self, prompt: Sequence[int], ids: Sequence[int], characters: int) -> list[int]:
        """`prompt` and what of `ids` says the first `characters` of their text."""
        if self.core is None:  # a tokenizer of another make cannot be asked token by token
            text = self.tokenizer.decode(list(ids), skip_special_tokens=not self.literal)
            return [*prompt, *self.encode(text[:characters])]
        kept, rest = cut(self.core, prompt, ids, characters, literal=self.literal)
        return [*prompt, *kept, *(self.encode(rest) if rest else ())]

    def decoder(self, prompt: Sequence[int]) -> TextDecoder | None:
        """What turns the ids that follow `prompt` into text; None if the engine must do so."""
        if self.core is None:
            return None
        return TextDecoder(self.core, prompt, literal=self.literal)


class Tokenized:
    """What engines have in common whose text is made here."""

    _text: Tokenization
    """Known once the engine has started."""

    def upstreams(self) -> Mapping[str, bool]:
        """None: it works by itself."""
        return {}

    def encode(self, text: str) -> list[int]:
        """Token ids of text that goes on after others."""
        return self._text.encode(text)

    def cut(self, prompt: Sequence[int], ids: Sequence[int], characters: int) -> list[int]:
        """`prompt` and what of `ids` says the first `characters` of their text."""
        return self._text.cut(prompt, ids, characters)
