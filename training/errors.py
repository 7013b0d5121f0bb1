"""The errors of training: what a user can put right, with the remedy in the message.

TrainingError
├── RecipeError    a recipe cannot be read, or a key or value in it is wrong
└── DataError      a data file is missing or malformed
"""

from __future__ import annotations


class TrainingError(Exception):
    """Base of all errors raised by `training`; the message says what to do."""


class RecipeError(TrainingError):
    """A recipe is wrong."""


class DataError(TrainingError):
    """A data file is missing or malformed."""
