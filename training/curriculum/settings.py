"""The sections of a recipe that say how stage 2 is made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from training.rows import PairMode, Repairer
from training.sections import Optimisation, Section, Share


class Pairs(Section):
    """Preference pairs and advanced traces, from wrong traces and their repairs."""

    mode: PairMode = "step"
    repair: Repairer = "graph"
    anchor: Share = 0.3
    """Of the pairs, how many prefer a clean correct trace to a wrong one, so that the model does
    not learn to err first."""
    noticing: Share = 0.2
    """Of how many wrong states the model learns to notice them itself: in advanced traces to write
    Verify and Backtrack, in step pairs to prefer that to going on. After the others it learns to go
    on once Verify and Backtrack stand there. To go on is always preferred where the state is right.
    A model that cannot tell the two takes the share for its own, and raises false alarms."""
    generated: Annotated[int, Field(ge=0)] = 0
    """Problems whose graphs are corrupted into wrong traces."""
    samples: Annotated[int, Field(ge=0)] = 0
    """Problems that the stage-1 model is asked, to collect its own wrong traces."""
    sampled: PositiveInt = 4
    """Answers to each of those problems."""
    temperature: NonNegativeFloat = 1.0
    operations: dict[PositiveInt, PositiveFloat] = Field(default={1: 0.3, 2: 0.4, 3: 0.3})
    """Weights of problems by number of operations."""


class Advanced(Optimisation):
    """Fine-tuning on traces that verify, backtrack and repair, before the preferences.

    A model that never saw Verify and Backtrack gives them no probability that preferences could
    raise. The paper's 7–8 B models write them unasked; a small one has to be shown.
    """

    clean: Share = 0.6
    """Of the examples, how many are correct traces without a mistake."""
    confirmed: Share = 0.1
    """Of the examples, how many are correct traces in which a Verify finds a state correct."""
    length: PositiveInt = 512
    """Tokens in a row of packed examples; longer examples are left out."""


class Preference(Section):
    """Direct preference optimisation (Rafailov et al., arXiv 2305.18290) with a likelihood term."""

    beta: PositiveFloat = 0.1
    """How strongly the model is held to the reference."""
    loss: Literal["sigmoid", "sigmoid_norm", "ipo", "hinge", "apo_zero"] = "sigmoid"
    sft: NonNegativeFloat = 0.2
    """Weight of the negative log-likelihood of what is chosen; 0 leaves it out."""
    length: PositiveInt = 1024
    """Tokens of a prompt with one completion; longer pairs are left out."""
    precompute: bool = True
    """Computes the reference's log-probabilities once, instead of keeping a frozen copy."""


class Dpo(Optimisation, Preference):
    """Preference optimisation in the manner of the other stages.

    `tokens` counts both sides of a pair.
    """


class Curriculum(Section):
    """Stage 2 of a model from scratch: traces that verify and backtrack, then preferences.

    Give stage 1 a decay of 0, so that the learning rate falls once, at the end of stage 2 (MiniCPM,
    arXiv 2404.06395, section 4). Correct traces are as in stage 1, of other problems.
    """

    pairs: Pairs
    sft: Advanced
    dpo: Dpo | None = None


class Grpo(Section):
    """Group relative policy optimisation (Shao et al., arXiv 2402.03300) on verified rewards."""

    prompts: PositiveInt = 2000
    """Problems in all."""
    group: Annotated[int, Field(ge=2)] = 8
    """Completions to a problem."""
    batch: PositiveInt = 64
    """Completions in a step; a multiple of `group`."""
    max_new_tokens: PositiveInt = 400
    temperature: PositiveFloat = 1.0
    beta: NonNegativeFloat = 0.0
    """Weight of the divergence from the reference; 0 needs none."""
    refuted: NonNegativeFloat = 0.5
    """What a refuted state on the path costs; a right answer is worth 1."""
    illegal: NonNegativeFloat = 0.5
    """What an illegal transition costs, or text outside the states."""
    unresolved: NonNegativeFloat = 0.25
    """What it costs to state no answer."""
    learning_rate: PositiveFloat = 1e-5
    muon: PositiveFloat | None = None
    warmup: Share = 0.05
    decay: Share = 0.2
    save_steps: PositiveInt = 50
