"""Strategies by model name: OpenAI's clients can choose nothing else, so `NAME:guided` is one."""

from __future__ import annotations

from typing import Final

from app import strategies
from app.errors import RequestError

DEFAULT: Final = "single"
"""The strategy of the bare name."""
LISTED: Final = ("guided", "vote-8", "beam-3")
"""The strategies that names are listed for; any other number will do as well."""


def names(served: str) -> list[str]:
    """The names that are listed: the bare one and some with a strategy."""
    return [served, *(f"{served}:{name}" for name in LISTED)]


def split(model: str | None, served: str) -> tuple[str | None, str]:
    """The model and the strategy that a name asks for; where it asks for none it is left whole.

    Raises `RequestError` naming the strategies there are if the served model has no such one.
    """
    base, colon, strategy = (model or "").rpartition(":")
    if not colon or model == served:
        return model, DEFAULT
    try:
        strategies.split(strategy)
    except RequestError:
        if base != served:
            return model, DEFAULT
        raise RequestError(
            f"model: the strategy {strategy!r} is not known here; use one of "
            f"{', '.join(names(served))}",
            param="model",
            code="strategy_not_found",
        ) from None
    return base, strategy
