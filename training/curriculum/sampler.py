"""A model's own answers, sampled with transformers: for machines without a server.

`statewise train traces --origin self` does the same through an engine, much faster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

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
        return manifest.key(self.temperature, self.max_new_tokens, self.seed, self.batch)

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
        device = self.model.device
        with torch.inference_mode():
            written = self._written(ids.to(device), mask.to(device))
        return [self.tokenizer.decode(one, skip_special_tokens=True) for one in written]

    def _written(self, ids: Tensor, mask: Tensor) -> list[list[int]]:
        """The ids that follow each row, the end token among them.

        Rows that have ended leave the batch: a batch of small answers with one that rambles took
        transformers' own loop two and a half times as long.
        """
        cache = DynamicCache(config=self.model.config)
        written: list[list[int]] = [[] for _ in ids]
        rows = list(range(len(ids)))
        for _ in range(self.max_new_tokens):
            positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            logits = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            chosen = self._chosen(logits)
            for row, token in zip(rows, chosen.tolist(), strict=True):
                written[row].append(token)
            going = (chosen != self.tokenizer.eos_token_id).nonzero()[:, 0]
            if not len(going):
                break
            if len(going) < len(rows):
                cache.batch_select_indices(going)
                rows = [rows[place] for place in going.tolist()]
                chosen, mask = chosen[going], mask[going]
            ids, mask = chosen[:, None], torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        return written

    def _chosen(self, logits: Tensor) -> Tensor:
        if not self.temperature:
            return logits.argmax(-1)
        shares = (logits.float() / self.temperature).softmax(-1)
        return torch.multinomial(shares, 1)[:, 0]
