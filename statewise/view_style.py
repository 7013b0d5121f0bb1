"""Colours and words of the terminal."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from statespace.actions import Action
from statespace.solutions import IncompleteReason
from statespace.trace import Verdict

COLOURS: Final = MappingProxyType(
    {
        Action.FORMALIZE: "cyan",
        Action.DECOMPOSE: "magenta",
        Action.SOLVE_SUBQUESTION: "blue",
        Action.SOLVE_PARENT: "bright_blue",
        Action.VERIFY: "yellow",
        Action.BACKTRACK: "bright_yellow",
        Action.SUMMARIZE: "green",
        Action.OTHER: "red",
    }
)
VERDICTS: Final = MappingProxyType(
    {
        Verdict.VERIFIED: ("✓ verified", "green"),
        Verdict.REFUTED: ("✗ refuted", "bold red"),
        Verdict.UNCHECKED: ("", "dim"),
    }
)
REASONS: Final = MappingProxyType(
    {
        IncompleteReason.NO_ANSWER: "the model stopped without stating an answer",
        IncompleteReason.MAX_TOKENS: "the token limit was reached",
        IncompleteReason.MAX_TRANSITIONS: "the transition limit was reached",
        IncompleteReason.DEADLINE: "the time was up",
        IncompleteReason.REPETITION: "the model began to repeat itself",
        IncompleteReason.SHUTDOWN: "the server is shutting down",
    }
)
