"""Greedy answers of a checkpoint to problems it never saw.

An answer is right if the number that the trace states last equals the gold one exactly. Decoding
is transformers' own; for larger models, evaluate over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from statespace import answers
from statespace.card import Score
from statespace.prompts import Prompt
from training import data
from training.errors import DataError
from training.problems import gsm8k
from training.problems.problem import Problem
from training.recipe import Recipe

Advance = Callable[[int], None]
"""Told how many problems were just answered."""


def sets(recipe: Recipe) -> list[tuple[str, list[Problem]]]:
    """The sets of problems by name; a pure function of the recipe and GSM8K's test file."""
    found = list(data.test_sets(recipe))
    path = recipe.evaluation.gsm8k
    if path is None:
        return found
    if not path.is_file():
        raise DataError(
            f"evaluation.gsm8k: there is no file {path}; name GSM8K's test.jsonl with "
            "`--set evaluation.gsm8k=FILE`, or do without with `--set evaluation.gsm8k=null`"
        )
    return [*found, ("GSM8K test", list(gsm8k.load(path)))]


def score(
    name: str, problems: Sequence[Problem], model: Any, tokenizer: Any, recipe: Recipe,
    advance: Advance = lambda _: None,
) -> Score:
    """How many of `problems` the model answers right."""
    right = 0
    for problem, text in solve(problems, model, tokenizer, recipe, advance):
        stated = answers.extract(text.rpartition("Action: Summarize")[2])
        right += stated is not None and answers.equal(stated, problem.answer)
    return Score(set=name, right=right, total=len(problems))


def solve(
    problems: Sequence[Problem], model: Any, tokenizer: Any, recipe: Recipe,
    advance: Advance = lambda _: None,
) -> Iterator[tuple[Problem, str]]:
    """Problems with the traces the model writes; in the order of their prompts' lengths."""
    prompt = Prompt.from_tokenizer(tokenizer)
    limit = model.config.max_position_embeddings - recipe.evaluation.max_new_tokens
    prompts = sorted(
        ((prompt.ids(problem.question), problem) for problem in problems),
        key=lambda pair: len(pair[0]),
    )
    model.eval()
    for start in range(0, len(prompts), recipe.evaluation.batch):
        batch = prompts[start : start + recipe.evaluation.batch]
        # A question beyond the model's context loses its end and, most likely, its answer.
        ids = [_cut(one, limit, len(prompt.suffix)) for one, _ in batch]
        texts = generate(ids, model, tokenizer, recipe.evaluation.max_new_tokens)
        yield from zip((problem for _, problem in batch), texts, strict=True)
        advance(len(batch))


def _cut(ids: list[int], limit: int, suffix: int) -> list[int]:
    return ids if len(ids) <= limit else ids[: limit - suffix] + ids[-suffix:]


def generate(prompts: list[list[int]], model: Any, tokenizer: Any, tokens: int) -> list[str]:
    """Greedy continuations of prompts of similar lengths."""
    longest = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(one)) + one for one in prompts])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
    with torch.inference_mode():
        output = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=tokens,
            do_sample=False,
        )
    return [tokenizer.decode(one[longest:], skip_special_tokens=True) for one in output]
