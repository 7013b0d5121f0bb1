"""Generated problems as text, alone or with their traces: by number, so that any process can."""

from __future__ import annotations

from statespace.text import render
from training.problems import generator
from training.traces import graph

Drawn = tuple[int, int, int]
"""A generator's seed, the number of a problem, and its operations."""


def question(drawn: tuple[int, int]) -> str:
    """The question of a problem of any length, by the generator's seed and its number."""
    return generator.generate(*drawn).question


def example(drawn: Drawn) -> tuple[str, str]:
    """A question with its trace."""
    seed, index, operations = drawn
    problem = generator.generate(seed, index, operations=(operations, operations))
    return problem.question, render(graph.trace(problem))
