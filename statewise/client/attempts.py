"""When to try again: after what the server asks for, else after waits that double, for so long."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx2

from statewise.client.errors import RefusedError, ServerError

FIRST_S: Final = 0.25
LONGEST_S: Final = 10.0
PATIENCE_S: Final = 60.0


class Pulse:
    """When a server has last been heard of; all calls of one client share it."""

    def __init__(self) -> None:
        self.met = False
        """Whether anything has ever answered there."""
        self.heard_at = 0.0

    def beat(self) -> None:
        """It has answered, and not with "later"."""
        self.met = True
        self.heard_at = time.monotonic()


class Attempts:
    """The attempts of one call.

    They end when nothing was heard of the server for `patience_s` since they began to fail. A
    server that was never heard of and refuses connections is given up at once: the address is wrong
    more often than the server late.
    """

    def __init__(self, patience_s: float, pulse: Pulse) -> None:
        self._patience_s = patience_s
        self._pulse = pulse
        self._failures = 0
        self._failing_since = 0.0

    @property
    def failed_before(self) -> bool:
        """Whether an attempt has failed since something was heard."""
        return self._failures > 0

    def heard(self) -> None:
        """Something came: patience begins anew."""
        self._failures = 0
        self._pulse.beat()

    @contextmanager
    def listening(self, response: httpx2.Response) -> Iterator[None]:
        """A connection that was cut or has ended was heard if any byte of its body came.

        Heartbeats count; a bare status does not, nor do bytes that are found wrong.
        """
        try:
            yield
        except httpx2.HTTPError:
            self._count(response)
            raise
        self._count(response)

    def _count(self, response: httpx2.Response) -> None:
        if response.num_bytes_downloaded > 0:
            self.heard()

    def wait_s(self, error: ServerError) -> float:
        """Seconds until the next attempt. Raises `error` if there is to be none."""
        if not error.passing:
            raise error
        if error.refused and not self._pulse.met:
            raise error
        if self._failures == 0:
            self._failing_since = time.monotonic()
        self._pulse.met = self._pulse.met or isinstance(error, RefusedError)
        seconds = None
        if isinstance(error, RefusedError) and error.retry_after is not None:
            # Not all clients at the same moment again.
            seconds = error.retry_after * random.uniform(1.0, 1.2)
        if seconds is None:
            seconds = backoff(self._failures)
        self._failures += 1
        patient_since = max(self._failing_since, self._pulse.heard_at)
        if time.monotonic() + seconds > patient_since + self._patience_s:
            raise error
        return seconds


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures and one more."""
    return float(min(LONGEST_S, FIRST_S * 2 ** min(failures, 10)) * random.uniform(0.5, 1.0))
