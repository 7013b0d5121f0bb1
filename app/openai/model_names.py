"""Strategies by model name: OpenAI's clients can choose nothing else, so `NAME:guided` is one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from app.errors import RequestError
from app.strategies import STRATEGIES

DEFAULT: Final = "single"
"""The strategy of the bare name."""


def names(served: str, strategies: Collection[str] = STRATEGIES) -> list[str]:
    """The names that are listed: the bare one and one for each other strategy."""
    return [served, *(f"{served}:{name}" for name in strategies if name != DEFAULT)]


def split(
    model: str | None, served: str, strategies: Collection[str] = STRATEGIES
) -> tuple[str | None, str]:
    """The model and the strategy that a name asks for; another model's name is left whole.

    Raises `RequestError` naming the strategies there are if that one is not among them.
    """
    base, colon, strategy = (model or "").rpartition(":")
    if not colon or base != served or model == served:
        return model, DEFAULT
    if strategy not in strategies:
        known = ", ".join([served, *(f"{served}:{name}" for name in strategies)])
        raise RequestError(
            f"model: the strategy {strategy!r} is not known here; use one of {known}",
            param="model",
            code="strategy_not_found",
        )
    return served, strategy
