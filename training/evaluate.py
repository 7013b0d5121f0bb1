"""Greedy answers of a checkpoint to problems it never saw.

An answer is right if the number that the trace states last equals the gold one exactly. Decoding
is transformers' own; for larger models, evaluate over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from statespace import answers
from statespace.actions import LABELS, Action
from statespace.card import Score
from statespace.prompts import Prompt
from training import data
from training.problems.problem import Problem
from training.recipe import Evaluation, Recipe

Advance = Callable[[int], None]
"""Told how many problems were just answered."""


def sets(recipe: Recipe) -> list[tuple[str, list[Problem]]]:
    """The sets of problems by name; a pure function of the recipe and GSM8K's test file."""
    found = list(data.test_sets(recipe))
    if recipe.evaluation.gsm8k:
        found.append(("GSM8K test", data.published(recipe.evaluation.gsm8k)))
    return found


@dataclass(frozen=True, slots=True)
class Solver:
    """A checkpoint that answers problems, greedily."""

    model: Any
    tokenizer: Any
    evaluation: Evaluation

    def score(self, name: str, problems: Sequence[Problem], advance: Advance) -> Score:
        """How many of `problems` are answered right."""
        right = 0
        for problem, text in self.solve(problems, advance):
            right += is_right(text, problem.answer)
        return Score(set=name, right=right, total=len(problems))

    def solve(
        self, problems: Sequence[Problem], advance: Advance = lambda _: None
    ) -> Iterator[tuple[Problem, str]]:
        """Problems with the traces the model writes; in the order of their prompts' lengths."""
        prompt = Prompt.from_tokenizer(self.tokenizer)
        room = self.model.config.max_position_embeddings - self.evaluation.max_new_tokens
        prompts = sorted(
            ((prompt.ids(problem.question), problem) for problem in problems),
            key=lambda pair: len(pair[0]),
        )
        self.model.eval()
        for start in range(0, len(prompts), self.evaluation.batch):
            batch = prompts[start : start + self.evaluation.batch]
            # A question beyond the model's context loses its end and, most likely, its answer.
            ids = [_cut(one, room, len(prompt.suffix)) for one, _ in batch]
            texts = self._continue(ids)
            yield from zip((problem for _, problem in batch), texts, strict=True)
            advance(len(batch))

    def _continue(self, prompts: list[list[int]]) -> list[str]:
        """What follows each prompt; padded on the left, so similar lengths waste little."""
        longest = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (longest - len(one)) + one for one in prompts])
        mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                max_new_tokens=self.evaluation.max_new_tokens,
                do_sample=False,
            )
        return [self.tokenizer.decode(one[longest:], skip_special_tokens=True) for one in output]


def is_right(text: str, gold: str) -> bool:
    """Whether the trace ends in a Summarize that states `gold`, compared exactly."""
    _, found, summary = text.rpartition(f"Action: {LABELS[Action.SUMMARIZE]}\n")
    stated = answers.extract(summary) if found else None
    return stated is not None and answers.equal(stated, gold)


def _cut(ids: list[int], room: int, suffix: int) -> list[int]:
    return ids if len(ids) <= room else ids[: room - suffix] + ids[-suffix:]
