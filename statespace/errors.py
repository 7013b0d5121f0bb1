"""The errors of the state space.

    StatespaceError
    ├── PromptError    a prompt cannot be built from this tokenizer or question
    ├── CardError      a checkpoint card is missing, malformed or of another version
    ├── RepairError    a repair cannot be worded: nothing is refuted, or nothing to return to
    └── SymbolicError  formulas cannot be compared: math-verify is not installed

Model text never raises: what is wrong with it is data (`legal`, `verdict`).
"""

from __future__ import annotations


class StatespaceError(Exception):
    """Base of all errors raised by `statespace`."""


class PromptError(StatespaceError):
    """A prompt cannot be built; the message says what to change."""


class CardError(StatespaceError):
    """A checkpoint card cannot be used; the message says what to do."""


class RepairError(StatespaceError):
    """There is nothing to repair, or nothing to return to."""


class SymbolicError(StatespaceError):
    """Formulas cannot be compared; the message says what to install."""
