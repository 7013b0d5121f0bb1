"""The channel between a run and those who read its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from app.solving.sinks import ChannelStream
from app.web import sse


class Channel:
    """Frames in the order they were sent. One writer, one reader at a time."""

    def __init__(self, heartbeat: bytes = sse.HEARTBEAT) -> None:
        self._heartbeat = heartbeat
        self._frames: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def ended(self) -> bool:
        """Whether everything was read and nothing more will come."""
        return self._closed and not self._frames

    def send(self, frame: bytes) -> None:
        """Append a frame; never waits. What a run can send is bounded by its token limit."""
        self._frames.append(frame)
        self._wake()

    def stream(self, solution_id: str) -> ChannelStream:
        """What takes a solution's native frames and sends them here."""
        return ChannelStream(solution_id, self.send, self.close)

    def close(self) -> None:
        """Nothing more will be sent."""
        self._closed = True
        self._wake()

    async def read(self, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
        """Everything sent, all that is there joined into one piece; comments in long silences."""
        loop = asyncio.get_running_loop()
        heart = _Heart(self, loop, heartbeat_s)
        try:
            while True:
                if self._frames:
                    frames, self._frames = self._frames, []
                    heart.still()
                    yield frames[0] if len(frames) == 1 else b"".join(frames)
                elif self._closed:
                    return
                else:
                    self._waiter = loop.create_future()
                    await self._waiter
        finally:
            self._waiter = None
            heart.stop()

    def beat(self) -> None:
        """A comment, unless something already waits to be read."""
        if not self._frames:
            self.send(self._heartbeat)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Heart:
    """Sends a comment into a channel after each silence.

    One timer for a whole stream, set anew only when it fires: a timer for each wait would cost as
    much as the wait.
    """

    def __init__(
        self, channel: Channel, loop: asyncio.AbstractEventLoop, heartbeat_s: float
    ) -> None:
        self._channel = channel
        self._loop = loop
        self._heartbeat_s = heartbeat_s
        self._still_since = loop.time()
        self._timer = loop.call_later(heartbeat_s, self._beat)

    def still(self) -> None:
        """Something was sent: the silence begins now."""
        self._still_since = self._loop.time()

    def stop(self) -> None:
        """No more beats."""
        self._timer.cancel()

    def _beat(self) -> None:
        left = self._still_since + self._heartbeat_s - self._loop.time()
        if left <= 0:
            self._channel.beat()
            left = self._heartbeat_s
        self._timer = self._loop.call_later(left, self._beat)
