"""What must not be trained on: evaluation sets, and the test splits of all others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Protocol, TypeVar

from training.errors import DataError

EVALUATION_SETS: Final = frozenset({"gsm-hard", "svamp", "mawps", "asdiv", "mgsm"})
"""By name of the source, with and without a loader here."""
_FOLDED: Final = frozenset(name.replace("-", "") for name in EVALUATION_SETS)
_HELD_OUT: Final = re.compile(r"tests?\b|test[-_ ]|held[-_ ]?out|eval(uation)?\b", re.IGNORECASE)


class Sourced(Protocol):
    """Anything that says where it is from: a problem, a trace row."""

    @property
    def source(self) -> str: ...
    @property
    def split(self) -> str: ...


Row = TypeVar("Row", bound=Sourced)


def check_trainable(source: str, split: str) -> None:
    """Raises DataError if this split of this source is for evaluation only."""
    if re.sub(r"[^a-z0-9]", "", source.lower()) in _FOLDED:
        raise DataError(
            f"{source} is an evaluation set and is never trained on; leave its rows out, and make "
            "training problems from gsm8k, procedural or a file of your own"
        )
    if _HELD_OUT.match(split):
        raise DataError(
            f"the split {split} of {source} is for evaluation and is never trained on; make the "
            "problems file from a training split"
        )


def is_trainable(source: str, split: str) -> bool:
    """Whether rows of this split of this source may be trained on."""
    try:
        check_trainable(source, split)
    except DataError:
        return False
    return True


def trainable(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows as they come. Raises DataError at the first that must not be trained on."""
    checked: set[tuple[str, str]] = set()
    for row in rows:
        if (row.source, row.split) not in checked:
            check_trainable(row.source, row.split)
            checked.add((row.source, row.split))
        yield row
