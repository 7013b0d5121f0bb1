"""Pace: how fast requests may follow each other, and how long to wait after a refusal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tenacity import RetryCallState, wait_random_exponential

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 60.0


class Pace:
    """Spaces events evenly, so that in no minute there are more than `per_minute` after the first.

    Virtual scheduling, as in the generic cell rate algorithm (ITU-T I.371) without bursts.
    """

    def __init__(
        self,
        per_minute: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seconds = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0

    async def take(self, amount: float = 1.0) -> None:
        """Waits for one's turn; `amount` events follow."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + amount * self._seconds
        if turn > now:
            await self._sleep(turn - now)

    def settle(self, taken: float, used: float) -> None:
        """Corrects what was taken for an estimate."""
        self._next += (used - taken) * self._seconds

    def hold(self, seconds: float) -> None:
        """Nobody's turn comes before so many seconds have passed."""
        self._next = max(self._next, self._clock() + seconds)


class Average:
    """The mean of what was seen; until something was, a guess is taken instead."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        """Takes a value in."""
        self._sum += value
        self._count += 1

    def get(self, guess: float) -> float:
        """The mean, or `guess`."""
        return self._sum / self._count if self._count else guess


def retry_after(header: str | None) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date), if it has any."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


class Backoff(wait_random_exponential):
    """Pauses up to a doubling limit, and never shorter than the server asked for.

    The failure says what that was in its attribute `after` (seconds or None). The spread keeps
    those that failed together from coming back together.
    """

    def __init__(self) -> None:
        super().__init__(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S)

    def __call__(self, retry_state: RetryCallState) -> float:
        pause = super().__call__(retry_state)
        failure = retry_state.outcome.exception() if retry_state.outcome else None
        after: float | None = getattr(failure, "after", None)
        return pause if after is None else after + min(pause, FIRST_PAUSE_S)
