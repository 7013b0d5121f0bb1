"""What one arm of one seed gave: a JSON file, written whole when the arm has ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from training import manifest
from training.errors import DataError
from training.evaluation.judgement import Judgement
from training.evaluation.report import summarize
from training.evaluation.votes import winner
from training.experiment.answers import Answer
from training.experiment.mistakes import mistakes
from training.sections import Section

Arm = Literal["plain", "traces", "trajectory", "step"]
ARMS: Final[tuple[Arm, ...]] = ("plain", "traces", "trajectory", "step")

LETTERS: Final[dict[str, str]] = {"plain": "a", "traces": "b", "trajectory": "c", "step": "d"}

_SHOWN: Final = {
    "accuracy",
    "majority",
    "resolved",
    "legal",
    "ended",
    "refuted",
    "refuted_share",
    "refuted_on_path",
    "transitions",
    "corrections",
    "verify",
    "verify_used",
    "verify_precision",
    "verify_precision_by_graph",
    "verify_recall",
    "by_operations",
}


class Outcome(Section):
    """One way of answering on one set, problem by problem in the order of the set."""

    problems: Annotated[str, Field(description="Digest of the set's questions and answers.")]
    right: Annotated[str, Field(pattern=r"^[01]+$", description="1 where the answer is right.")]
    tokens: Annotated[tuple[int, ...], Field(description="Written, in all samples of a problem.")]
    report: Annotated[dict[str, Any], Field(description="From `training.evaluation.report`.")]
    mistakes: Annotated[
        dict[str, int], Field(default_factory=dict, description="The first of each answer.")
    ]


class Result(Section):
    """One arm of one seed."""

    arm: Arm
    seed: int
    plan: Annotated[str, Field(description="Digest of the plan.")]
    trained: Annotated[dict[str, Any], Field(description="What each stage of it read.")]
    answered_by: Literal["server", "transformers"]
    greedy: dict[str, Outcome]
    majority: dict[str, Outcome] | None = None


def set_digest(answers: Sequence[Answer]) -> str:
    """Of the problems that were answered, in order, each once."""
    content = dict.fromkeys((one.problem.question, one.problem.answer) for one in answers)
    return "sha256:" + manifest.key(list(content))


def greedy(answers: Sequence[Answer]) -> Outcome:
    """One answer to each problem. A problem that the server failed on counts as wrong."""
    return _tested(answers, [one.judgement.right for one in answers], [[a] for a in answers])


def majority(answers: Sequence[Answer]) -> Outcome:
    """Several answers to each problem: the vote's; tokens are those of all of them."""
    grouped: dict[str, list[Answer]] = {}
    for one in answers:
        grouped.setdefault(one.problem.id, []).append(one)
    groups = list(grouped.values())
    elected = [winner([one.judgement for one in group]) for group in groups]
    return _tested(answers, [one is not None and one.right for one in elected], groups)


def _tested(
    answers: Sequence[Answer], right: Sequence[bool], groups: Sequence[Sequence[Answer]]
) -> Outcome:
    judgements: list[Judgement] = [one.judgement for one in answers]
    report = summarize(judgements, failed_count_as_wrong=True)
    return Outcome(
        problems=set_digest(answers),
        right="".join("01"[one] for one in right),
        tokens=tuple(sum(one.judgement.completion_tokens for one in group) for group in groups),
        report=report.model_dump(mode="json", include=_SHOWN),
        mistakes=mistakes(answers),
    )


def path(output: Path, arm: str, seed: int) -> Path:
    """Where the result of an arm and seed is."""
    return output / f"{LETTERS[arm]}-{arm}-seed{seed}.json"


def read(output: Path, arm: str, seed: int) -> Result | None:
    """A result, or None if that arm has not ended. Raises DataError if it is malformed."""
    place = path(output, arm, seed)
    try:
        content = manifest.read(place)
        return None if content is None else Result.model_validate(content)
    except (ValueError, ValidationError) as error:
        raise DataError(f"{place} is malformed; delete it, and the arm is tested again") from error
