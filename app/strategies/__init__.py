"""Strategies: how generation is steered into solutions. Each is an async generator of steps."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from app.strategies.base import Strategy
from app.strategies.single import single

STRATEGIES: Final = MappingProxyType[str, Strategy]({"single": single})
"""Strategies by the name that requests use."""
