"""Draws the scene of a problem, and states what it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from training.problems import names, nouns
from training.problems.relations.relation import Kind, Relation
from training.problems.wording import Scene


@dataclass(frozen=True, slots=True)
class Statement:
    """Sentences that give the quantity x a problem starts from, one set for each kind."""

    description: str
    facts: tuple[str, ...]


STATEMENTS: dict[Kind, Statement] = {
    "hold": Statement(
        "{nouns} at first",
        (
            "{N|has} {x nouns}.", "{N|has} {x nouns}.", "{N|buys} {x nouns}.", "{N|owns} {x nouns}.",
            "{N|starts} with {x nouns}.", "there {#are x} {x nouns} in {N's} {box}.",
            "{N|gets} {x nouns} from the {shop}.", "{N|collects} {x nouns}.", "{N|finds} {x nouns}.",
            "{N|picks} {x nouns}.", "{N|has} {x nouns} in a {box}.", "{N|has} a {box} with {x nouns}.",
            "in the morning {N|has} {x nouns}.", "at first {N|has} {x nouns}.",
            "~{N|holds} {x nouns}.", "~to start with, {N|has} {x nouns}.", "~{N's} {box} contains {x nouns}.",
        ),
    ),
    "place": Statement(
        "{nouns} at first",
        (
            "there {#are x} {x nouns} {place}.", "{x nouns} {#are} {place}.",
            "at first there {#are x} {x nouns} {place}.", "~we count {x nouns} {place}.",
        ),
    ),
    "bill": Statement(
        "price",
        (
            "{N's} bill is {$x}.", "{N|buys} things for {$x}.", "a {noun} costs {$x}.",
            "~{N's} shopping comes to {$x}.",
        ),
    ),
    "purse": Statement(
        "money at first",
        (
            "{N|has} {$x}.", "{N|has} {$x} in {his} wallet.", "{N|has} {$x} in {his} piggy bank.",
            "{N|saves} {$x}.", "{N|gets} {$x} for {his} birthday.", "~{N's} wallet holds {$x}.",
        ),
    ),
}


def bystander(rng: Random, scene: Scene) -> names.Person:
    """Someone else, whose pronoun can't be mistaken for the protagonist's."""
    taken = frozenset({scene.people["N"].pronoun, "they"})
    while True:
        person = names.named(rng, taken)
        if person.name not in scene.taken:
            scene.taken.add(person.name)
            return person


def scene(rng: Random, chain: Sequence[Relation]) -> Scene:
    """People, nouns and places that fit a chain of relations."""
    hero = names.protagonist(rng)
    place, pool = rng.choice(nouns.PLURAL_PLACES)
    in_place = any("place" in (relation.takes, relation.gives) for relation in chain)
    noun = rng.choice(nouns.POOLS[pool]) if in_place else nouns.owned(rng)
    noun2 = nouns.owned(rng)
    while noun2 == noun:
        noun2 = nouns.owned(rng)
    day = rng.randrange(len(nouns.DAYS) - 1)
    color, color2 = rng.sample(nouns.COLORS, 2)
    return Scene(
        people={"N": hero},
        taken={hero.name},
        nouns={
            "noun": noun,
            "other": noun2,
            "box": rng.choice([c for c in nouns.CONTAINERS if c != noun]),
            "row": rng.choice(nouns.ROWS),
            "group": rng.choice(nouns.GROUPS),
            "friend": rng.choice(nouns.FRIENDS),
        },
        words={
            "place": place,
            "shop": rng.choice(nouns.SHOPS).replace("_", " "),
            "color": color,
            "color2": color2,
            "day": nouns.DAYS[day],
            "next_day": nouns.DAYS[day + 1],
        },
    )
