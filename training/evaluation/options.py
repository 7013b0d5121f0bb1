"""How solutions are asked for, the same for every problem of an evaluation."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statespace.trace import Frozen
from training.manifest import key

SEED_BITS = 31
"""Seeds that every engine takes."""


class Options(Frozen):
    """What goes into each request beside the question."""

    strategy: Annotated[str, Field(min_length=1, max_length=64)] = "single"
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    max_transitions: Annotated[int, Field(ge=1, le=1000)] = 64
    timeout_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 600.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    samples: Annotated[int, Field(ge=1, le=1024)] = 1

    @model_validator(mode="after")
    def _varied(self) -> Self:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("several samples are all the same at temperature 0; raise it")
        return self

    def body(self, question: str, sample: int) -> dict[str, Any]:
        """The request for one sample: the question and nothing else of the problem.

        The seed depends on the question, not on the problem's id, which depends on the answer.
        """
        digest = hashlib.sha256(f"{self.seed}\0{sample}\0{question}".encode()).digest()
        return {
            "question": question,
            **self.model_dump(exclude={"seed", "samples"}, exclude_none=True),
            "seed": int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS),
        }

    def digest(self) -> str:
        """What decides a sample's solution: everything but how many samples there are."""
        return key(self.model_dump(exclude={"samples"}))
