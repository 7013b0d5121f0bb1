"""The relation kinds, grouped by subject."""

from __future__ import annotations

from training.problems.relations import (
    bare,
    change,
    combined,
    compare,
    groups,
    measures,
    missing,
    money,
    places,
    proportion,
    times,
)
from training.problems.relations.relation import Relation

ALL: tuple[Relation, ...] = (
    *change.RELATIONS,
    *groups.RELATIONS,
    *combined.RELATIONS,
    *missing.RELATIONS,
    *proportion.RELATIONS,
    *compare.RELATIONS,
    *money.RELATIONS,
    *places.RELATIONS,
    *times.RELATIONS,
    *measures.RELATIONS,
    *bare.RELATIONS,
)
