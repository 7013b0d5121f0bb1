"""The relation kinds, grouped by subject."""

from __future__ import annotations

from training.problems.relations import (
    ages,
    bare,
    bills,
    change,
    compare,
    days,
    earning,
    geometry,
    groups,
    measures,
    missing,
    parts,
    percents,
    places,
    proportion,
    rates,
    riddles,
    saving,
    scores,
    sharing,
    shopping,
    times,
    together,
    travel,
)
from training.problems.relations.relation import Relation

_SUBJECTS = (
    ages,
    bare,
    bills,
    change,
    compare,
    days,
    earning,
    geometry,
    groups,
    measures,
    missing,
    parts,
    percents,
    places,
    proportion,
    rates,
    riddles,
    saving,
    scores,
    sharing,
    shopping,
    times,
    together,
    travel,
)
ALL: tuple[Relation, ...] = tuple(r for subject in _SUBJECTS for r in subject.RELATIONS)
