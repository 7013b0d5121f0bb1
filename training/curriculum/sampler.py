"""A model's own answers, sampled with transformers: for machines without a server.

`statewise train traces --origin self` does the same through an engine, much faster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from statespace.prompts import Prompt
from training import manifest
from training.curriculum.tokens import continued
from training.problems.problem import Problem
from training.rows import TraceRow, row_key

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Start:
    """A problem, the states that stand already, and which of its samples this is."""

    problem: Problem
    prefix: str = ""
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Sampler:
    """Writes on from questions, or from states. `temperature` 0 is greedy."""

    model: Any
    tokenizer: Any
    temperature: float = 1.0
    batch: int = 64
    max_new_tokens: int = 400
    seed: int = 0

    @property
    def digest(self) -> str:
        """What decides the samples, apart from the weights."""
        return manifest.key(self.temperature, self.max_new_tokens, self.seed)

    def rows(
        self, problems: Sequence[Problem], samples: int, advance: Advance = lambda _: None
    ) -> Iterator[TraceRow]:
        """Each problem's traces, as rows of origin `self`."""
        starts = [Start(problem, "", n) for problem in problems for n in range(samples)]
        for start, text in self.write(starts, advance):
            problem = start.problem
            yield TraceRow(
                key=row_key(problem.id, start.sample, self.digest),
                problem=problem.id,
                question=problem.question,
                gold=problem.answer,
                trace=text,
                origin="self",
                sample=start.sample,
                source=problem.source,
                split=problem.split,
                licence=problem.licence,
            )

    def write(
        self, starts: Sequence[Start], advance: Advance = lambda _: None
    ) -> Iterator[tuple[Start, str]]:
        """What the model writes after each start, in the order of their lengths.

        With states before it, the text begins with the next state's header.
        """
        prompt = Prompt.from_tokenizer(self.tokenizer)
        room = self.model.config.max_position_embeddings - self.max_new_tokens
        encoded = [(continued(prompt, one.problem.question, one.prefix), one) for one in starts]
        fitting = sorted((one for one in encoded if len(one[0]) <= room), key=lambda o: len(o[0]))
        self.model.eval()
        for begin in range(0, len(fitting), self.batch):
            batch = fitting[begin : begin + self.batch]
            torch.manual_seed(self._seed(batch[0][1]))
            texts = self._continue([ids for ids, _ in batch])
            for (_, start), text in zip(batch, texts, strict=True):
                yield start, text.lstrip("\n") if start.prefix else text
            advance(len(batch))

    def _seed(self, start: Start) -> int:
        """A batch's seed: a run that is resumed behind some batches draws the same ones after."""
        text = f"{self.seed}\0{start.problem.id}\0{start.sample}\0{start.prefix}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

    def _continue(self, prompts: list[list[int]]) -> list[str]:
        """What follows each prompt; padded on the left, so similar lengths waste little."""
        longest = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (longest - len(one)) + one for one in prompts])
        mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
        how = (
            {"do_sample": True, "temperature": self.temperature, "top_k": 0, "top_p": 1.0}
            if self.temperature
            else {"do_sample": False}
        )
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                max_new_tokens=self.max_new_tokens,
                **how,
            )
        return [self.tokenizer.decode(one[longest:], skip_special_tokens=True) for one in output]
