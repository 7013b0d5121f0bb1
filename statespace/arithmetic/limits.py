"""Hard limits that make verification total: every loop spends steps from one budget.

A step is one token read, one grammar rule tried or one segment examined. Work per step is bounded
too, because numbers are (`MAX_DIGITS`, `MAX_BITS`), so the step count bounds the time.
"""

from __future__ import annotations

from typing import Final

MAX_TEXT: Final = 16_384
"""Characters of an output that are scanned; the rest is left unchecked."""
MAX_STEPS: Final = 50_000
"""Steps one call may spend. Ordinary text takes about one step a character."""
MAX_DIGITS: Final = 40
"""Digits of a written number; longer ones are values nobody knows."""
MAX_BITS: Final = 1024
"""Size of a numerator or denominator; a larger result is a value nobody knows."""
MAX_EXPONENT: Final = 256
"""Absolute value of an exponent."""
MAX_DEPTH: Final = 16
"""Nesting of brackets and stacked exponents inside one expression."""
MAX_CHECKS: Final = 256
"""Checks one output may carry."""
MAX_PHRASE: Final = 8
"""Words of a unit ("pages of ads") or of a quantity's name ("total cost")."""
MAX_NAMES: Final = 64
"""Names a scope holds; the oldest is forgotten first."""
MAX_NAME_LENGTH: Final = 80
"""Characters of a name that is worth remembering."""


class OutOfStepsError(Exception):
    """The budget is spent. Raised inside the verifier only, never to its caller."""


class Budget:
    """Counts steps, and stops the work once the limit is reached."""

    __slots__ = ("limit", "spent")

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self.limit = limit
        self.spent = 0

    def spend(self, steps: int = 1) -> None:
        """Count `steps`; raises `OutOfStepsError` where they would exceed the limit."""
        if self.spent + steps > self.limit:
            raise OutOfStepsError
        self.spent += steps
