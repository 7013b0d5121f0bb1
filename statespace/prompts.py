"""Prompts as token ids, so that nothing in a question can act as control text.

A chat template is rendered once around a placeholder; what stands before and after it is encoded
with special tokens on, the question with special tokens off. Training and serving both build their
prompts here, so a checkpoint is served exactly the ids that it was trained on.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from statespace.errors import PromptError

PROBE_QUESTION: Final = "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"
"""The fixed question whose prompt ids identify a checkpoint's prompt format."""

# From the private use area: no real template contains it and no trimming filter removes it.
_PLACEHOLDER: Final = "\ue000question\ue001"


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that prompts need."""

    def encode(self, text: str, **options: Any) -> list[int]:
        """Token ids of `text`; takes `add_special_tokens` and `split_special_tokens`."""
        ...

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any:
        """The conversation as text when `tokenize` is false."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt format: token ids before and after the question."""

    tokenizer: Tokenizer
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    _encode: Callable[[str], list[int]] = field(init=False, repr=False, compare=False)
    _encode_all: Callable[[Sequence[str]], list[list[int]]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Prepare the encoders of questions."""
        one, many = _data_encoders(self.tokenizer)
        object.__setattr__(self, "_encode", one)
        object.__setattr__(self, "_encode_all", many)

    @classmethod
    def from_tokenizer(
        cls, tokenizer: Tokenizer, *, system: str | None = None, lead: str = ""
    ) -> Prompt:
        """The format that the tokenizer's own chat template gives.

        `lead` is text of ours before the question, in the user's turn. Raises `PromptError` if
        there is no template, if it refuses these messages, or if it does not carry the system
        message and the question through unchanged.
        """
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": lead + _PLACEHOLDER})
        try:
            text = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        except Exception as error:  # a template raises what its author chose
            raise PromptError(f"the tokenizer has no usable chat template: {error}") from error
        before, found, after = text.partition(_PLACEHOLDER)
        if not found or _PLACEHOLDER in after:
            raise PromptError("the chat template must contain the user's message exactly once")
        if system and system.strip() not in before:
            raise PromptError("the chat template leaves out the system message")
        return cls(tokenizer, tuple(_control(tokenizer, before)), tuple(_control(tokenizer, after)))

    def ids(self, question: str) -> list[int]:
        """The prompt for `question`; every character of it is data. Raises `PromptError`."""
        return [*self.prefix, *self.data(question), *self.suffix]

    def data(self, text: str) -> list[int]:
        """Token ids of text that is data: special tokens spelled out in it stay plain text.

        Raises `PromptError` if it holds half of a surrogate pair, which no encoding can write.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise PromptError(f"the text is not valid Unicode: {error.reason}") from error
        return self._encode(text)

    def batch(self, texts: Sequence[str]) -> list[list[int]]:
        """`data` of each of many texts of ours, on all cores where the tokenizer can."""
        return self._encode_all(texts)

    def fingerprint(self) -> str:
        """SHA-256 over the probe question's prompt ids; a checkpoint card records it."""
        return fingerprint(self.ids(PROBE_QUESTION))


def fingerprint(ids: Sequence[int]) -> str:
    """SHA-256 of token ids, as `sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()


def _data_encoders(
    tokenizer: Tokenizer,
) -> tuple[Callable[[str], list[int]], Callable[[Sequence[str]], list[list[int]]]]:
    """What encodes a text, and many, with special tokens off.

    A fast tokenizer's own core, where there is one, in a copy that is set up once; the wrapper sets
    it up anew for each text.
    """
    core = getattr(tokenizer, "backend_tokenizer", None)
    if core is None:

        def wrapped(text: str) -> list[int]:
            return tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)

        return wrapped, lambda texts: [wrapped(text) for text in texts]
    plain = copy.deepcopy(core)
    plain.no_truncation()
    plain.no_padding()
    plain.encode_special_tokens = True

    def one(text: str) -> list[int]:
        ids: list[int] = plain.encode(text, add_special_tokens=False).ids
        return ids

    def many(texts: Sequence[str]) -> list[list[int]]:
        found = plain.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in found]

    return one, many


def _control(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False) if text else []
