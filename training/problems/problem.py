"""What a maths word problem is, whichever source it came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

Split = Literal["seen", "heldout"]
"""The wordings of a procedural problem; published sets have splits of their own."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One node of the graph of quantities.

    A given has no `expression`. A derived quantity's `expression` is written over the symbols of
    earlier quantities ("a - b"), tokens separated by single spaces.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    symbol: str
    description: str
    value: str
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A question, its answer and what is known of its solution.

    `answer` is a plain number, but for MATH and users' own files, where it may be LaTeX. An answer
    is right within `tolerance`, relative to it; 0 asks for the same number. Procedural problems
    carry `quantities`, the last of which is the answer, and its `unit` ("$", "apples", or nothing);
    published ones their worked `solution`, where there is one. `source` names one of
    `training.problems.sources`; `operations` is 0 where it is not known.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    question: str
    answer: str
    source: str
    split: str
    operations: int
    relations: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    unit: str = ""
    solution: str = ""
    licence: str = "Apache-2.0"
    tolerance: float = 0.0


def problem_id(question: str, answer: str) -> str:
    """An id that depends on nothing but the content."""
    digest = hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()
    return f"prob_{digest[:20]}"
