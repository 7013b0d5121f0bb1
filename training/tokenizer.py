"""A byte-level BPE tokenizer, trained on the run's own texts.

Digits are single tokens and never merge with anything. The headers of the trace format are single
pre-tokens, so that one token can stand for a whole header line. Every string has a round trip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from statespace.actions import LABELS

PAD: Final = "<|pad|>"
USER: Final = "<|user|>"
ASSISTANT: Final = "<|assistant|>"
END: Final = "<|end|>"

CHAT_TEMPLATE: Final = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}"
    "{{- '" + USER + "' + message['content'] -}}"
    "{%- elif message['role'] == 'assistant' -%}"
    "{{- '" + ASSISTANT + "' -}}"
    "{%- generation -%}{{- message['content'] + '" + END + "' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- raise_exception('this model knows the roles user and assistant only') -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '" + ASSISTANT + "' -}}{%- endif -%}"
)
"""The marks around the assistant's text are what tools mask the loss with."""

_HEADERS: Final = "|".join(
    (
        r"\n\nState ",
        r"State ",
        rf":\nAction: (?:{'|'.join(map(re.escape, LABELS.values()))})\nOutput:",
    )
)
_PIECES: Final = (
    _HEADERS,
    r"\\boxed\{",
    r"'(?:s|t|re|ve|m|ll|d)\b",
    r" ?\p{L}+",
    r" ?\p{N}",
    r" ?[^\s\p{L}\p{N}\\]+|\\",
    r"\s+(?!\S)|\s+",
)


def train(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer of `vocabulary` tokens at most, bytes and control tokens included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("|".join(_PIECES)), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
    )


def load(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer saved in `folder`."""
    loaded: Any = PreTrainedTokenizerFast.from_pretrained(folder)
    return loaded
