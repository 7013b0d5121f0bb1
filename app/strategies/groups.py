"""Answers that are mathematically equal, put together as they come.

Numbers and words are compared here. Formulas are compared by math-verify where it is installed, in
a process that can be killed; what it does not find equal in time is different.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from typing import Final

import structlog

from statespace import symbolic
from statespace.equality import Value, plainly, read
from statespace.errors import SymbolicError

logger = structlog.get_logger(__name__)

DEADLINE_S: Final = 2.0
"""For one comparison."""
START_S: Final = 20.0
"""For the process that compares."""
BUDGET_S: Final = 10.0
"""For all comparisons of one solution's formulas."""


class Groups:
    """The groups of one solution's answers."""

    def __init__(self) -> None:
        self._known: list[Value] = []
        self._by_key: dict[object, int] = {}
        self._left_s = BUDGET_S
        self._lock = asyncio.Lock()

    async def of(self, answer: str) -> int:
        """The number of the answer's group. Others go on while formulas are compared."""
        value = read(answer)
        async with self._lock:
            group = self._by_key.get(value.key)
            if group is None:
                group = await self._equal(value)
            if group is None:
                group = len(self._known)
                self._known.append(value)
            self._by_key[value.key] = group
        return group

    async def _equal(self, value: Value) -> int | None:
        """The group whose first answer is a formula for the same."""
        unclear = [
            (group, known)
            for group, known in enumerate(self._known)
            if plainly(known, value) is None
        ]
        if not unclear or not _is_installed():
            return None
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._left_s):
                for group, known in unclear:
                    if await loop.run_in_executor(_thread(), _compare, known.text, value.text):
                        return group
        except TimeoutError:
            logger.info("formulas_not_compared", budget_s=BUDGET_S)
        except SymbolicError as error:
            logger.warning("formulas_not_compared", error=str(error))
        finally:
            self._left_s -= loop.time() - began
        return None


def _compare(one: str, other: str) -> bool:
    return symbolic.comparer(DEADLINE_S, START_S).equal(one, other)


@cache
def _thread() -> ThreadPoolExecutor:
    """Comparisons wait for each other here, and not in the threads that others need."""
    return ThreadPoolExecutor(1, "formulas")


@cache
def _is_installed() -> bool:
    return find_spec("math_verify") is not None
