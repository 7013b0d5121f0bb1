"""Prompts: a question is data, whatever it spells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from statespace.errors import PromptError
from statespace.prompts import PROBE_QUESTION, Prompt, fingerprint

TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}{{- '<|user|>' + message['content'] -}}"
    "{%- elif message['role'] == 'assistant' -%}"
    "{{- '<|assistant|>' + message['content'] + '<|end|>' -}}"
    "{%- else -%}{{- raise_exception('unknown role') -}}{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
CONTROL = ["<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"]


# With a stand-in tokenizer: what templates may and may not do


class Characters:
    """A tokenizer of single characters that knows one special token, `<|end|>`, id 0."""

    def __init__(self, render: Any) -> None:
        self.render = render

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any:
        assert options == {"tokenize": False, "add_generation_prompt": True}
        return self.render(conversation)

    def encode(self, text: str, **options: Any) -> list[int]:
        assert options.pop("add_special_tokens") is False
        if not options.pop("split_special_tokens", False):
            head, *tails = text.split("<|end|>")
            ids = [ord(character) for character in head]
            for tail in tails:
                ids += [0, *map(ord, tail)]
            return ids
        assert not options
        return [ord(character) for character in text]


def chat(messages: list[dict[str, str]]) -> str:
    return "".join(f"{m['role'][0]}:{m['content']}<|end|>" for m in messages) + "a:"


def codes(text: str) -> list[int]:
    return [ord(character) for character in text]


def test_control_text_is_control_in_the_template_only() -> None:
    prompt = Prompt.from_tokenizer(Characters(chat))
    assert prompt.ids("x<|end|>") == [*codes("u:x<|end|>"), 0, *codes("a:")]


def test_the_system_message_is_part_of_the_prefix() -> None:
    prompt = Prompt.from_tokenizer(Characters(chat), system="Be right.")
    assert prompt.prefix == (*codes("s:Be right."), 0, *codes("u:"))
    assert Prompt.from_tokenizer(Characters(chat), system="").prefix == tuple(codes("u:"))


def test_a_template_may_trim_the_message() -> None:
    prompt = Prompt.from_tokenizer(
        Characters(lambda messages: f"<{messages[0]['content'].strip()}>")
    )
    assert prompt.ids(" x ") == codes("< x >")


def test_a_template_may_begin_or_end_with_the_message() -> None:
    prompt = Prompt.from_tokenizer(Characters(lambda messages: messages[0]["content"]))
    assert (prompt.prefix, prompt.suffix) == ((), ())
    assert prompt.ids("x") == codes("x")


@pytest.mark.parametrize(
    "render",
    [
        lambda messages: "no message",
        lambda messages: messages[0]["content"] * 2,
        lambda messages: messages[0]["content"].upper(),
        lambda messages: messages[0]["content"][:-1],
        lambda messages: "",
    ],
    ids=["none", "twice", "changed", "cut", "empty"],
)
def test_a_template_that_does_not_carry_the_message_is_an_error(render: Any) -> None:
    with pytest.raises(PromptError, match="exactly once"):
        Prompt.from_tokenizer(Characters(render))


class RefusedError(Exception):
    """Templates raise jinja2's own errors, which are no `ValueError`s."""


@pytest.mark.parametrize("error", [ValueError, RefusedError, KeyError, TypeError])
def test_a_template_that_refuses_is_a_prompt_error(error: type[Exception]) -> None:
    def refuse(messages: list[dict[str, str]]) -> str:
        raise error("no system role here")

    with pytest.raises(PromptError, match="no system role here"):
        Prompt.from_tokenizer(Characters(refuse), system="x")


@pytest.mark.parametrize("question", ["\ud800", "a\udfffb", "\ude00\ud83d"])
def test_half_a_surrogate_pair_is_a_prompt_error(question: str) -> None:
    """JSON can carry it, no tokenizer can encode it; it must not become a server error."""
    with pytest.raises(PromptError, match="Unicode"):
        Prompt.from_tokenizer(Characters(chat)).ids(question)


def test_fingerprint_is_that_of_the_probe_questions_ids() -> None:
    prompt = Prompt.from_tokenizer(Characters(chat))
    assert prompt.fingerprint() == fingerprint(prompt.ids(PROBE_QUESTION))
    assert prompt.fingerprint() != Prompt.from_tokenizer(Characters(chat), system="x").fingerprint()


def test_fingerprint_is_stable() -> None:
    """Cards hold it: another value would refuse every checkpoint made before."""
    assert fingerprint([1, 2, 3]) == (
        "sha256:8a6ae15122001229edb8866f56e342af12ae8187203c3e3b33931743e7c0c48d"
    )
    assert fingerprint([12, 3]) != fingerprint([1, 23])


# With a real tokenizer: a checkpoint's own, else a small one


@pytest.fixture(scope="module")
def tokenizer(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The shipped checkpoint's tokenizer, else a byte-level one trained on a few lines."""
    transformers = pytest.importorskip("transformers")
    for folder in (repository / "checkpoints" / "starter", repository / "runs" / "trivial"):
        if (folder / "tokenizer.json").is_file():
            return transformers.AutoTokenizer.from_pretrained(folder)
    return transformers.AutoTokenizer.from_pretrained(small(tmp_path_factory.mktemp("tokenizer")))


def small(folder: Path) -> Path:
    """A byte-level BPE tokenizer in `folder`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        ["State 1:\nAction: Formalize\nOutput: Ann has 3 pens.", "user end pad assistant"] * 9,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=CONTROL,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
    )
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_the_small_tokenizer_is_as_safe(tmp_path: Path) -> None:
    """It stands in where there is no checkpoint, so it must show what the others do."""
    transformers = pytest.importorskip("transformers")
    made = transformers.AutoTokenizer.from_pretrained(small(tmp_path))
    prompt = Prompt.from_tokenizer(made)
    assert made.decode(prompt.prefix) == "<|user|>"
    assert made.decode(prompt.suffix) == "<|assistant|>"
    assert_is_data(made, prompt, "".join(CONTROL))


def assert_is_data(tokenizer: Any, prompt: Prompt, question: str) -> None:
    ids = prompt.ids(question)
    before, after = len(prompt.prefix), len(ids) - len(prompt.suffix)
    assert tuple(ids[:before]) == prompt.prefix
    assert tuple(ids[after:]) == prompt.suffix
    middle = ids[before:after]
    assert not set(middle) & set(tokenizer.all_special_ids)
    assert not set(middle) & set(tokenizer.added_tokens_decoder)
    assert tokenizer.decode(middle) == question


QUESTIONS = st.lists(
    st.sampled_from(
        [
            *CONTROL,
            "<|im_start|>",
            "<|im_end|>",
            "</s>",
            "<s>",
            "<unk>",
            "[INST]",
            "<think>",
            "<|",
            "|>",
            "end",
            "State 1:\nAction: Summarize\nOutput: \\boxed{1}",
            '{"role": "system"}',
            "{{ messages }}",
            "{% raw %}",
            "\ue000question\ue001",
            "\x00",
            "\n",
            " ",
            "é",
            "𝟙",
            "\u202e",
            "\ufeff",
            "48 / 2",
        ]
    )
    | st.text(max_size=8),
    max_size=8,
).map("".join)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUESTIONS)
def test_no_question_forges_a_turn(tokenizer: Any, question: str) -> None:
    assert_is_data(tokenizer, Prompt.from_tokenizer(tokenizer), question)


@pytest.mark.slow
def test_the_same_spelling_is_control_text_in_the_template(tokenizer: Any) -> None:
    """Otherwise the test above would hold of a tokenizer that has no special tokens."""
    prompt = Prompt.from_tokenizer(tokenizer)
    special = set(tokenizer.all_special_ids)
    assert special & set(prompt.prefix)
    assert special & set(prompt.suffix)
    assert special & set(tokenizer.encode("<|end|>", add_special_tokens=False))


@pytest.mark.slow
def test_encoding_data_leaves_the_tokenizer_as_it_was(tokenizer: Any) -> None:
    """`split_special_tokens` is a state of the Rust tokenizer; it must not stick."""
    prompt = Prompt.from_tokenizer(tokenizer)
    prompt.ids("<|end|>")
    assert Prompt.from_tokenizer(tokenizer) == prompt
    assert Prompt.from_tokenizer(tokenizer).fingerprint() == prompt.fingerprint()


@pytest.mark.slow
def test_a_real_template_that_refuses_a_system_message(tokenizer: Any) -> None:
    with pytest.raises(PromptError, match="chat template"):
        Prompt.from_tokenizer(tokenizer, system="Be right.")


@pytest.mark.slow
def test_no_template_is_a_prompt_error(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    made = transformers.AutoTokenizer.from_pretrained(small(tmp_path))
    made.chat_template = None
    with pytest.raises(PromptError, match="chat template"):
        Prompt.from_tokenizer(made)
