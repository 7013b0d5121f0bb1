"""What the arms read: token rows of the base model, of chains, and of traces."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

from datasets import Dataset

from statespace.actions import Action
from statespace.text import render
from training import data
from training.curriculum.pairs import AdvancedRow
from training.experiment.chains import chain
from training.experiment.settings import Experiment, Problems
from training.problems.graph import evaluate
from training.problems.problem import Problem
from training.traces import graph
from training.traces.arithmetic import worked

Writer = Callable[[Problem], str]

PLAIN: Final = "plain"
TRACES: Final = "traces"
SHORT: Final = "short"


def trace(problem: Problem) -> str:
    """The trace that solves a problem, as text."""
    return render(graph.trace(problem))


def short(problem: Problem) -> str:
    """The same with nothing said twice: the plan in symbols, its steps, the answer.

    No Decompose, which repeats the plan in words, and no Solve Parent, which repeats the last step.
    """
    plan, *steps, last = (
        state
        for state in graph.trace(problem)
        if state[0] not in (Action.DECOMPOSE, Action.SOLVE_PARENT)
    )
    symbols = [f"{one.symbol} = {one.expression or one.value}." for one in problem.quantities]
    goal = symbols.pop()
    return render(((plan[0], f"{' '.join(symbols)} Find {goal}"), *steps, last))


WRITERS: Final[dict[str, Writer]] = {PLAIN: chain, TRACES: trace, SHORT: short}


def tokenizer_texts(recipe: Experiment, pool: Sequence[Problem]) -> Iterator[str]:
    """Questions, chains and traces alike, so that neither format has the better tokenizer."""
    for problem in pool[: recipe.tokenizer.problems]:
        yield problem.question
        yield chain(problem)
        yield trace(problem)


def base_rows(recipe: Experiment, seed: int, pool: Sequence[Problem], tokenizer: Any) -> Dataset:
    """Rows of `base.length` ids: questions of the pool and lines of arithmetic, nothing else."""
    base = recipe.base
    rows = max(1, base.tokens // base.length)
    wanted = rows * base.length
    ids = array("i")
    for text in _base_texts(recipe, seed, pool):
        ids.extend(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
        ids.append(tokenizer.eos_token_id)
        if len(ids) >= wanted:
            break
    return data.dataset(base.length, input_ids=ids[:wanted])


def _base_texts(recipe: Experiment, seed: int, pool: Sequence[Problem]) -> Iterator[str]:
    base = recipe.base
    rng = Random(data.stream(seed, data.BASE))
    for _ in itertools.count():
        for problem in rng.sample(pool, len(pool)):
            yield problem.question
            # Counted in characters, as in `training.data`.
            budget = len(problem.question) * base.arithmetic / max(1e-9, 1 - base.arithmetic)
            lines: list[str] = []
            while sum(map(len, lines)) < budget:
                lines.append(arithmetic(rng, recipe.problems))
            yield "\n".join(lines)


def arithmetic(rng: Random, bounds: Problems) -> str:
    """One true line, worked as in traces: `602 + 45 = 602 + 40 + 5 = 642 + 5 = 647`.

    Whole numbers, mostly small, but also those of the set of larger numbers: that set tests whether
    solving carries over to them, not whether sums do.
    """
    most = min(bounds.larger, rng.choice((20, 60, 100, 100, bounds.largest, bounds.larger)))
    if rng.random() < 0.75:
        total = rng.randint(2, most)
        part = rng.randint(1, total - 1)
        first, sign, second = rng.choice(((part, "+", total - part), (total, "-", part)))
    else:
        factor = rng.randint(2, 12)
        other = rng.randint(2, max(2, most // factor))
        first, sign, second = rng.choice(
            ((factor, "*", other), (other, "*", factor), (factor * other, "/", factor))
        )
    terms = [str(first), sign, str(second)]
    value = evaluate(" ".join(terms), {})
    return " = ".join((" ".join(terms), *worked(terms, str(value))))


def solved(pool: Sequence[Problem], write: Writer) -> list[AdvancedRow]:
    """Every problem of the pool with its solution, to fine-tune on: in the order of the pool.

    Arms pass over rows in the same order, whatever is written, for the same seed.
    """
    return [
        AdvancedRow(
            key=problem.id, problem=problem.id, question=problem.question, completion=write(problem)
        )
        for problem in pool
    ]


def account(rows: Dataset) -> dict[str, int]:
    """What packed rows hold: `tokens` with padding, those that are `read`, those that are learnt.

    `examples` are the solutions, in all passes.
    """
    tokens = read = learnt = examples = 0
    for batch in rows.with_format("numpy").iter(batch_size=256):
        labels, positions = batch["labels"], batch["position_ids"]
        first = positions == 0
        # Padding counts its own positions from 0 and bears no loss.
        begins = int(first.sum())
        padded = sum(_padding(one) for one in labels)
        tokens += labels.size
        read += labels.size - padded
        learnt += int((labels != data.IGNORED).sum())
        examples += begins - sum(_padding(one) > 0 for one in labels)
    return {"tokens": tokens, "read": read, "learnt": learnt, "examples": examples}


def _padding(labels: Any) -> int:
    """Every example ends in a token that is learnt: what follows the last one is padding."""
    learnt = (labels != data.IGNORED).nonzero()[0]
    return int(labels.size - (learnt[-1] + 1 if learnt.size else 0))
