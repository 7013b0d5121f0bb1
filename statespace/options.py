"""What the strategies can be told: fields of a request, next to the strategy's name.

    {"question": "…", "strategy": "vote", "vote": {"paths": 16, "stop": "never"}}

A number after the name is short for the commonest of them: `vote-16`, `beam-4`, `guided-2`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SEVERAL: Final = frozenset({"vote", "beam"})
"""Strategies that tell of several paths."""

Temperature = Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)]


class Options(BaseModel):
    """Base of all options: unknown fields are errors; types are not coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class GuidedOptions(Options):
    """How one path is put right."""

    retries: Annotated[
        int, Field(ge=0, le=64, description="Refuted transitions to go back from.")
    ] = 8
    temperature: Annotated[
        Temperature, Field(description="Of a state's second retry, and of those that follow.")
    ] = 0.7
    dead_ends: Annotated[
        Literal["keep", "once", "drop"],
        Field(
            description="Whether the model goes on reading its dead ends: always; in a state's "
            "first retry; or never."
        ),
    ] = "once"


class VoteOptions(Options):
    """How several paths are sampled, and when their vote is decided."""

    paths: Annotated[int, Field(ge=1, le=64, description="At most so many.")] = 8
    waves: Annotated[
        tuple[Annotated[int, Field(ge=1, le=64)], ...],
        Field(
            strict=False,
            min_length=1,
            max_length=64,
            description="Paths begun together; the last number repeats.",
        ),
    ] = (4,)
    stop: Annotated[
        Literal["never", "certain", "likely"],
        Field(
            description="When to end early: not at all; when the lead cannot be overtaken; or also "
            "when the Beta posterior of the lead reaches `confidence`."
        ),
    ] = "likely"
    confidence: Annotated[float, Field(gt=0.5, lt=1, allow_inf_nan=False)] = 0.95
    temperature: Annotated[
        Temperature, Field(description="Of the paths, unless the request has one above 0.")
    ] = 0.7
    refuted_weight: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            allow_inf_nan=False,
            description="What a path counts that rests on a refuted transition; others count 1.",
        ),
    ] = 0.25


class BeamOptions(Options):
    """How many states are tried at each step, and by what they are ranked."""

    width: Annotated[int, Field(ge=1, le=16, description="States to go on from.")] = 3
    candidates: Annotated[int, Field(ge=1, le=16, description="Next states of each.")] = 3
    temperature: Annotated[
        Temperature, Field(description="Of the candidates, unless the request has one above 0.")
    ] = 0.7
    confidence: Annotated[
        bool, Field(description="Also rank by the mean log-probability of tokens, which costs.")
    ] = False
    reward: Annotated[
        bool, Field(description="Also rank by the process reward model of the server's settings.")
    ] = False
