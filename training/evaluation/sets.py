"""Sets of problems to evaluate on, as a command line names them.

    [NAME=]SOURCE[:PATH][,key=value …]

    easy=procedural,operations=1-3,wordings=heldout,seed=7,limit=500
    school=gsm8k:data/gsm8k/test.jsonl,limit=200
    german=mgsm:data/mgsm,language=de

SOURCE is one of `training.problems.sources`, or `problems` for a problems file of the pipeline,
which keeps the graph of quantities. Keys: `split` (or `wordings`, for procedural problems; default
test, seen), `limit` and `draw` (how many problems, and the seed they are drawn by), `tolerance`
(relative, instead of each problem's own), `hub`, and the source's own options.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from training.errors import DataError
from training.manifest import key
from training.problems import jsonl
from training.problems.problem import Problem
from training.problems.sources import SOURCES, source

PROCEDURAL: Final = "procedural"
PROBLEMS: Final = "problems"
DEFAULT_LIMIT: Final = 200
"""Procedural problems of a set that names no limit."""


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str | None = Field(None, min_length=1)
    wordings: str | None = Field(None, min_length=1)
    limit: int | None = Field(None, ge=1)
    draw: int = 0
    tolerance: float | None = Field(None, ge=0, lt=1, allow_inf_nan=False)
    hub: str | None = Field(None, min_length=1)
    operations: tuple[int, int] | None = None
    seed: int | None = None
    language: str | None = None

    @field_validator("operations", mode="before")
    @classmethod
    def _bounds(cls, value: Any) -> Any:
        low, dash, high = str(value).partition("-")
        return (low, high if dash else low)

    def options(self) -> dict[str, Any]:
        """What the source itself takes."""
        return self.model_dump(include={"operations", "seed", "language"}, exclude_none=True)


@dataclass(frozen=True, slots=True)
class ProblemSet:
    """Problems with the name they are reported under.

    Raises DataError if there is none, or if different questions have the same id.
    """

    name: str
    problems: tuple[Problem, ...]
    tolerance: float | None = None
    """Relative; None leaves it to each problem."""
    described: str = ""
    """What it was made from, as the user wrote it."""
    digest: str = field(init=False)
    """Of questions and answers, in order."""

    def __post_init__(self) -> None:
        if not self.problems:
            raise DataError(f"the set {self.name} holds no problem")
        if len({one.id for one in self.problems}) < len(self.problems):
            raise DataError(f"the set {self.name} holds problems with the same id; rename them")
        content = [(one.question, one.answer) for one in self.problems]
        object.__setattr__(self, "digest", "sha256:" + key(content))


def load_sets(texts: Sequence[str], limit: int | None = None) -> list[ProblemSet]:
    """The sets in order; `limit` is of those that name none. Raises DataError, with the remedy."""
    found = [load_set(text, limit) for text in texts]
    names = [one.name for one in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise DataError(f"two sets are named {twice.pop()!r}; write NAME=… before one of them")
    return found


def load_set(text: str, limit: int | None = None) -> ProblemSet:
    """The set that `text` describes. Raises DataError, which says what to write instead."""
    spec = _Spec.parse(text)
    try:
        problems = _limited(_unique(_load(spec)), spec, spec.keys.limit or limit)
    except DataError as error:
        raise DataError(f"the set {text!r}: {error}") from error
    return ProblemSet(spec.name, tuple(problems), spec.keys.tolerance, text)


@dataclass(frozen=True, slots=True)
class _Spec:
    name: str
    source: str
    path: Path | None
    keys: _Keys

    @classmethod
    def parse(cls, text: str) -> Self:
        before, equals, after = text.partition("=")
        named = bool(equals) and not set(before) & set(",:")
        place, *pairs = (after if named else text).split(",")
        found, _, path = place.partition(":")
        name = before if named else ",".join([found, *pairs])
        if not found or not name:
            raise DataError(f"{text!r} names no source; write NAME=SOURCE[:PATH][,key=value]")
        try:
            keys = _Keys.model_validate(dict(pair.partition("=")[::2] for pair in pairs))
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(
                f"{text!r}: {first['loc'][0]}: {first['msg']}; keys are "
                f"{', '.join(_Keys.model_fields)}"
            ) from error
        return cls(name, found, Path(path) if path else None, keys)


def _load(spec: _Spec) -> Iterator[Problem]:
    keys = spec.keys
    if spec.source == PROBLEMS:
        if spec.path is None:
            raise DataError("name the file: problems:PATH")
        return jsonl.read(spec.path)
    found = source(spec.source, **keys.options())
    splits = SOURCES[spec.source].splits
    default = "test" if "test" in splits or not splits else splits[0]
    return found.load(keys.split or keys.wordings or default, path=spec.path, hub=keys.hub)


def _unique(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems without repetitions: counted twice, they would weigh twice."""
    seen = set()
    for problem in problems:
        content = (problem.question, problem.answer)
        if content not in seen:
            seen.add(content)
            yield problem


def _limited(problems: Iterator[Problem], spec: _Spec, limit: int | None) -> list[Problem]:
    """`limit` of the problems in their order; a larger limit keeps those of a smaller one."""
    if spec.source == PROCEDURAL:
        return list(islice(problems, limit or DEFAULT_LIMIT))
    found = list(problems)
    if limit is None or limit >= len(found):
        return found
    ranked = sorted(found, key=lambda one: key(spec.keys.draw, one.question))
    chosen = {one.question for one in ranked[:limit]}
    return [one for one in found if one.question in chosen]
