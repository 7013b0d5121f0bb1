"""The process reward model: another vLLM server that says how good the newest step is.

    POST URL/pooling  {"messages": [system, question, "step one<extra_0>step two<extra_0>"]}
    → {"data": [{"data": [[0.01, 0.99], [0.7, 0.3]]}]}     one row for each step's tag

The last number of the last row is the score: the probability that the step is right.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from typing import Any, Final

import httpx2
import orjson

from app.errors import RewardError
from app.settings import Settings

CONCURRENT: Final = 32
"""Scores asked for at a time, by all solutions."""
MAX_ANSWER: Final = 1_000_000
"""Bytes of an answer: a row for each step is a small part of it."""
SYSTEM: Final = "Please reason step by step, and put your final answer within \\boxed{}."
"""What the public reward models for mathematics were trained with."""
_CONTROL: Final = re.compile(r"<(?=[|\w/])")


class Rewards:
    """A client for scores."""

    def __init__(self, settings: Settings) -> None:
        """`settings` must have a `reward_url`."""
        key = settings.reward_key
        headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        self._http = httpx2.AsyncClient(
            base_url=(settings.reward_url or "").rstrip("/").removesuffix("/v1"),
            headers=headers,
            timeout=settings.reward_timeout_s,
            limits=httpx2.Limits(max_connections=CONCURRENT),
        )
        self._places = asyncio.Semaphore(CONCURRENT)
        self._timeout_s = settings.reward_timeout_s
        self._model = {"model": settings.reward_model} if settings.reward_model else {}
        self._tag = settings.reward_tag

    async def score(self, question: str, steps: Sequence[str]) -> float:
        """How good the last of `steps` is, from 0 to 1. Raises `RewardError`."""
        written = "".join(f"{self._data(step)}{self._tag}" for step in steps)
        messages = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": self._data(question)},
            {"role": "assistant", "content": written},
        ]
        body = orjson.dumps({**self._model, "messages": messages})
        async with self._places:
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._ask(body)
            except (httpx2.HTTPError, TimeoutError) as error:
                raise RewardError(f"the reward model does not answer: {error!r}") from error
        return _last(answer)

    async def close(self) -> None:
        """Ends its connections."""
        await self._http.aclose()

    async def _ask(self, body: bytes) -> bytes:
        headers = {"content-type": "application/json"}
        answer = bytearray()
        async with self._http.stream("POST", "/pooling", content=body, headers=headers) as response:
            async for piece in response.aiter_bytes():
                answer += piece
                if len(answer) > MAX_ANSWER:
                    raise RewardError("the reward model's answer is too long; is it one for steps?")
        if response.status_code != httpx2.codes.OK:
            said = answer[:200].decode(errors="replace")
            raise RewardError(f"the reward model refused with {response.status_code}: {said}")
        return bytes(answer)

    def _data(self, text: str) -> str:
        """`text` without what the reward model would take for a step's end or a control token."""
        return _CONTROL.sub("< ", text.replace(self._tag, ""))


def _last(answer: bytes) -> float:
    """The last number of the last row. Raises `RewardError`."""
    try:
        rows: Any = orjson.loads(answer)["data"][0]["data"]
        row = rows[-1]
        score = row[-1] if isinstance(row, list) else row
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise RewardError(f"the reward model's answer holds no score: {error!r}") from error
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise RewardError(f"the reward model's score is no number: {str(score)[:80]}")
    return float(score)
