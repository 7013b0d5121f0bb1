"""Group relative policy optimisation with rewards that are computed, not learned (stage 3).

A completion is worth 1 if its answer is right. Refuted arithmetic on its path, illegal transitions
and a missing answer cost what the settings say; what was taken back costs nothing, so that to
verify and go back is worth while. TRL samples with transformers here; nothing needs a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import import_utils

from statespace import answers
from statespace.prompts import Prompt
from statespace.reader import read
from statespace.trace import Trace, Verdict
from training import trainer
from training.curriculum.faults import final_path
from training.curriculum.settings import Grpo
from training.dpo import Run
from training.errors import RecipeError
from training.problems.problem import Problem

# Where vLLM is installed TRL would import it, for a way of sampling that is not used here.
import_utils.is_vllm_available = lambda *_, **__: False
from trl import GRPOConfig, GRPOTrainer  # noqa: E402

Reward = Callable[..., list[float]]
"""Takes `completions` and the columns of the data set by name; gives one number for each."""


def answered(completions: Sequence[str], gold: Sequence[str], **_: Any) -> list[float]:
    """1 for a Summarize on the path that states the gold answer, else 0."""
    return [
        float(trace.answer is not None and answers.equal(trace.answer, right))
        for trace, right in zip(map(read, completions), gold, strict=True)
    ]


def refuted(completions: Sequence[str], **_: Any) -> list[float]:
    """-1 if arithmetic refutes a state on the final path, else 0."""
    return [-float(_is_refuted(read(text))) for text in completions]


def illegal(completions: Sequence[str], **_: Any) -> list[float]:
    """-1 for a transition that is not allowed, or text outside the states; else 0."""
    return [-float(_is_illegal(read(text))) for text in completions]


def unresolved(completions: Sequence[str], **_: Any) -> list[float]:
    """-1 if no answer is stated, else 0."""
    return [-float(not read(text).resolved) for text in completions]


def _is_refuted(trace: Trace) -> bool:
    return any(transition.verdict is Verdict.REFUTED for transition in final_path(trace))


def _is_illegal(trace: Trace) -> bool:
    outside = trace.preamble or trace.trailing
    return bool(outside) or not all(transition.legal for transition in trace.transitions)


class VerifiedTrainer(GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer, with prompts that are built as serving builds them."""

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        prompt = Prompt.from_tokenizer(self.processing_class)
        return [prompt.ids(question) for question in prompts], None, {}


def rows(problems: Iterable[Problem]) -> Dataset:
    """Questions with their gold answers, which only the reward functions see."""
    return Dataset.from_list([{"prompt": one.question, "gold": one.answer} for one in problems])


def build(  # noqa: PLR0913, PLR0917
    run: Run, stage: Grpo, model: Any, tokenizer: Any, questions: Dataset, folder: Path
) -> VerifiedTrainer:
    """The trainer of `model` over one pass of `questions`; its checkpoints go to `folder`.

    Raises RecipeError.
    """
    if stage.batch % stage.group:
        raise RecipeError(
            f"grpo.batch: {stage.batch} completions are no whole number of groups; set it to a "
            f"multiple of grpo.group, {stage.group}"
        )
    shared: Any = (run, stage, len(questions) * stage.group, folder)
    tokenizer.padding_side = "left"
    config = GRPOConfig(
        **trainer.arguments(*shared),
        num_generations=stage.group,
        max_completion_length=stage.max_new_tokens,
        temperature=stage.temperature,
        beta=stage.beta,
        reward_weights=[1.0, stage.refuted, stage.illegal, stage.unresolved],
    )
    optimised: Any = stage
    return VerifiedTrainer(
        model=model,
        reward_funcs=[answered, refuted, illegal, unresolved],
        args=config,
        train_dataset=questions,
        processing_class=tokenizer,
        optimizers=trainer.optimizers(model, optimised),
    )
