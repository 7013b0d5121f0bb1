"""Batches in tests: input files, and what must hold of the files that come back."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from openai import OpenAI
from openai.types import Batch

URL = "/v1/solutions"
OVER = {"completed", "failed", "expired", "cancelled"}


def line(custom_id: str, body: dict[str, Any] | None = None, url: str = URL) -> str:
    """A line of an input file."""
    body = {"question": "What is 12 * 7?"} if body is None else body
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body})


def upload(client: OpenAI, lines: Sequence[str]) -> str:
    """An input file; its id."""
    content = "".join(f"{one}\n" for one in lines).encode()
    return client.files.create(file=("in.jsonl", content), purpose="batch").id


def begin(client: OpenAI, lines: Sequence[str], url: str = URL) -> Batch:
    """A new batch of `lines`."""
    file_id = upload(client, lines)
    endpoint: Any = url
    return client.batches.create(input_file_id=file_id, endpoint=endpoint, completion_window="24h")


def ended(client: OpenAI, batch_id: str, patience_s: float = 90.0) -> Batch:
    """The batch, once it is over."""
    deadline = time.monotonic() + patience_s
    while (batch := client.batches.retrieve(batch_id)).status not in OVER:
        assert time.monotonic() < deadline, batch
        time.sleep(0.1)
    return batch


def lines_of(client: OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    """The lines of an output or error file; none if there is no file."""
    if file_id is None:
        return []
    return [json.loads(one) for one in client.files.content(file_id).text.splitlines()]


def check_once(client: OpenAI, batch: Batch, custom_ids: Sequence[str]) -> None:
    """Every line is answered in exactly one place, in the order of the input."""
    good, bad = lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)
    told = [[one["custom_id"] for one in lines] for lines in (good, bad)]
    assert sorted(told[0] + told[1]) == sorted(custom_ids)
    for ids in told:
        assert ids == [one for one in custom_ids if one in set(ids)]
    assert batch.request_counts is not None
    counts = batch.request_counts
    assert (counts.completed, counts.failed) == (len(good), len(bad))
    assert counts.total == len(custom_ids)
    assert len({one["id"] for one in good + bad}) == len(custom_ids)
