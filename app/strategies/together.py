"""Several generators at a time, told as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def together(sources: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    """What `sources` yield, as it comes.

    The first error of one ends all and is raised; closing it closes them all.
    """
    ready: asyncio.Queue[T | asyncio.Task[None]] = asyncio.Queue()

    async def pump(source: AsyncGenerator[T, None]) -> None:
        async with aclosing(source):
            async for item in source:
                ready.put_nowait(item)

    tasks = [asyncio.create_task(pump(source)) for source in sources]
    for task in tasks:
        task.add_done_callback(ready.put_nowait)
    running = len(tasks)
    try:
        while running:
            item = await ready.get()
            if isinstance(item, asyncio.Task):
                item.result()
                running -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
