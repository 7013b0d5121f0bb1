"""The problems that the benchmarks pose: generated, the kind that the starter was trained on."""

from __future__ import annotations

from training.problems.generator import generate
from training.traces import graph

# A stream of its own: none of these problems is in a training set.
SEED = 8_000_001


def questions(first: int, count: int) -> list[str]:
    """Questions number `first` to `first + count - 1`; always the same ones."""
    return [generate(SEED, index).question for index in range(first, first + count)]


def golds(first: int, count: int) -> list[str]:
    """The answers to `questions`."""
    return [generate(SEED, index).answer for index in range(first, first + count)]


def traces(count: int) -> list[str]:
    """Solutions as a model writes them, one for each of the first `count` problems."""
    return [graph.text(generate(SEED, index)) for index in range(count)]
