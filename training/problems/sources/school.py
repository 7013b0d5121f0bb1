"""GSM8K, GSM-Hard, SVAMP and MGSM: grade-school problems, in the formats they are published in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from training.errors import DataError
from training.problems import gsm8k
from training.problems.problem import Problem, problem_id
from training.problems.sources.files import Row
from training.problems.sources.hub import Repository
from training.problems.sources.published import Published, number, text
from training.problems.sources.source import Purpose

LANGUAGES: Final = ("en", "bn", "de", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
FRACTIONAL: Final = 1e-4
"""Relative tolerance for a double that is not whole, as in ToRA (arXiv 2309.17452)."""
NOISE: Final = 1e-14
"""Relative tolerance for a double that is whole but for noise (385670.9999999999)."""


class Gsm8k(Published):
    """`question`, and `answer` with marked arithmetic that ends in `#### 72`."""

    name: ClassVar[str] = "gsm8k"
    licence: ClassVar[str] = "MIT"
    citation: ClassVar[str] = "Cobbe et al. 2021, arXiv 2110.14168"
    purpose: ClassVar[Purpose] = "training"
    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    repository = Repository("openai/gsm8k", "main")

    def problem(self, row: Row, split: str) -> Problem:
        return gsm8k.problem(text(row, "question"), text(row, "answer"), split)


class GsmHard(Published):
    """GSM8K's test questions with larger numbers: `input`, `code`, `target`.

    146 golds are negative and 303 are not whole, however little sense that makes in the question:
    they are kept as published. They are doubles that a program printed, so that an answer to one
    that is not whole is right within `FRACTIONAL`. Whole ones stay exact: within as much of
    9,867,630, an answer that forgot three eggs would be right.
    """

    name: ClassVar[str] = "gsm-hard"
    licence: ClassVar[str] = "Apache-2.0"
    citation: ClassVar[str] = "Gao et al. 2022 (PAL), arXiv 2211.10435"
    purpose: ClassVar[Purpose] = "evaluation"
    splits: ClassVar[tuple[str, ...]] = ("test",)
    repository = Repository("reasoning-machines/gsm-hard")

    def names(self, split: str) -> Sequence[str]:
        return ("gsmhardv2.jsonl", *super().names(split))

    def hub_split(self, split: str) -> str:  # noqa: ARG002
        return "train"  # what the hub calls the only file of a repository

    def problem(self, row: Row, split: str) -> Problem:
        made = _made(self, split, text(row, "input"), number(row, "target"))
        return replace(made, tolerance=_tolerance(float(made.answer)))


class Svamp(Published):
    """Variations of one-step problems: `Body`, `Question`, `Equation`, `Answer`, `Type`.

    The authors' SVAMP.json (1,000 rows) is all test; the hub parts it into 700 and 300.
    """

    name: ClassVar[str] = "svamp"
    licence: ClassVar[str] = "MIT"
    citation: ClassVar[str] = "Patel et al. 2021, arXiv 2103.07191"
    purpose: ClassVar[Purpose] = "evaluation"
    splits: ClassVar[tuple[str, ...]] = ("test", "train")
    repository = Repository("ChilleD/SVAMP")

    def names(self, split: str) -> Sequence[str]:
        return (*(["SVAMP.json"] if split == "test" else []), *super().names(split))

    def problem(self, row: Row, split: str) -> Problem:
        question = f"{text(row, 'Body').strip()} {text(row, 'Question').strip()}"
        made = _made(self, split, question, number(row, "Answer"))
        return replace(made, operations=sum(text(row, "Equation").count(sign) for sign in "+-*/"))


@dataclass(frozen=True)
class Mgsm(Published):
    """250 of GSM8K's test problems in eleven languages: `question`, tab, `answer`."""

    language: str = "en"

    name: ClassVar[str] = "mgsm"
    licence: ClassVar[str] = "CC-BY-SA-4.0"
    citation: ClassVar[str] = "Shi et al. 2022, arXiv 2210.03057"
    purpose: ClassVar[Purpose] = "evaluation"
    splits: ClassVar[tuple[str, ...]] = ("test",)

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise DataError(f"--language {self.language}: MGSM has {', '.join(LANGUAGES)}")

    def on_hub(self, named: str | None) -> Repository:
        return Repository("juletxara/mgsm", self.language).at(named)

    def names(self, split: str) -> Sequence[str]:  # noqa: ARG002
        return (f"mgsm_{self.language}.tsv",)

    def problem(self, row: Row, split: str) -> Problem:
        # On the hub `answer` is empty in the test split, and `answer_number` beside it is not.
        field = "answer" if row.get("answer_number") is None else "answer_number"
        return _made(self, split, text(row, "question"), number(row, field))


def _tolerance(gold: float) -> float:
    if gold.is_integer():
        return 0.0
    return NOISE if abs(gold - round(gold)) <= NOISE * abs(gold) else FRACTIONAL


def _made(source: Published, split: str, question: str, answer: str) -> Problem:
    return Problem(
        id=problem_id(question, answer),
        question=question,
        answer=answer,
        source=source.name,
        split=split,
        operations=0,
        licence=source.licence,
    )
