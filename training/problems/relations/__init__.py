"""The relation kinds, grouped by subject."""

from __future__ import annotations

from training.problems.relations import bare, change, compare, groups, measures, money, places, times
from training.problems.relations.relation import Relation

ALL: tuple[Relation, ...] = (
    *change.RELATIONS,
    *groups.RELATIONS,
    *compare.RELATIONS,
    *money.RELATIONS,
    *places.RELATIONS,
    *times.RELATIONS,
    *measures.RELATIONS,
    *bare.RELATIONS,
)
