"""Strategies: how generation is steered into solutions. Each is an async generator of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from app.errors import RequestError
from app.strategies.base import Strategy
from app.strategies.beam import beam
from app.strategies.guided import guided
from app.strategies.single import single
from app.strategies.vote import vote
from statespace.options import BeamOptions, GuidedOptions, Options, VoteOptions
from statespace.solutions import SolutionRequest

STRATEGIES: Final = MappingProxyType[str, Strategy](
    {
        "single": Strategy(single),
        "guided": Strategy(guided, GuidedOptions, "retries"),
        "vote": Strategy(vote, VoteOptions, "paths", lambda told: told.paths),
        "beam": Strategy(beam, BeamOptions, "width", lambda told: told.width * told.candidates),
    }
)
"""Strategies by the name that requests use."""
_NUMBERED: Final = re.compile(r"([a-z]+)-([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A strategy with what it was told."""

    strategy: Strategy
    options: Options | None = None

    @property
    def paths(self) -> int:
        """How many times `max_tokens` it may cost."""
        return self.strategy.paths(self.options)


def chosen(request: SolutionRequest) -> Chosen:
    """The strategy that a request asks for. Raises `RequestError` naming the field."""
    name, number = split(request.strategy)
    strategy = STRATEGIES[name]
    for other, known in STRATEGIES.items():
        if other != name and known.options and getattr(request, other) is not None:
            raise RequestError(
                f"{other}: these are options of the strategy {other!r}; leave them out or set "
                f"strategy to {other!r}",
                param=other,
            )
    if strategy.options is None:
        return Chosen(strategy)
    given: Options = getattr(request, name) or strategy.options()
    if number is None:
        return Chosen(strategy, given)
    assert strategy.number is not None, "only numbered names have a number"
    fields = given.model_dump(exclude_unset=True)
    if fields.setdefault(strategy.number, number) != number:
        raise RequestError(
            f"{name}.{strategy.number}: the strategy's name says {number}; say it once",
            param=f"{name}.{strategy.number}",
        )
    try:
        return Chosen(strategy, strategy.options.model_validate(fields))
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise RequestError(f"strategy: {request.strategy!r}: {message}", param="strategy") from None


def split(strategy: str) -> tuple[str, int | None]:
    """A strategy's name and the number after it, as in `vote-8`. Raises `RequestError`."""
    if strategy in STRATEGIES:
        return strategy, None
    found = _NUMBERED.fullmatch(strategy)
    if found and found[1] in STRATEGIES and STRATEGIES[found[1]].number is not None:
        return found[1], int(found[2])
    known = ", ".join(STRATEGIES)
    raise RequestError(f"strategy: {strategy!r} is unknown; known: {known}", param="strategy")
