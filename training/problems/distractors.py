"""Facts with numbers that the question doesn't need."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.wording import Renderer

_FACTS = (
    "{N|is} {k years} old.",
    "{his} school is {k miles} away.",
    "the walk to the {shop} takes {k minutes}.",
    "{N|has} {k pets} at home.",
    "it is {k degrees} outside.",
    "the {shop} opens at {k} o'clock.",
    "{he|lives} in house number {k}.",
    "{N|wakes} up at {k} in the morning.",
    "{M|is} {k years} old.",
    "the {shop} has {k workers}.",
    "{his} {kin} is {k years} old.",
    "{N|has} {k cousins}.",
    "{he|gets} up at {k} o'clock.",
    "the bus ride takes {k minutes}.",
    "{N|is} in class {k}.",
    "it {|rains} for {k hours} that day.",
    "{M|lives} {k miles} away.",
    "{N|drinks} {k cups} of water.",
    "the {shop} is {k years} old.",
    "{he|waits} {k minutes} in line.",
    "{N|has} been {his} neighbor for {k years}.",
    "there are {k trees} in front of the house.",
)


def distractor(rng: Random, renderer: Renderer) -> str:
    """One irrelevant sentence about the people of the scene."""
    fact = rng.choice(_FACTS)
    top = 12 if "at {k}" in fact else rng.choice((12, 12, 40))
    renderer.use({"k": Fraction(rng.randint(2, top))})
    return renderer.render(fact)
