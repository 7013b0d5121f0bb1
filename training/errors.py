"""The errors of training: what a user can put right, with the remedy in the message.

TrainingError
├── EvaluationError  a server cannot be evaluated, or a tool that evaluation needs is missing
├── RecipeError    a recipe cannot be read, or a key or value in it is wrong
├── DataError      a data file is missing or malformed
└── TeacherError   an endpoint cannot be reached or refuses the request
"""

from __future__ import annotations


class TrainingError(Exception):
    """Base of all errors raised by `training`; the message says what to do."""


class RecipeError(TrainingError):
    """A recipe is wrong."""


class DataError(TrainingError):
    """A data file is missing or malformed."""


class TeacherError(TrainingError):
    """An endpoint cannot be reached, or refuses every request of this kind."""


class EvaluationError(TrainingError):
    """A server cannot be evaluated, or a tool that evaluation needs is missing.

    `status` is the HTTP status of a server that refused, else None.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
