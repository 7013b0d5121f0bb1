"""Pairs and advanced traces as token ids, ready for the trainers.

A text is encoded whole, as a model meets it, and cut where its prompt ends: the tokens that the
prompt shares with both completions whatever follows. Only what ends a trace gets the end token;
after a step another one follows, so its last tokens are those that do not depend on what does.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from random import Random
from typing import Any

from datasets import Dataset

from statespace.prompts import Prompt
from statespace.text import SEPARATOR
from training import data
from training.curriculum.pairs import AdvancedRow
from training.errors import DataError
from training.rows import PairRow

Ids = list[int]
_NEXT = f"{SEPARATOR}State "


def pair(row: PairRow, prompt: Prompt) -> dict[str, Ids]:
    """`prompt_ids`, `chosen_ids` and `rejected_ids` of a pair, as TRL's DPO trainer takes them."""
    chosen, rejected = (_encoded(prompt, row.prefix, text, row.complete) for text in _sides(row))
    shared = _common(prompt.data(row.prefix), chosen, rejected)
    return {
        "prompt_ids": [*prompt.ids(row.question), *chosen[:shared]],
        "chosen_ids": chosen[shared:],
        "rejected_ids": rejected[shared:],
    }


def _sides(row: PairRow) -> tuple[str, str]:
    return row.chosen, row.rejected


def _encoded(prompt: Prompt, prefix: str, text: str, complete: bool) -> Ids:
    # A trace that ended with its prefix has no blank line behind it.
    ids = prompt.data(prefix + text if text else prefix.removesuffix(SEPARATOR))
    if complete:
        return [*ids, _end(prompt)]
    return ids[: _common(ids, prompt.data(prefix + text + _NEXT))]


def _end(prompt: Prompt) -> int:
    tokenizer: Any = prompt.tokenizer
    return int(tokenizer.eos_token_id)


def _common(*sequences: Sequence[int]) -> int:
    """How many tokens all sequences begin with alike."""
    count = 0
    for tokens in zip(*sequences, strict=False):
        if len(set(tokens)) > 1:
            break
        count += 1
    return count


def continued(prompt: Prompt, question: str, prefix: str) -> Ids:
    """The prompt for what follows `prefix`, which is empty or ends in a blank line."""
    if not prefix:
        return prompt.ids(question)
    before = prompt.data(prefix)
    return [*prompt.ids(question), *before[: _common(before, prompt.data(prefix + "State "))]]


def pairs(rows: Iterable[PairRow], tokenizer: Any, length: int) -> list[dict[str, Ids]]:
    """All pairs whose sides fit into `length` tokens and differ, in order."""
    prompt = Prompt.from_tokenizer(tokenizer)
    encoded = (pair(row, prompt) for row in rows)
    return [
        one
        for one in encoded
        if one["chosen_ids"] and one["rejected_ids"] and max(_sizes(one)) <= length
    ]


def _sizes(one: dict[str, Ids]) -> tuple[int, int]:
    before = len(one["prompt_ids"])
    return before + len(one["chosen_ids"]), before + len(one["rejected_ids"])


def size(one: dict[str, Ids]) -> int:
    """The tokens that a step of training reads for a pair: both sides count."""
    return sum(_sizes(one))


def budgeted(encoded: Sequence[dict[str, Ids]], tokens: int, seed: int) -> Dataset:
    """Pairs, shuffled anew in each pass, until they hold `tokens` tokens. Raises DataError."""
    if not encoded:
        raise DataError("there is no pair that fits: raise `length`, or make more pairs")
    rows: list[dict[str, Ids]] = []
    left = tokens
    rng = Random(seed)
    while left > 0:
        for one in rng.sample(encoded, len(encoded)):
            left -= size(one)
            if left < 0 and rows:
                break
            rows.append(one)
    return Dataset.from_list(rows)


def example(row: AdvancedRow, prompt: Prompt) -> data.Example:
    """The ids of an advanced trace: what bears no loss, and what does."""
    ids = _encoded(prompt, row.prefix, row.completion, complete=True)
    shared = _common(prompt.data(row.prefix), ids)
    return [*prompt.ids(row.question), *ids[:shared]], ids[shared:]


def packed(
    rows: Sequence[AdvancedRow], tokenizer: Any, *, tokens: int, length: int, seed: int
) -> Dataset:
    """Advanced traces packed into rows of `length` tokens, `tokens` in all, as `data.sft_rows`.

    Raises DataError if none fits.
    """
    prompt = Prompt.from_tokenizer(tokenizer)
    examples = [example(row, prompt) for row in rows]
    if not any(len(before) + len(after) <= length for before, after in examples):
        raise DataError(f"no advanced trace fits into {length} tokens: raise `length`")
    ids, labels, positions = array("i"), array("i"), array("i")
    wanted = max(1, tokens // length)
    for row in islice(data.packed(_passes(examples, seed), length), wanted):
        padding = length - sum(len(before) + len(after) for before, after in row)
        for before, after in row:
            ids.extend(before + after)
            labels.extend([data.IGNORED] * len(before) + after)
            positions.extend(range(len(before) + len(after)))
        ids.extend([tokenizer.pad_token_id] * padding)
        labels.extend([data.IGNORED] * padding)
        positions.extend(range(padding))
    return data.dataset(length, input_ids=ids, labels=labels, position_ids=positions)


def _passes(examples: Sequence[data.Example], seed: int) -> Iterator[data.Example]:
    """The examples over and over, shuffled anew each time."""
    rng = Random(seed)
    for _ in cycle((None,)):
        yield from rng.sample(examples, len(examples))
