"""Token-id data sets, recomputed from problems rather than kept: the same recipe, the same ids.

Base rows are `length` tokens of problem texts and arithmetic, ended by the end token. Fine-tuning
rows are a prompt and its trace; labels are -100 on the prompt, so that the loss falls on the trace
and the end token only.
"""

from __future__ import annotations

import hashlib
import itertools
from array import array
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
from datasets import Dataset

from statespace.prompts import Prompt
from statespace.text import render
from training import workers
from training.errors import DataError
from training.problems import generator, gsm8k
from training.problems.graph import evaluate
from training.problems.numbers import plain
from training.problems.problem import Problem, Split
from training.recipe import Gsm8k, Recipe
from training.sections import Optimisation
from training.traces import annotated, generated, graph
from training.traces.arithmetic import worked

IGNORED: Final = -100
"""The label of tokens that bear no loss (PyTorch's cross-entropy default)."""

# Each purpose draws from a stream of problems of its own.
BASE, TRACES, TEST = "base", "traces", "test"

_WORDINGS: Final[dict[Split, str]] = {"seen": "seen wordings", "heldout": "held-out wordings"}
_LENGTHS: Final = ((1, 3), (4, 6))

_GENERATED: Final = 0.7
"""Share of the base model's problem texts that the generator makes."""

_OPEN_ROWS: Final = 32

_ALONE: Final = 2_000_000
"""Tokens up to which one process makes them sooner than it starts others."""

_ENCODED: Final = 512
"""Examples that the tokenizer is given at once; it then uses all cores."""

Example = tuple[list[int], list[int]]
"""The ids of a prompt and of the trace after it."""


def stream(seed: int, purpose: str) -> int:
    """The generator seed of one purpose."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:6], "big")


def tokenizer_texts(recipe: Recipe) -> Iterator[str]:
    """What the tokenizer is trained on: problems, their traces and GSM8K's training questions."""
    seed = stream(recipe.seed, BASE)
    for index in range(recipe.tokenizer.problems):
        problem = generator.generate(seed, index)
        yield problem.question
        yield render(graph.trace(problem))
    if recipe.gsm8k:
        for question, trace in annotated_traces(recipe.gsm8k):
            yield question
            yield trace


def base_rows(recipe: Recipe, tokenizer: Any) -> Dataset:
    """Rows of exactly `base.length` ids."""
    base = recipe.base
    rows = max(1, base.tokens // base.length)
    wanted = rows * base.length
    ids = array("i")
    encode = Prompt.from_tokenizer(tokenizer).data
    for text in _base_texts(recipe):
        ids.extend(encode(text))
        ids.append(tokenizer.eos_token_id)
        if len(ids) >= wanted:
            break
    return dataset(base.length, input_ids=ids[:wanted])


def _base_texts(recipe: Recipe) -> Iterator[str]:
    """Problems and arithmetic lines by turns, so that the recipe's share holds."""
    base, seed = recipe.base, stream(recipe.seed, BASE)
    rng = Random(seed)
    tested = test_questions(recipe)
    published = [question for question, _ in annotated_traces(recipe.gsm8k)] if recipe.gsm8k else []
    rng.shuffle(published)
    drawn = ((seed, index) for index in itertools.count())
    for made in workers.mapped(generated.question, drawn, processes=_processes(base)):
        if made in tested:
            continue
        # Each published question once: their words are wider than the generator's.
        question = published.pop() if published and rng.random() > _GENERATED else made
        yield question
        # Lines make up `arithmetic` of the text, counted in characters.
        budget = len(question) * base.arithmetic / max(1e-9, 1 - base.arithmetic)
        lines: list[str] = []
        while sum(map(len, lines)) < budget:
            lines.append(arithmetic(rng))
        yield "\n".join(lines)


def arithmetic(rng: Random) -> str:
    """One true line, worked as traces work it: `25 * 9 = 20 * 9 + 5 * 9 = 180 + 45 = 225`.

    Half of the lines add or subtract, which traces do most and which takes longest to learn.
    """
    parts: tuple[Fraction | int | str, ...]
    first, second = _amount(rng), _amount(rng)
    factor = rng.randint(2, rng.choice((12, 12, 12, 40)))
    count = rng.randint(2, 12)
    match rng.choice("+++++-----****///%%$$.c"):
        case "+":
            parts = (first, "+", second)
        case "-":
            parts = (first + second, "-", first)
        case "*":
            parts = (first, "*", factor) if rng.random() < 0.5 else (factor, "*", first)
        case "/":
            parts = (first * factor, "/", factor)
        case "%":
            parts = (rng.randrange(5, 100, 5), "/", 100, "*", 20 * rng.randint(1, 40))
        case "$":
            price = Fraction(rng.randint(1, 400), 20)
            parts = (price, "*", count) if rng.random() < 0.5 else (count, "*", price)
        case ".":
            parts = (Fraction(rng.randint(1, 200), 20) * count, "/", count)
        case _:
            less, more = _cents(rng), _cents(rng)
            parts = (less + more, "-", less) if rng.random() < 0.6 else (less, "+", more)
    tokens = [
        part if isinstance(part, str) else plain(Fraction(part), money=True) for part in parts
    ]
    value = evaluate(" ".join(tokens), {})
    return " = ".join((" ".join(tokens), *worked(tokens, plain(value, money=True))))


def _amount(rng: Random) -> int:
    return rng.randint(1, rng.choice((12, 20, 60, 100, 100, 200, 999, 2000)))


def _cents(rng: Random) -> Fraction:
    return Fraction(rng.randint(1, 400) * rng.choice((5, 10, 25, 50, 100, 100)), 100)


@cache  # asked for by each stage, and ten seconds' work
def annotated_traces(source: Gsm8k) -> tuple[tuple[str, str], ...]:
    """GSM8K training questions with the traces their annotated solutions give."""
    pairs = []
    for problem in published(source.path):
        trace = annotated.trace(problem.question, problem.solution)
        if trace is not None:
            pairs.append((problem.question, render(trace)))
    return tuple(pairs)


def published(path: Path) -> list[Problem]:
    """The problems of a GSM8K file. Raises DataError."""
    try:
        return list(gsm8k.load(path))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read GSM8K: {error}; download it again") from error


def check_files(recipe: Recipe) -> None:
    """Raises DataError, before any work is done, if a data file is missing or the wrong one."""
    if recipe.start and not (recipe.start / "model.safetensors").is_file():
        raise DataError(
            f"start: {recipe.start} holds no model.safetensors; name a checkpoint's folder, or "
            "train one from scratch with `--set start=null`"
        )
    train, test = recipe.gsm8k and recipe.gsm8k.path, recipe.evaluation.gsm8k
    for key, whole, path in (
        ("gsm8k.path", "gsm8k", train),
        ("evaluation.gsm8k", "evaluation.gsm8k", test),
    ):
        if path and not path.is_file():
            raise DataError(
                f"{key}: there is no file {path}; name it with `--set {key}=FILE`, or do without "
                f"GSM8K here with `--set {whole}=null`"
            )
    if train and ("test" in train.name or (test and train.samefile(test))):
        raise DataError(f"gsm8k.path: {train} is the test split; name the file train.jsonl")


def sft_rows(recipe: Recipe, tokenizer: Any) -> Dataset:
    """Prompts with traces, several to a row of exactly `sft.length` tokens, padded at its end.

    Positions begin anew with each example; by that, transformers keeps the examples of a row from
    seeing each other. Rows of one length waste little and let the model be compiled once.
    """
    ids, labels, positions = array("i"), array("i"), array("i")
    rows = max(1, recipe.sft.tokens // recipe.sft.length)
    for row in itertools.islice(packed(_encoded(recipe, tokenizer), recipe.sft.length), rows):
        padding = recipe.sft.length - sum(len(before) + len(after) for before, after in row)
        for before, after in row:
            ids.extend(before + after)
            labels.extend([IGNORED] * len(before) + after)
            positions.extend(range(len(before) + len(after)))
        ids.extend([tokenizer.pad_token_id] * padding)
        labels.extend([IGNORED] * padding)
        positions.extend(range(padding))
    return dataset(recipe.sft.length, input_ids=ids, labels=labels, position_ids=positions)


def _encoded(recipe: Recipe, tokenizer: Any) -> Iterator[Example]:
    prompt = Prompt.from_tokenizer(tokenizer)
    found = examples(recipe)
    while batch := list(itertools.islice(found, _ENCODED)):
        questions, traces = (prompt.batch(texts) for texts in zip(*batch, strict=True))
        for question, trace in zip(questions, traces, strict=True):
            before = [*prompt.prefix, *question, *prompt.suffix]
            yield before, [*trace, tokenizer.eos_token_id]


def packed(examples: Iterator[Example], length: int) -> Iterator[list[Example]]:
    """Rows of whole examples, best fit among a few open rows; longer examples are left out."""
    open_rows: list[tuple[int, list[Example]]] = []
    for example in examples:
        size = len(example[0]) + len(example[1])
        if size > length:
            continue
        fitting = [entry for entry in open_rows if entry[0] >= size]
        best = min(fitting, key=lambda entry: entry[0]) if fitting else (length, [])
        if fitting:
            open_rows.remove(best)
        open_rows.append((best[0] - size, [*best[1], example]))
        if len(open_rows) > _OPEN_ROWS:
            fullest = min(open_rows, key=lambda entry: entry[0])
            open_rows.remove(fullest)
            yield fullest[1]


def examples(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Questions with their traces, endlessly, in the mixture of fine-tuning."""
    procedural = _procedural(recipe)
    if recipe.gsm8k is None:
        yield from procedural
        return
    rng = Random(stream(recipe.seed, "mixture"))
    pairs = list(annotated_traces(recipe.gsm8k))
    rng.shuffle(pairs)
    fetched = itertools.cycle(pairs)
    while True:
        yield next(fetched if rng.random() < recipe.gsm8k.share else procedural)


def _procedural(recipe: Recipe) -> Iterator[tuple[str, str]]:
    seed = stream(recipe.seed, TRACES)
    rng = Random(seed)
    lengths, weights = list(recipe.sft.operations), list(recipe.sft.operations.values())
    tested = test_questions(recipe)
    drawn = ((seed, index, rng.choices(lengths, weights)[0]) for index in itertools.count())
    made = workers.mapped(generated.example, drawn, processes=_processes(recipe.sft))
    yield from (pair for pair in made if pair[0] not in tested)


def _processes(stage: Optimisation) -> int:
    return workers.cores() if stage.tokens > _ALONE else 1


def test_sets(recipe: Recipe) -> Iterator[tuple[str, list[Problem]]]:
    """Names and problems of the generated test sets; training leaves their questions out."""
    seed = stream(recipe.seed, TEST)
    for split, wording in _WORDINGS.items():
        for low, high in _LENGTHS:
            problems = [
                generator.generate(seed, index, split=split, operations=(low, high))
                for index in range(recipe.evaluation.problems)
            ]
            yield f"generated, {wording}, {low}-{high} operations", problems


def test_questions(recipe: Recipe) -> frozenset[str]:
    """The questions of all generated test sets."""
    return frozenset(p.question for _, problems in test_sets(recipe) for p in problems)


def dataset(length: int, **columns: array[int]) -> Dataset:
    """Columns of flat ids as a data set with rows of `length`."""
    return Dataset.from_dict(
        {
            name: np.frombuffer(flat, dtype=np.int32).reshape(-1, length)
            for name, flat in columns.items()
        }
    )


def digest(dataset: Dataset) -> str:
    """SHA-256 over a data set's ids, row by row, as `sha256:<hex>`."""
    state = hashlib.sha256()
    for rows in dataset.with_format("numpy").iter(batch_size=1000):
        state.update(rows["input_ids"].astype(np.int32).tobytes())
    return f"sha256:{state.hexdigest()}"
