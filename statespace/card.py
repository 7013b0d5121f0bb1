"""The card of a checkpoint, `statewise.json`: what it was trained to do, from what, how well.

Serving reads it to know that a checkpoint writes state transitions by itself, and that the prompt
it is about to send is the one the checkpoint was trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, ValidationError, field_validator

from statespace.actions import START_SUCCESSORS, Action
from statespace.errors import CardError
from statespace.text import header
from statespace.trace import TRACE_VERSION, Frozen

NAME: Final = "statewise.json"
"""The card's file name in a checkpoint folder."""

Stage = Literal["fundamental", "advanced"]
"""The curriculum's stages (Kwai-STaR, §3): forward actions; then also Verify and Backtrack."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class RecipeReference(Frozen):
    """The recipe a checkpoint was made with."""

    name: str
    hash: Digest


class Score(Frozen):
    """Greedy accuracy on one set of problems."""

    set: Annotated[str, Field(description="What the problems are.")]
    right: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=1)]

    @property
    def accuracy(self) -> float:
        """Share answered right, 0 to 1."""
        return self.right / self.total


class Card(Frozen):
    """What `statewise.json` holds."""

    state_space: Annotated[int, Field(description="Version of the state space.")] = TRACE_VERSION
    stage: Stage
    prompt: Annotated[Digest, Field(description="Fingerprint of the probe question's prompt ids.")]
    base_model: Annotated[str, Field(description="What fine-tuning started from.")]
    recipe: RecipeReference
    data: Annotated[
        dict[str, Digest], Field(default_factory=dict, description="Hashes of what trained it.")
    ]
    scores: tuple[Score, ...] = ()
    opening: Annotated[
        Action | None,
        Field(description="What every trace of its training begins with: it is given the header."),
    ] = None

    @field_validator("opening")
    @classmethod
    def _begins(cls, opening: Action | None) -> Action | None:
        if opening is not None and opening not in START_SUCCESSORS:
            raise ValueError(f"no trace may begin with {opening}")
        return opening

    @property
    def opens(self) -> str:
        """What all its traces begin with: it is given that, and need not write it."""
        return "" if self.opening is None else header(1, self.opening)

    @classmethod
    def load(cls, checkpoint: Path) -> Self:
        """The card in a checkpoint folder. Raises CardError."""
        path = checkpoint / NAME
        try:
            text = path.read_bytes()
            _check_version(path, text)
            return cls.model_validate_json(text)
        except FileNotFoundError as error:
            raise CardError(
                f"there is no {NAME} in {checkpoint}: serve the model in prompted mode, or name a "
                "folder that `statewise train` has written"
            ) from error
        except OSError as error:
            raise CardError(f"cannot read {path}: {error}; check its permissions") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the file"
            raise CardError(
                f"{path} is malformed ({key}: {first['msg']}); restore it or train the checkpoint "
                "again"
            ) from error

    def save(self, checkpoint: Path) -> None:
        """Writes the card into a checkpoint folder."""
        (checkpoint / NAME).write_text(
            self.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8"
        )


def _check_version(path: Path, text: bytes) -> None:
    """Before anything else: a card of another version may well hold other keys."""
    try:
        version = _Version.model_validate_json(text).state_space
    except ValidationError:
        return  # malformed, which is said key by key
    if version != TRACE_VERSION:
        raise CardError(
            f"{path} is of state-space version {version}, this release knows version "
            f"{TRACE_VERSION}; serve it with the release that trained it, or train it again with "
            "this one"
        )


class _Version(BaseModel):
    state_space: int = TRACE_VERSION
