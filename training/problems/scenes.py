"""Draws the scene of a problem, and states what it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from training.problems import names, nouns
from training.problems.relations.relation import Kind, Relation
from training.problems.wording import Scene

_PLACED = ("food", "thing", "animal", "people", "child")

_INVENTED = 0.15
"""Share of scenes about things that don't exist."""


class UnsuitableSceneError(ValueError):
    """The relations of a chain don't fit one scene."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Sentences that give the quantity x a problem starts from, one set for each kind."""

    description: str
    facts: tuple[str, ...]


STATEMENTS: dict[Kind, Statement] = {
    "hold": Statement(
        "{nouns} at first",
        (
            "{N|has} {x nouns}.",
            "{N|has} {x nouns}.",
            "{N|buys} {x nouns}.",
            "{N|owns} {x nouns}.",
            "{N|starts} with {x nouns}.",
            "there {#are x} {x nouns} in {N's} {box}.",
            "{N|gets} {x nouns} from the {shop}.",
            "{N|collects} {x nouns}.",
            "{N|finds} {x nouns}.",
            "{N|picks} {x nouns}.",
            "{N|has} {x nouns} in {an box}.",
            "{N|has} {an box} with {x nouns}.",
            "in the morning {N|has} {x nouns}.",
            "at first {N|has} {x nouns}.",
            "{N's} {box} has {x nouns} in it.",
            "{N|brings} {x nouns} to school.",
            "{N|makes} {x nouns}.",
            "{N|receives} {x nouns} from {his} {kin}.",
            "there {#are x} {x nouns} on {N's} table.",
            "{N|counts} {his} {nouns}: there {#are x} {x}.",
            "{his} {kin} gives {N} {x nouns}.",
            "{N|has} a collection of {x nouns}.",
            "{x nouns} belong to {@N}.",
            "{N|wins} {x nouns} at the fair.",
            "{N} already {|has} {x nouns}.",
            "{N|carries} {an box} with {x nouns} in it.",
            "~{N|holds} {x nouns}.",
            "~to start with, {N|has} {x nouns}.",
            "~{N's} {box} contains {x nouns}.",
        ),
    ),
    "place": Statement(
        "{nouns} at first",
        (
            "there {#are x} {x nouns} {place}.",
            "{x nouns} {#are} {place}.",
            "at first there {#are x} {x nouns} {place}.",
            "{place} there {#are x} {x nouns}.",
            "{N|sees} {x nouns} {place}.",
            "{N|counts} {x nouns} {place}.",
            "in the morning there {#are x} {x nouns} {place}.",
            "a group of {x nouns} {*are} {place}.",
            "~we count {x nouns} {place}.",
        ),
    ),
    "bill": Statement(
        "price",
        (
            "{N's} bill is {$x}.",
            "{N|buys} things for {$x}.",
            "{an noun} costs {$x}.",
            "{N|buys} {an noun} for {$x}.",
            "{N|spends} {$x} at the {shop}.",
            "{N|has} to pay {$x}.",
            "a meal for {@N} costs {$x}.",
            "the price of {an noun} is {$x}.",
            "{N|orders} food for {$x}.",
            "~{N's} shopping comes to {$x}.",
        ),
    ),
    "purse": Statement(
        "money at first",
        (
            "{N|has} {$x}.",
            "{N|has} {$x} in {his} wallet.",
            "{N|has} {$x} in {his} piggy bank.",
            "{N|saves} {$x}.",
            "{N|gets} {$x} for {his} birthday.",
            "there is {$x} in {N's} purse.",
            "{N|earns} {$x}.",
            "{N|takes} {$x} to the {shop}.",
            "{N|starts} with {$x}.",
            "{his} {kin} gives {N} {$x}.",
            "{N|brings} {$x} along.",
            "{N|owns} {$x}.",
            "~{N's} wallet holds {$x}.",
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
    named = any(relation.named for relation in chain)
    hero = names.named(rng) if named else names.protagonist(rng)
    in_place = any("place" in (relation.takes, relation.gives) for relation in chain)
    pool = _pool(rng, chain, in_place=in_place)
    place = rng.choice([name for name, sort in nouns.PLURAL_PLACES if sort == pool] or ["there"])
    noun, other = _nouns(rng, pool)
    day = rng.randrange(len(nouns.DAYS) - 1)
    color, color2 = rng.sample(nouns.COLORS, 2)
    sexes = rng.sample(nouns.SEXES, 2)
    mass, mass2 = rng.sample(nouns.MASSES, 2)
    return Scene(
        people={"N": hero},
        taken={hero.name},
        nouns={
            "noun": noun,
            "other": other,
            "box": rng.choice([c for c in nouns.CONTAINERS if c != noun]),
            "row": rng.choice(nouns.ROWS),
            "group": rng.choice(nouns.GROUPS),
            "friend": rng.choice(nouns.FRIENDS),
            "len": rng.choice(nouns.LENGTHS),
            "dist": rng.choice(nouns.DISTANCES),
            "weight": rng.choice(nouns.WEIGHTS),
            "volume": rng.choice(nouns.VOLUMES),
            "period": rng.choice(nouns.PERIODS),
            "span": rng.choice(nouns.SPANS),
            "item": rng.choice(nouns.ITEMS),
            "make": rng.choice(nouns.MAKES),
            "first": sexes[0],
            "second": sexes[1],
            "beast": rng.choice(nouns.BEASTS),
            "goal": rng.choice(nouns.GOALS),
        },
        words={
            "place": place,
            "shop": rng.choice(nouns.SHOPS).replace("_", " "),
            "kin": rng.choice(nouns.KIN),
            "vehicle": rng.choice(nouns.VEHICLES),
            "plot": rng.choice(nouns.PLOTS),
            "rope": rng.choice(nouns.ROPES),
            "noun_mass": mass,
            "other_mass": mass2,
            "pie": rng.choice(nouns.PIES),
            "drink": rng.choice(nouns.DRINKS),
            "rental": rng.choice(nouns.RENTALS),
            "color": color,
            "color2": color2,
            "day": nouns.DAYS[day],
            "next_day": nouns.DAYS[day + 1],
        },
    )


def _pool(rng: Random, chain: Sequence[Relation], *, in_place: bool) -> str:
    """The sort of things a chain is about. Raises UnsuitableSceneError if relations disagree."""
    fitting = set(_PLACED if in_place else nouns.POOLS)
    wanted = [set(relation.noun.split()) for relation in chain if relation.noun]
    if not wanted and not in_place:
        return rng.choice(("food", "thing", "thing"))
    fitting = fitting.intersection(*wanted)
    if not fitting:
        raise UnsuitableSceneError(", ".join(relation.name for relation in chain))
    return rng.choice(sorted(fitting))


def _nouns(rng: Random, pool: str) -> tuple[nouns.Noun, nouns.Noun]:
    """What is counted, and something else of its sort."""
    noun = rng.choice(nouns.POOLS[pool])
    if pool == "thing" and rng.random() < _INVENTED:
        noun = nouns.invented(rng)
    others = nouns.POOLS[pool] if len(nouns.POOLS[pool]) > 1 else nouns.THINGS
    return noun, rng.choice([other for other in others if other is not noun])
