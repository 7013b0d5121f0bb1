"""Batches: files of requests, uploaded, answered, and their results read line by line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, TypeAdapter

from statespace.solutions import SolutionRequest
from statewise.client import calls
from statewise.client.errors import ServerError, UnreachableError
from statewise.client.objects import Batch, BatchResult, File

if TYPE_CHECKING:
    from statewise.client.sync import Client

ENDPOINT: Final = "/v1/solutions"
NAME: Final = "batch.jsonl"
FIRST_S: Final = 0.2
LONGEST_S: Final = 5.0
LOOKED_THROUGH: Final = 20
"""Batches among which one is looked for that may have been made."""
_RESULT: Final = TypeAdapter(BatchResult)

Requests = Mapping[str, str | SolutionRequest | Mapping[str, Any]]
"""What is asked under each `custom_id`: a question, a request, or the body of one."""
Progress = Callable[[Batch], None]


def lines(requests: Requests, endpoint: str = ENDPOINT) -> bytes:
    """The input file of a batch."""
    return b"".join(_line(custom_id, asked, endpoint) for custom_id, asked in requests.items())


class Lines:
    """Cuts pieces of a file into lines, of which the first `past` are left out."""

    def __init__(self, past: int) -> None:
        self._past = past
        self._rest = b""

    def of(self, piece: bytes) -> Iterator[bytes]:
        """The lines that end in `piece`. Nothing but a newline ends one."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            if self._past > 0:
                self._past -= 1
            else:
                yield line


def result(line: bytes) -> BatchResult:
    """A line of an output or error file."""
    return _RESULT.validate_json(line)


def waits() -> Iterator[float]:
    """Seconds between looks at a batch: few at first, a batch of some lines is over at once."""
    seconds = FIRST_S
    while True:
        yield seconds
        seconds = min(LONGEST_S, seconds * 1.5)


def made_since(
    known: Collection[str], found: Iterable[Batch], file_id: str, endpoint: str
) -> Batch | None:
    """The batch that an unanswered request may have made: none of those that were there before."""
    for batch in found:
        if (batch.input_file_id, batch.endpoint) == (file_id, endpoint) and batch.id not in known:
            return batch
    return None


def files_of(batch: Batch) -> list[str]:
    """Ids of its files of results."""
    return [name for name in (batch.output_file_id, batch.error_file_id) if name is not None]


class Batches:
    """The batches of a client's server: `client.batches`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def upload(self, source: Path | bytes) -> File:
        """Upload an input file, as it is."""
        return self._client.send(
            calls.upload(source, source.name if isinstance(source, Path) else NAME)
        )

    def create(
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
            page = self._client.send(calls.batches(LOOKED_THROUGH))
            known = {batch.id for batch in page.data}
        elif isinstance(requests, Path):
            file = self.upload(requests)
        else:
            file = self.upload(lines(requests, endpoint))
        try:
            return self._client.send(calls.create_batch(file.id, endpoint, metadata))
        except UnreachableError:
            page = self._client.send(calls.batches(LOOKED_THROUGH))
            if (batch := made_since(known, page.data, file.id, endpoint)) is not None:
                return batch
            return self._client.send(calls.create_batch(file.id, endpoint, metadata))

    def get(self, batch_id: str) -> Batch:
        """A batch as it stands."""
        return self._client.send(calls.get_batch(batch_id))

    def list(self, *, limit: int = 20) -> list[Batch]:
        """The newest batches."""
        return self._client.send(calls.batches(limit)).data

    def cancel(self, batch_id: str) -> Batch:
        """End a batch; what is answered is kept."""
        return self._client.send(calls.cancel_batch(batch_id))

    def wait(self, batch_id: str, progress: Progress = lambda _: None) -> Batch:
        """The batch at its end; `progress` is told how it stands meanwhile."""
        for seconds in waits():
            batch = self.get(batch_id)
            progress(batch)
            if batch.over:
                return batch
            time.sleep(seconds)
        raise AssertionError("waits do not end")

    def results(self, batch: Batch | str) -> Iterator[BatchResult]:
        """What became of each line: those that were answered, then the others."""
        found = batch if isinstance(batch, Batch) else self.get(batch)
        for file_id in files_of(found):
            for line in self._content(file_id):
                yield result(line)

    def _content(self, file_id: str) -> Iterator[bytes]:
        """The lines of a file; after a cut it is read again, past what was given."""
        attempts = self._client.attempts()
        given = 0
        while True:
            try:
                with self._client.opened(calls.content(file_id)) as response:
                    whole = Lines(past=given)
                    for piece in response.iter_bytes():
                        attempts.heard()
                        for line in whole.of(piece):
                            given += 1
                            yield line
                return
            except ServerError as error:
                time.sleep(attempts.wait_s(error))


def _line(custom_id: str, asked: str | BaseModel | Mapping[str, Any], endpoint: str) -> bytes:
    if isinstance(asked, str):
        asked = SolutionRequest(question=asked)
    if isinstance(asked, BaseModel):
        asked = asked.model_dump(mode="json", exclude_unset=True)
    line = {"custom_id": custom_id, "method": "POST", "url": endpoint, "body": dict(asked)}
    return json.dumps(line).encode() + b"\n"
