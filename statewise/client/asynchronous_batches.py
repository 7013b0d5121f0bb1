"""Batches, as in `statewise.client.batches`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from statewise.client import calls
from statewise.client.batches import (
    ENDPOINT,
    LOOKED_THROUGH,
    NAME,
    Lines,
    Progress,
    Requests,
    files_of,
    lines,
    made_since,
    result,
    waits,
)
from statewise.client.errors import ServerError, UnreachableError
from statewise.client.objects import Batch, BatchResult, File

if TYPE_CHECKING:
    from statewise.client.asynchronous import AsyncClient


class AsyncBatches:
    """The batches of an asynchronous client's server: `client.batches`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def upload(self, source: Path | bytes) -> File:
        """Upload an input file, as it is."""
        return await self._client.send(
            calls.upload(source, source.name if isinstance(source, Path) else NAME)
        )

    async def create(
        self,
        requests: Requests | Path | File,
        *,
        endpoint: str = ENDPOINT,
        metadata: Mapping[str, str] | None = None,
    ) -> Batch:
        """Have requests answered: under their `custom_id`s, in a file, or in an uploaded one."""
        known: set[str] = set()
        if isinstance(requests, File):
            file = requests
            # It may have been answered before; a file that is uploaded now has not.
            page = await self._client.send(calls.batches(LOOKED_THROUGH))
            known = {batch.id for batch in page.data}
        elif isinstance(requests, Path):
            file = await self.upload(requests)
        else:
            file = await self.upload(lines(requests, endpoint))
        try:
            return await self._client.send(calls.create_batch(file.id, endpoint, metadata))
        except UnreachableError:
            page = await self._client.send(calls.batches(LOOKED_THROUGH))
            if (batch := made_since(known, page.data, file.id, endpoint)) is not None:
                return batch
            return await self._client.send(calls.create_batch(file.id, endpoint, metadata))

    async def get(self, batch_id: str) -> Batch:
        """A batch as it stands."""
        return await self._client.send(calls.get_batch(batch_id))

    async def list(self, *, limit: int = 20) -> list[Batch]:
        """The newest batches."""
        return (await self._client.send(calls.batches(limit))).data

    async def cancel(self, batch_id: str) -> Batch:
        """End a batch; what is answered is kept."""
        return await self._client.send(calls.cancel_batch(batch_id))

    async def wait(self, batch_id: str, progress: Progress = lambda _: None) -> Batch:
        """The batch at its end; `progress` is told how it stands meanwhile."""
        for seconds in waits():
            batch = await self.get(batch_id)
            progress(batch)
            if batch.over:
                return batch
            await asyncio.sleep(seconds)
        raise AssertionError("waits do not end")

    async def results(self, batch: Batch | str) -> AsyncGenerator[BatchResult]:
        """What became of each line: those that were answered, then the others."""
        found = batch if isinstance(batch, Batch) else await self.get(batch)
        for file_id in files_of(found):
            async for line in self._content(file_id):
                yield result(line)

    async def _content(self, file_id: str) -> AsyncGenerator[bytes]:
        """The lines of a file; after a cut it is read again, past what was given."""
        attempts = self._client.attempts()
        given = 0
        while True:
            try:
                async with self._client.opened(calls.content(file_id)) as response:
                    whole = Lines(past=given)
                    async for piece in response.aiter_bytes():
                        attempts.heard()
                        for line in whole.of(piece):
                            given += 1
                            yield line
                return
            except ServerError as error:
                await asyncio.sleep(attempts.wait_s(error))
