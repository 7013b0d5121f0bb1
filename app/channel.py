"""The channel between a run and those who read its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from app import sse


class Channel:
    """Frames in the order they were sent. One writer, one reader at a time."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def send(self, frame: bytes) -> None:
        """Append a frame; never waits. What a run can send is bounded by its token limit."""
        self._frames.append(frame)
        self._wake()

    def close(self) -> None:
        """Nothing more will be sent."""
        self._closed = True
        self._wake()

    async def read(self, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
        """Everything sent, all that is there joined into one piece; comments in long silences."""
        while True:
            if self._frames:
                frames, self._frames = self._frames, []
                yield b"".join(frames)
            elif self._closed:
                return
            elif not await self._heard(heartbeat_s):
                yield sse.HEARTBEAT

    async def _heard(self, seconds: float) -> bool:
        """Wait for news; false after a silence. A bare future and timer: this runs per event."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        return bool(self._frames) or self._closed

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
