"""What a kind of relation between quantities is: its numbers, its graph and its wordings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from training.problems.numbers import Draw

Kind = Literal["", "hold", "place", "bill", "purse"]
"""What flows from one relation to the next: things a person has, things in a place, the price of
a purchase, money a person has. "" flows nowhere: the relation opens or ends a problem."""

HELD = "~"
"""Prefix of a wording that is held out of training."""


@dataclass(frozen=True, slots=True)
class Step:
    """One derived quantity: `expression` over names of this relation, x being what came in."""

    name: str
    expression: str
    description: str


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One kind of relation between quantities.

    `facts` state its givens; `asks` ask for its last step, after the facts; `whole` wordings are
    entire problems in one breath (they state x as well). Where `takes` is empty the relation opens
    a problem and its facts state everything. `unit` is the answer's, a template ("{nouns}", "$").
    """

    name: str
    takes: Kind
    gives: Kind
    draw: Draw
    givens: dict[str, str]
    steps: tuple[Step, ...]
    facts: tuple[str, ...]
    asks: tuple[str, ...]
    whole: tuple[str, ...] = ()
    unit: str = "{nouns}"
    money: frozenset[str] = field(default_factory=frozenset)
    """Names that are sums of money."""
    fractional: frozenset[str] = field(default_factory=frozenset)
    """Steps whose value needn't be whole (at most two decimals)."""
    noun: str = ""
    """The pool that `{noun}` must come from, if it matters."""
    named: bool = False
    """Whether the protagonist must have a name (no "I", no roles)."""
    top: int = 100_000
    """Bound on every given."""
    weight: float = 1.0

    @property
    def wordings(self) -> tuple[str, ...]:
        return self.facts + self.asks + self.whole


def allowed(wordings: tuple[str, ...], *, heldout: bool) -> tuple[str, ...]:
    """The wordings of one side of the split, without their mark."""
    if heldout:
        return tuple(w[1:] for w in wordings if w.startswith(HELD))
    return tuple(w for w in wordings if not w.startswith(HELD))


def step(name: str, expression: str, description: str) -> Step:
    """Short for `Step`, for the tables."""
    return Step(name, expression, description)
