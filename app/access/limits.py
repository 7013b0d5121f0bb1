"""What a key has used of its limits: token buckets, filled a little every moment.

They are counted in this process: with several replicas a key has its limits on each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.access.keys import Key
from app.errors import RateLimitError

MINUTE: Final = 60.0


class Bucket:
    """`per_minute` at once, and as many again spread over each minute."""

    def __init__(self, per_minute: int, now: float) -> None:
        self.per_minute = per_minute
        self._level = float(per_minute)
        self._at = now

    def level(self, now: float) -> float:
        """What can be taken; below zero when more was used than had been counted for."""
        self._level = min(self.per_minute, self._level + self._gain(now))
        self._at = now
        return self._level

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, or with a negative one give it back."""
        self._level = min(self.per_minute, self.level(now) - amount)

    def seconds_until(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be taken."""
        return max(amount - self.level(now), 0) * MINUTE / self.per_minute

    def _gain(self, now: float) -> float:
        return (now - self._at) * self.per_minute / MINUTE


class Usage:
    """One key's requests in hand, and its buckets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key: Key | None = None
        self.in_hand = 0
        """Requests that wait or run."""
        self._requests: Bucket | None = None
        self._tokens: Bucket | None = None

    def take(self, key: Key, tokens: int, run_s: float) -> int:
        """Count a request that may cost `tokens`; returns what was counted for them.

        A request that may cost more than a minute's tokens waits until all of them are there; what
        it really cost is counted at its end. `run_s` is how long a request takes. Raises
        `RateLimitError`.
        """
        self._adapt(key)
        now = self._clock()
        if key.max_concurrent is not None and self.in_hand >= key.max_concurrent:
            raise RateLimitError(
                f"the key {key.name!r} has {self.in_hand} requests in hand and may have "
                f"{key.max_concurrent}; wait until one has ended",
                retry_after=run_s / self.in_hand,
                limit="concurrent",
            )
        if self._requests is not None:
            _require(self._requests, 1, now, f"the key {key.name!r} may make", "requests")
        if self._tokens is not None:
            tokens = min(tokens, self._tokens.per_minute)
            told = f"the request may cost {tokens} tokens and the key {key.name!r} may use"
            _require(self._tokens, tokens, now, told, "tokens")
        self._change(1, tokens, now)
        self.in_hand += 1
        return tokens

    def give_back(self, counted: int, used: int | None) -> None:
        """The request has ended: `used` is what it cost, None if it was never begun."""
        self.in_hand -= 1
        if used is None:
            self._change(-1, -counted, self._clock())
        else:
            self._change(0, used - counted, self._clock())

    def headers(self, key: Key) -> dict[str, str]:
        """What is left, as OpenAI's headers; nothing for what has no limit.

        `key` is what the request came with. Limits that were changed since stand as they are.
        """
        if self._key is None:
            self._adapt(key)
        now = self._clock()
        found = {}
        for name, bucket, per_minute in (
            ("requests", self._requests, key.requests_per_minute),
            ("tokens", self._tokens, key.tokens_per_minute),
        ):
            if bucket is not None and bucket.per_minute == per_minute:
                reset = bucket.seconds_until(bucket.per_minute, now)
                found[f"x-ratelimit-limit-{name}"] = str(bucket.per_minute)
                found[f"x-ratelimit-remaining-{name}"] = str(max(int(bucket.level(now)), 0))
                found[f"x-ratelimit-reset-{name}"] = f"{reset:.3f}s"
        return found

    def _change(self, requests: int, tokens: int, now: float) -> None:
        if self._requests is not None and requests:
            self._requests.take(requests, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)

    def _adapt(self, key: Key) -> None:
        """Follow limits that were changed in the file."""
        if key is self._key:
            return
        self._key = key
        now = self._clock()
        self._requests = _adapted(self._requests, key.requests_per_minute, now)
        self._tokens = _adapted(self._tokens, key.tokens_per_minute, now)


def _adapted(bucket: Bucket | None, per_minute: int | None, now: float) -> Bucket | None:
    if per_minute is None:
        return None
    if bucket is not None and bucket.per_minute == per_minute:
        return bucket
    return Bucket(per_minute, now)


def _require(bucket: Bucket, amount: int, now: float, told: str, what: str) -> None:
    seconds = bucket.seconds_until(amount, now)
    if seconds > 0:
        raise RateLimitError(
            f"{told} {bucket.per_minute} {what} per minute; wait {seconds:.1f} s",
            retry_after=seconds,
            limit=what,
        )
