"""Responses that are streams of frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from app.web import sse

Frames = AsyncGenerator[bytes, None]


class FrameResponse(Response):
    """Sends what `frames` yields until it ends or the client goes away.

    `left` is called however it ends: a generator's own `finally` would not do, since a client that
    leaves before the first piece leaves the generator unstarted.
    """

    def __init__(
        self,
        frames: Frames,
        left: Callable[[], None] = lambda: None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers={**sse.HEADERS, **(headers or {})}, media_type=sse.MEDIA_TYPE)
        del self.headers["content-length"]
        self._frames = frames
        self._left = left

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        sending = asyncio.create_task(self._send(send))
        watch = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, watch}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                with suppress(OSError):  # the client went away while it was being written to
                    sending.result()
        finally:
            watch.cancel()
            sending.cancel()
            self._left()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        async with aclosing(self._frames) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
