"""What recipes are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class Section(BaseModel):
    """Base of all parts of a recipe: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Share = Annotated[float, Field(ge=0, le=1)]


class Optimisation(Section):
    """A warm-up, a constant stretch and a cosine end (MiniCPM, arXiv 2404.06395)."""

    tokens: PositiveInt
    """Tokens to train on, prompts included."""
    batch: PositiveInt
    """Sequences in a step."""
    learning_rate: PositiveFloat
    """Of AdamW."""
    muon: PositiveFloat | None = None
    """Learning rate of Muon, which then trains the inner matrices instead of AdamW."""
    warmup: Share
    """Share of the steps."""
    decay: Share
    """Share of the steps."""
    save_steps: PositiveInt
    """Steps between the checkpoints from which a run resumes."""
