"""Sources of problems, by name, behind one interface (`Source`)."""

from __future__ import annotations

import difflib
from dataclasses import fields
from typing import Final

from training.errors import DataError
from training.problems.sources.competition import Math
from training.problems.sources.own import Own
from training.problems.sources.procedural import Procedural
from training.problems.sources.school import Gsm8k, GsmHard, Mgsm, Svamp
from training.problems.sources.source import Source
from training.problems.sources.trainable import check_trainable, trainable

__all__ = ["SOURCES", "Source", "check_trainable", "source", "trainable"]

SOURCES: Final[dict[str, type[Source]]] = {
    kind.name: kind for kind in (Procedural, Gsm8k, GsmHard, Svamp, Mgsm, Math, Own)
}


def source(name: str, **options: object) -> Source:
    """The source of that name, with its own options: `seed`, `operations`, `language`.

    Raises DataError for a name that is not known, or an option that the source does not have.
    """
    kind = SOURCES.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, SOURCES, 1)
        hint = f"did you mean {near[0]}?" if near else f"sources are {', '.join(SOURCES)}"
        raise DataError(f"there is no source {name}; {hint}")
    for option in options:
        if option not in {field.name for field in fields(kind)}:
            raise DataError(f"{name} has no --{option}; leave it out")
    return kind(**options)
