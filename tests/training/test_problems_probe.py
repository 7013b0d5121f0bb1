"""The hand-written probe: forty sound problems, none of which the generator makes."""

from __future__ import annotations

from fractions import Fraction

from training.problems import generator, probe


def test_forty_different_problems_with_positive_answers() -> None:
    made = probe.problems()
    assert len({p.id for p in made}) == len({p.question for p in made}) == 40
    assert all(Fraction(p.answer) > 0 for p in made)


def test_none_is_generated() -> None:
    """A question trained on would say nothing of words nobody chose."""
    probed = {p.question.lower() for p in probe.problems()}
    made = {
        generator.generate(seed, index).question.lower() for seed in (1, 2) for index in range(3000)
    }
    assert not probed & made
