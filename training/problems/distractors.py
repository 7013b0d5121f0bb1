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
)


def distractor(rng: Random, renderer: Renderer) -> str:
    """One irrelevant sentence about the people of the scene."""
    renderer.use({"k": Fraction(rng.randint(5, 12))})
    return renderer.render(rng.choice(_FACTS))
