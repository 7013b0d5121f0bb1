"""How solutions are asked for, the same for every problem of an evaluation."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statespace.options import BeamOptions, GuidedOptions, VoteOptions
from statespace.trace import Frozen
from training.manifest import key

_OWN = frozenset({"guided", "vote", "beam"})
"""Fields of the strategies' own options."""
SEED_BITS = 31
"""Seeds that every engine takes."""


class Options(Frozen):
    """What goes into each request beside the question."""

    strategy: Annotated[str, Field(min_length=1, max_length=64)] = "single"
    guided: GuidedOptions | None = None
    vote: VoteOptions | None = None
    beam: BeamOptions | None = None
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
        told = self.model_dump(mode="json", exclude={"seed", "samples"}, exclude_none=True)
        for name in _OWN & told.keys():
            told[name] = getattr(self, name).model_dump(mode="json", exclude_unset=True)
        return {
            "question": question,
            **told,
            "seed": int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS),
        }

    def digest(self) -> str:
        """What decides a sample's solution: everything but how many samples there are."""
        unsaid = {name for name in _OWN if getattr(self, name) is None}
        return key(self.model_dump(mode="json", exclude={"samples", *unsaid}))

    @property
    def name(self) -> str:
        """The strategy with what it was told, as a folder may be called."""
        own = {name: getattr(self, name) for name in _OWN if getattr(self, name) is not None}
        told = [
            f"{name}={'+'.join(map(str, value)) if isinstance(value, list) else value}"
            for options in own.values()
            for name, value in options.model_dump(mode="json", exclude_unset=True).items()
        ]
        return ",".join([self.strategy, *told])


def strategy_fields(text: str) -> dict[str, Any]:
    """A strategy and its own options, as fields of `Options`: `vote-8,stop=never,waves=3+2`.

    Raises ValueError naming what is no option.
    """
    strategy, *pairs = text.split(",")
    own = strategy.partition("-")[0]
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or own not in _OWN:
            raise ValueError(f"{pair!r} in {text!r} is no option; write vote-8,stop=never")
        values[name] = [*map(_value, value.split("+"))] if name == "waves" else _value(value)
    return {"strategy": strategy, **({own: values} if values else {})}


def _value(text: str) -> Any:
    """A number or a truth value where `text` is one, else itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
