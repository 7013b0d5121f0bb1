"""Random models of two layers in the architectures that the recipes are for.

Tokenizers are trained here on our own text, with the control tokens of the real ones and chat
templates of the same shape in our own words, the traps included: no padding token (Llama 3), a
beginning-of-text token that a post-processor adds a second time (Llama 3, Mistral), a base model
without a template (Mistral), a default system prompt (Qwen2.5), thinking unless told not to
(Qwen3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from statespace.text import render
from training.problems import generator
from training.traces import graph

LLAMA = (
    "{{- bos_token -}}"
    "{%- for turn in messages -%}"
    "{{- '<|start_header_id|>' + turn.role + '<|end_header_id|>\\n\\n' -}}"
    "{{- turn.content | trim + '<|eot_id|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}"
    "{%- endif -%}"
)
MISTRAL = (
    "{{- bos_token -}}"
    "{%- for turn in messages -%}"
    "{%- if turn.role == 'user' -%}{{- '[INST] ' + turn.content + '[/INST]' -}}"
    "{%- else -%}{{- ' ' + turn.content + eos_token -}}{%- endif -%}"
    "{%- endfor -%}"
)
QWEN2 = (
    "{%- if messages[0].role != 'system' -%}"
    "{{- '<|im_start|>system\\nYou help people.<|im_end|>\\n' -}}"
    "{%- endif -%}"
    "{%- for turn in messages -%}"
    "{{- '<|im_start|>' + turn.role + '\\n' + turn.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
QWEN3 = (
    "{%- for turn in messages -%}"
    "{{- '<|im_start|>' + turn.role + '\\n' -}}"
    "{%- if turn.role == 'assistant' and loop.last -%}"
    "{{- '<think>\\n\\n</think>\\n\\n' -}}"
    "{%- endif -%}"
    "{{- turn.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|im_start|>assistant\\n' -}}"
    "{%- if enable_thinking is defined and enable_thinking is false -%}"
    "{{- '<think>\\n\\n</think>\\n\\n' -}}"
    "{%- endif -%}"
    "{%- endif -%}"
)
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,  # the least that vLLM takes on a CPU
    "max_position_embeddings": 1024,
    "tie_word_embeddings": False,
}


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture: its recipe, its classes, its tokenizer and what ends a turn."""

    recipe: str
    config: Callable[..., Any]
    model: Callable[..., Any]
    tokens: tuple[str, ...]
    template: str | None
    end: str
    special: dict[str, str]
    metaspace: bool = False


FAMILIES = {
    "llama": Family(
        "llama-3-8b",
        LlamaConfig,
        LlamaForCausalLM,
        (
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|reserved_special_token_0|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
        ),
        LLAMA,
        "<|eot_id|>",
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    ),
    "mistral": Family(
        "mistral-7b",
        MistralConfig,
        MistralForCausalLM,
        ("<unk>", "<s>", "</s>", "[INST]", "[/INST]"),
        MISTRAL,
        "</s>",
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        metaspace=True,
    ),
    "mistral-base": Family(
        "mistral-7b",
        MistralConfig,
        MistralForCausalLM,
        ("<unk>", "<s>", "</s>"),
        None,
        "</s>",
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        metaspace=True,
    ),
    "qwen2.5": Family(
        "qwen",
        Qwen2Config,
        Qwen2ForCausalLM,
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        QWEN2,
        "<|im_end|>",
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    ),
    "qwen3": Family(
        "qwen",
        Qwen3Config,
        Qwen3ForCausalLM,
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"),
        QWEN3,
        "<|im_end|>",
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    ),
}


def make(name: str, folder: Path) -> Path:
    """A model and its tokenizer, saved in `folder`."""
    family = FAMILIES[name]
    tokenizer = _tokenizer(family)
    torch.manual_seed(0)
    config = family.config(
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **SIZES,
    )
    family.model(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def talkative(folder: Path, wanted: Mapping[str, Mapping[str, float]]) -> Path:
    """Make a model of `make` choose each token by the one before it.

    `wanted` has the log-odds of what follows a token, "" those of what follows any other.
    """
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    width = model.config.hidden_size
    with torch.no_grad():
        for layer in model.model.layers:  # they add nothing to a token's own vector
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        vectors, head = model.model.embed_tokens.weight, model.lm_head.weight
        vectors.zero_()
        head.zero_()
        for place, (before, odds) in enumerate(wanted.items()):
            if before:
                number = tokenizer.convert_tokens_to_ids(before)
                vectors[number].zero_()
                vectors[number, place] = 1.0
            else:
                vectors[:, place] = 1.0
            for token, value in odds.items():
                head[tokenizer.convert_tokens_to_ids(token), place] = value / width**0.5
    model.config.max_position_embeddings = 4096  # room for instructions
    model.save_pretrained(folder)
    return folder


def adapter(base: Path, folder: Path, *, seed: int = 0) -> Path:
    """A random LoRA adapter on a model of `make`."""
    torch.manual_seed(seed)
    config = LoraConfig(r=8, lora_alpha=64, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


def _tokenizer(family: Family) -> PreTrainedTokenizerFast:
    if family.metaspace:  # as sentencepiece does it: a space before the text, bytes as a fallback
        backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        backend.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
        backend.decoder = decoders.Sequence(
            [
                decoders.Replace("▁", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(" ", 1, 0),
            ]
        )
        alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    else:
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        alphabet = []
    backend.train_from_iterator(
        _texts(),
        trainers.BpeTrainer(
            vocab_size=700,
            special_tokens=[*family.tokens, *alphabet],
            initial_alphabet=[] if family.metaspace else pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if bos := family.special.get("bos_token"):
        number = backend.token_to_id(bos)
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A $B", special_tokens=[(bos, number)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        chat_template=family.template,
        extra_special_tokens=list(family.tokens),
        clean_up_tokenization_spaces=False,
        **family.special,
    )


def _texts() -> list[str]:
    problems = [generator.generate(5, index) for index in range(80)]
    return [text for p in problems for text in (p.question, render(graph.trace(p)))]
