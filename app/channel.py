"""The channel between a run and those who read its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from app import sse


class Channel:
    """Frames in the order they were sent. One writer, one reader at a time."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._news = asyncio.Event()
        self._closed = False

    def send(self, frame: bytes) -> None:
        """Append a frame; never waits. What a run can send is bounded by its token limit."""
        self._frames.append(frame)
        self._news.set()

    def close(self) -> None:
        """Nothing more will be sent."""
        self._closed = True
        self._news.set()

    async def read(self, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
        """Everything sent, all that is there joined into one piece; comments in long silences."""
        while True:
            if self._frames:
                frames, self._frames = self._frames, []
                yield b"".join(frames)
            elif self._closed:
                return
            else:
                self._news.clear()
                if not await self._heard(heartbeat_s):
                    yield sse.HEARTBEAT

    async def _heard(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True
