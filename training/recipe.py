"""Recipes: one strict YAML file that says how a checkpoint is made.

An unknown key is an error that names the nearest known one. `--set a.b=value` overrides one value;
values are YAML.
"""

from __future__ import annotations

import difflib
import hashlib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import yaml
from pydantic import BaseModel, Field, PositiveFloat, PositiveInt, ValidationError

from training.curriculum.settings import Curriculum
from training.errors import RecipeError
from training.sections import Optimisation, Section, Share


class Gsm8k(Section):
    """GSM8K's training questions, turned into traces and mixed into supervised fine-tuning."""

    path: Path
    share: Share
    """Of the fine-tuning examples, how many come from GSM8K."""


class Tokens(Section):
    """The tokenizer."""

    vocabulary: Annotated[int, Field(ge=300)]
    problems: PositiveInt
    """How many problems, with their traces, it is trained on."""


class Model(Section):
    """The Llama architecture, made from scratch."""

    width: PositiveInt
    feed_forward: PositiveInt
    layers: PositiveInt
    heads: PositiveInt
    key_value_heads: PositiveInt
    positions: PositiveInt


class Base(Optimisation):
    """Language modelling on problem texts and arithmetic; no traces."""

    length: PositiveInt
    """Tokens in a sequence."""
    arithmetic: Share
    """Share of the tokens that are lines of arithmetic."""


class Sft(Optimisation):
    """Supervised fine-tuning on traces."""

    operations: dict[PositiveInt, PositiveFloat]
    """Weights of problems by number of operations."""
    length: PositiveInt
    """Tokens in a row of packed examples; longer examples are left out."""


class Evaluation(Section):
    """Greedy answers to problems that training never saw."""

    problems: PositiveInt
    """Of each kind: seen and held-out wordings, by number of operations."""
    batch: PositiveInt
    max_new_tokens: PositiveInt
    gsm8k: Path | None
    """GSM8K's test file."""


PLACES: Final[Any] = {"gsm8k": {"path"}, "evaluation": {"gsm8k"}, "start": True}
"""What of a recipe says where files lie; the manifest's `inputs` say what they hold."""


class Recipe(Section):
    """Everything that decides what a run makes."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    seed: int
    compile: bool
    """Whether to compile the model; half as fast again, but needs a C++ compiler."""
    gsm8k: Gsm8k | None
    start: Path | None = None
    """A checkpoint of a model of this shape, to go on from: its tokenizer and weights take the
    place of those that `tokenizer` and `base` would make."""
    tokenizer: Tokens
    model: Model
    base: Base
    sft: Sft
    advanced: Curriculum | None = None
    """Stage 2; without it the checkpoint knows the five forward actions only."""
    evaluation: Evaluation

    def digest(self) -> str:
        """SHA-256 of the recipe's values, as `sha256:<hex>`.

        Where data files lie is no part of it; what they hold is hashed on its own.
        """
        values = self.model_dump_json(exclude=PLACES)
        return "sha256:" + hashlib.sha256(values.encode()).hexdigest()


Kind = TypeVar("Kind", bound=Section)


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Reads a recipe of a model from scratch; `load_as` says what it raises."""
    return load_as(Recipe, path, overrides)


def load_as(kind: type[Kind], path: Path, overrides: Sequence[str] = ()) -> Kind:
    """Reads a recipe of one kind; each override is `dotted.key=value`. Raises RecipeError."""
    values = read(path)
    for override in overrides:
        _override(values, override)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "\n".join(f"  {line}" for line in _problems(kind, error))
        raise RecipeError(f"{path}:\n{problems}") from error


def read(path: Path) -> dict[str, Any]:
    """The keys and values of a recipe as they are written. Raises RecipeError."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path} must hold keys and values, such as `name: starter`")
    return values


def _override(values: dict[str, Any], override: str) -> None:
    key, found, text = override.partition("=")
    if not found:
        raise RecipeError(f"--set {override}: write it as key=value, such as --set sft.batch=16")
    *parents, last = key.strip().split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise RecipeError(f"--set {override}: {parent} holds no keys")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {override}: the value is not valid YAML") from error


def _problems(kind: type[Section], error: ValidationError) -> Iterable[str]:
    for problem in error.errors():
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            yield f"unknown key {key}{_nearest(kind, problem['loc'])}"
        elif problem["type"] == "missing":
            yield f"{key} is missing"
        else:
            yield f"{key}: {problem['msg']}, not {problem['input']!r}"


def _nearest(kind: type[Section], location: Sequence[int | str]) -> str:
    *parents, last = map(str, location)
    section: type[BaseModel] | None = kind
    for parent in parents:
        section = _section(section, parent)
    known = list(section.model_fields) if section else []
    match = difflib.get_close_matches(last, known, n=1, cutoff=0.5)
    if match:
        return f"; did you mean {'.'.join([*parents, match[0]])}?"
    return f"; known here: {', '.join(known)}" if known else ""


def _section(section: type[BaseModel] | None, key: str) -> type[BaseModel] | None:
    fields: Mapping[str, Any] = section.model_fields if section else {}
    annotation = fields[key].annotation if key in fields else None
    options = (
        typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    )
    return next(
        (kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel)), None
    )
