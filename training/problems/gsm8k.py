"""GSM8K as published: one JSON object per line, `question` and `answer` (MIT licence).

Cobbe et al., "Training Verifiers to Solve Math Word Problems" (arXiv 2110.14168).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from training.problems.problem import Problem, problem_id

FINAL = "####"
"""What stands before the final answer, at the end of a solution."""


def load(path: Path, split: str = "train") -> Iterator[Problem]:
    """The problems of one file, in order.

    Raises OSError if it can't be read, ValueError (with the line's number) if a line is malformed.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    row = json.loads(line)
                    yield problem(row["question"], row["answer"], split)
                except (KeyError, TypeError, ValueError) as error:
                    raise ValueError(f"{path}, line {number}: {error!r}") from error


def problem(question: str, solution: str, split: str = "train") -> Problem:
    """One row as a problem. Raises ValueError where the solution states no final answer."""
    _, found, final = solution.rpartition(FINAL)
    if not found or not final.strip():
        raise ValueError("no final answer after ####")
    answer = final.strip().replace(",", "")
    return Problem(
        id=problem_id(question, answer),
        question=question,
        answer=answer,
        source="gsm8k",
        split=split,
        operations=solution.count("<<"),
        solution=solution,
        licence="MIT",
    )
