"""Work on behalf of a client that may go away: then it is not wanted any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.responses import Response

CLIENT_GONE: Final = 499

Result = TypeVar("Result")


class ClientGone(Exception):  # noqa: N818
    """The client has gone away; nobody will read an answer."""


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns; it is cancelled if the client goes away. Raises `ClientGone` then.

    The framework does not notice: it looks for nothing while a handler runs.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def answer_to_nobody(*_: Any) -> Response:
    """The answer that nobody reads."""
    return Response(status_code=CLIENT_GONE)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
