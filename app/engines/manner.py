"""How a checkpoint is spoken to: as it was trained, with instructions and a grammar, or plainly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.engines.checkpoint import Profile, trained_card
from app.errors import EngineStartError
from statespace import grammar, prompted
from statespace.errors import StatespaceError
from statespace.prompts import Prompt
from statespace.tree import StateTree


@dataclass(frozen=True, slots=True)
class Manner:
    """A profile with the prompts that go with it."""

    profile: Profile
    problem: Prompt
    """For what is to be solved in states."""
    plain: Prompt
    """For anything else."""
    opens: str = ""
    """What the model is given of its answer, because its training always had it there."""

    @classmethod
    def of(cls, profile: Profile, checkpoint: str, tokenizer: Any) -> Manner:
        """Raises `EngineStartError` if the checkpoint cannot be served in this way."""
        try:
            plain = Prompt.from_tokenizer(tokenizer)
            problem = prompted.prompt(tokenizer) if profile == "prompted" else plain
        except StatespaceError as error:
            raise EngineStartError(str(error)) from error
        card = trained_card(checkpoint, plain) if profile == "trained" else None
        return cls(profile, problem, plain, card.opens if card else "")

    def prompt(self, question: str, *, plain: bool) -> list[int]:
        """The prompt ids for a question."""
        return (self.plain if plain else self.problem).ids(question)

    def opening(self, *, plain: bool) -> str:
        """What an answer begins with without being generated; it may be nothing."""
        return "" if plain else self.opens

    def grammar(self, tree: StateTree, *, plain: bool) -> str | None:
        """What may follow the newest state; None where the model writes as it was trained."""
        if plain or self.profile != "prompted":
            return None
        return grammar.continuation(tree)
