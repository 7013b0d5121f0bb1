"""The recipe of the experiment, and the plan: how many tokens a budget of minutes allows."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from training.curriculum.settings import Advanced, Dpo
from training.experiment.results import ARMS, Arm
from training.problems.relations import ALL
from training.recipe import Base, Evaluation, Model, Recipe, Sft, Tokens
from training.sections import Optimisation, Section, Share

_KNOWN: Final = frozenset(relation.name for relation in ALL)


class Problems(Section):
    """The generated problems: one pool that all arms and seeds learn from, four sets to test on."""

    pool: PositiveInt
    """Training problems; an arm that needs fewer tokens for each passes over them more often."""
    relations: Annotated[tuple[str, ...], Field(min_length=1)]
    """The generator's kinds of relations that problems may hold."""
    operations: dict[PositiveInt, PositiveFloat]
    """Weights of training problems by number of operations."""
    longer: tuple[PositiveInt, PositiveInt]
    """Bounds of the operations in the set of longer chains."""
    largest: PositiveInt
    """The largest value of a quantity in a training problem, given or derived."""
    larger: PositiveInt
    """The same in the set of larger numbers; each of its problems exceeds `largest`."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if unknown := sorted(set(self.relations) - _KNOWN):
            raise ValueError(f"there are no relations {', '.join(unknown)}")
        if self.longer[0] <= max(self.operations):
            raise ValueError("longer chains must be longer than those in `operations`")
        if self.larger <= self.largest:
            raise ValueError("`larger` must be above `largest`")
        return self


class Fundamental(Optimisation):
    """Fine-tuning of an arm on traces or chains of thought; `tokens` are what every arm gets."""

    length: PositiveInt
    """Tokens in a row of packed examples; longer examples are left out."""


class Curriculum(Section):
    """What stage 2's wrong traces come from."""

    generated: Annotated[int, Field(ge=0)]
    """Problems of the pool whose graphs are corrupted, one wrong trace each; 0: its own only."""
    samples: Annotated[int, Field(ge=0)]
    """Problems of the pool that the stage-1 model is asked, for its own wrong traces."""
    temperature: PositiveFloat = 1.0
    anchor: Share = 0.3
    """Of the pairs, how many prefer a clean correct trace to a wrong one."""
    noticing: Share = 0.2
    """Step pairs: of how many wrong states to notice them is preferred to going on."""


class Asking(Section):
    """How the arms are tested."""

    problems: PositiveInt
    """In each of the four sets."""
    votes: Annotated[int, Field(ge=2)] = 8
    temperature: PositiveFloat = 0.7
    """Of the votes."""
    max_new_tokens: PositiveInt
    max_chain_tokens: PositiveInt | None = None
    """The same of arm (a), whose answers are shorter: a lot of votes wait for the longest."""
    batch: PositiveInt = 100
    """Answers at a time where no server is at hand."""
    concurrency: PositiveInt = 32
    """Questions at a time where one is."""


class Budget(Section):
    """How a budget of minutes becomes tokens."""

    training: Share
    """Share of the minutes that training gets; the rest is for servers and answers."""
    pairs: NonNegativeFloat
    """What a token of a pair costs, in tokens of a trace: two models read it, uncompiled."""
    steps: PositiveInt
    """Steps by which the speed is measured, after as many that are not."""


class Experiment(Section):
    """Everything that decides the experiment."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    arms: Annotated[tuple[Arm, ...], Field(min_length=1)] = ARMS
    trace: Literal["traces", "short"] = "traces"
    """How the traces of arm (b) are worded: in full, or with nothing said twice."""
    compile: bool
    problems: Problems
    tokenizer: Tokens
    model: Model
    base: Base
    sft: Fundamental
    advanced: Advanced
    dpo: Dpo
    curriculum: Curriculum
    evaluation: Asking
    budget: Budget

    @model_validator(mode="after")
    def _same_tokens(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds must differ")
        if "plain" not in self.arms:
            raise ValueError("arms: `plain` is what the others are compared with")
        if self.trace == "short" and not {"plain", "traces"}.issuperset(self.arms):
            raise ValueError(
                "mistakes are made and repaired in full traces: leave trajectory and step out of "
                "`arms`, or set `trace: traces`"
            )
        decayed = self.sft.decay * self.sft.tokens
        second = self.advanced.tokens + self.dpo.tokens
        if abs(second - decayed) > 0.02 * self.sft.tokens:
            raise ValueError(
                "arms must get the same tokens, and stage 2 takes the place of the decay: "
                f"advanced.tokens + dpo.tokens must be sft.decay * sft.tokens = {decayed:.0f}"
            )
        return self

    def digest(self) -> str:
        """SHA-256 of the values, as `sha256:<hex>`."""
        return "sha256:" + hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def scaled(self, scale: float) -> Experiment:
        """The same with `scale` times the tokens everywhere; at least one step of each stage."""
        stages: dict[str, Any] = {}
        for name, length in (
            ("base", self.base.length),
            ("sft", self.sft.length),
            ("advanced", self.advanced.length),
            ("dpo", 1),
        ):
            stage: Optimisation = getattr(self, name)
            least = stage.batch * length
            tokens = max(least, round(stage.tokens * scale))
            stages[name] = stage.model_copy(update={"tokens": tokens})
        return self.model_copy(update=stages)

    def recipe(self, seed: int) -> Recipe:
        """What the trainers of single stages take, for one seed."""
        return Recipe(
            name=self.name,
            seed=seed,
            compile=self.compile,
            gsm8k=None,
            tokenizer=self.tokenizer,
            model=self.model,
            base=self.base,
            sft=Sft(operations=self.problems.operations, **self.sft.model_dump()),
            evaluation=Evaluation(
                problems=self.evaluation.problems,
                batch=self.evaluation.batch,
                max_new_tokens=self.evaluation.max_new_tokens,
                gsm8k=None,
            ),
        )

    def work(self) -> float:
        """Tokens that all seeds train on, those of pairs weighted by what they cost.

        The base model once; (a), (b), the part that (c) and (d) share, and pairs of both kinds.
        """
        preferences = 2 * self.dpo.tokens * self.budget.pairs
        each = 2 * self.sft.tokens + self.advanced.tokens + preferences
        return self.base.tokens + len(self.seeds) * each
