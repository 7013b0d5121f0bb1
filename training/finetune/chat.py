"""Chat templates of pretrained models: the very prompts that serving sends, and the turn's end.

Prompts are `statespace.prompts.Prompt` ids; a trace is encoded as data, then comes the token that
ends a turn. The saved template renders the same ids for whoever uses it later, so what a caller
could switch in it (`enable_thinking`, the date) is fixed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from transformers import AutoTokenizer

from statespace.errors import PromptError
from statespace.prompts import PROBE_QUESTION, Prompt
from training.errors import DataError, TrainingError
from training.finetune.recipe import Pretrained

PLAIN: Final = (
    "{%- if bos_token -%}{{- bos_token -}}{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    "{{- 'Solution:\\n' -}}"
    "{%- generation -%}{{- message['content'] + eos_token -}}{%- endgeneration -%}"
    "{%- elif message['role'] == 'user' -%}"
    "{{- 'Problem:\\n' + message['content'] + '\\n\\n' -}}"
    "{%- else -%}"
    "{{- message['content'] + '\\n\\n' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- 'Solution:\\n' -}}{%- endif -%}"
)
"""A template of plain text and the end token: a base model has not learnt the embeddings of chat
tokens, even where its vocabulary holds them (Llama 3), and an adapter does not train them."""

DATE: Final = "26 Jul 2024"
"""Llama 3.1's own fixed date, for templates that would write today's."""

# Reserved or unused tokens of Llama 3.1, Llama 3, Qwen, and common ones: no embedding is added.
_PADS: Final = (
    "<|finetune_right_pad_id|>",
    "<|reserved_special_token_0|>",
    "<|fim_pad|>",
    "<pad>",
    "[PAD]",
    "<|pad|>",
    "<|endoftext|>",
    "<unk>",
)
_PLACEHOLDER: Final = "\ue000answer\ue001"


@dataclass(frozen=True, slots=True)
class Chat:
    """A tokenizer that is ready for training, its prompt format and the id that ends a turn."""

    tokenizer: Any
    prompt: Prompt
    end: int

    def example(self, question: str, trace: str) -> tuple[list[int], list[int]]:
        """The ids of the prompt, and of the trace with the turn's end. Raises DataError."""
        try:
            return self.prompt.ids(question), [*self.prompt.data(trace), self.end]
        except PromptError as error:
            raise DataError(f"{error}; leave the row with the question {question!r} out") from error


def load(model: Pretrained) -> Chat:
    """The tokenizer of a pretrained model, made ready. Raises TrainingError."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(model.path, revision=model.revision)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"cannot load the tokenizer of {model.path}: {error}; name a folder or a hub id with "
            "--model, and log in with `hf auth login` if the hub guards it"
        ) from error
    return prepare(tokenizer, model)


def prepare(tokenizer: Any, model: Pretrained) -> Chat:
    """Gives a tokenizer its template, its turn's end and its padding token.

    Raises TrainingError if there is no template, or none that serves.
    """
    tokenizer.chat_template = _fixed(_template(tokenizer, model), thinking=model.thinking)
    try:
        prompt = Prompt.from_tokenizer(tokenizer)
    except PromptError as error:
        raise TrainingError(
            f"{model.path}: {error}; give another template: model.chat_template: FILE"
        ) from error
    end = _turn_end(tokenizer, model)
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)
    tokenizer.pad_token = _pad(tokenizer, model)
    return Chat(tokenizer, prompt, end)


def _template(tokenizer: Any, model: Pretrained) -> str:
    named = model.chat_template
    if named == "plain":
        return PLAIN
    if named is not None:
        try:
            return Path(named).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TrainingError(
                f"model.chat_template: cannot read {named}; name a Jinja file, or `plain`"
            ) from error
    own = tokenizer.chat_template
    if isinstance(own, dict):  # several, for tools and the like
        own = own.get("default")
    if not own:
        raise TrainingError(
            f"{model.path} has no chat template, so it is a base model; set "
            "model.chat_template: plain, or name a Jinja file there"
        )
    return str(own)


def _fixed(template: str, *, thinking: bool) -> str:
    """The template with fixed values for what callers or the calendar could change."""
    fixed = template
    if "strftime_now" in template and "date_string" in template:
        fixed = _set(fixed, "date_string", f'"{DATE}"')
    if "enable_thinking" in template:
        fixed = _set(fixed, "enable_thinking", str(thinking).lower())
    if "strftime_now" in template and "date_string" not in template:
        raise TrainingError(
            "the chat template writes today's date, so prompts would change every day; copy it to "
            "a file without the date and name that in model.chat_template"
        )
    return fixed


def _set(template: str, name: str, value: str) -> str:
    statement = "{%- set " + name + " = " + value + " %}"
    return template if statement in template else statement + template


def _turn_end(tokenizer: Any, model: Pretrained) -> int:
    """The control token after an assistant's text; the end of text where a template has none."""
    messages = [
        {"role": "user", "content": PROBE_QUESTION},
        {"role": "assistant", "content": _PLACEHOLDER},
    ]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False)
    except Exception as error:  # a template raises what its author chose
        raise TrainingError(
            f"the chat template of {model.path} does not take an answer: {error}; give another: "
            "model.chat_template: FILE"
        ) from error
    after = text.rpartition(_PLACEHOLDER)[2]
    added = tokenizer.added_tokens_decoder
    for token in tokenizer.encode(after, add_special_tokens=False) if after else []:
        if token in added and added[token].special:
            return int(token)
    if tokenizer.eos_token_id is None:
        raise TrainingError(
            f"nothing ends an answer of {model.path}: its chat template writes no control token "
            "after it and the tokenizer has no eos_token; give another: model.chat_template: FILE"
        )
    return int(tokenizer.eos_token_id)


def _pad(tokenizer: Any, model: Pretrained) -> str:
    """The padding token: not the turn's end, lest a tool that masks padding hides the end too."""
    vocabulary = tokenizer.get_vocab()
    if model.pad_token is not None:
        if model.pad_token not in vocabulary:
            raise TrainingError(
                f"model.pad_token: {model.pad_token} is no token of {model.path}; leave it out, "
                "and one is chosen"
            )
        return model.pad_token
    candidates = (tokenizer.pad_token, *_PADS)
    known = (t for t in candidates if t in vocabulary and t != tokenizer.eos_token)
    return str(next(known, tokenizer.eos_token))
