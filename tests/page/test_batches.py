"""The batch tab: a file is uploaded, followed, downloaded; a wrong one is told line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect

from app.engines.scripted import ScriptedEngine
from tests.support import recordings
from tests.support.batching import line
from tests.support.server import LocalServer, local_server


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(recordings.script(delay_s=0.01))) as server:
        yield server


def upload(page: Page, server: LocalServer, content: str) -> None:
    page.goto(f"{server.url}/")
    page.get_by_role("link", name="Batches").click()
    file = {"name": "in.jsonl", "mimeType": "application/jsonl", "buffer": content.encode()}
    page.get_by_label("JSON lines, one request each").set_input_files([file])  # type: ignore[list-item]
    page.get_by_role("button", name="Begin the batch").click()


def test_a_batch_is_answered_and_downloaded(
    page: Page, server: LocalServer, tmp_path: Path
) -> None:
    good = [line(str(n), {"question": recordings.PENS}) for n in range(3)]
    upload(page, server, "\n".join([*good, line("none", {"question": "x", "max_tokens": 9})]))
    expect(page.get_by_role("heading", level=1)).to_have_text("4 lines, completed")
    expect(page.locator(".counts")).to_have_text("4 answered, 0 failed, 0 to go")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the answers").click()
    saved = tmp_path / "answers.jsonl"
    download.value.save_as(saved)
    found = [json.loads(row) for row in saved.read_text("utf-8").splitlines()]
    assert [row["custom_id"] for row in found] == ["0", "1", "2", "none"]
    assert found[0]["response"]["body"]["answer"] == "7"
    expect(page.locator(".batch-list a[aria-current]")).to_contain_text("4 lines, completed")


def test_a_wrong_file_is_told_line_by_line(page: Page, server: LocalServer) -> None:
    upload(page, server, f"{line('1')}\nnot json\n{line('1', {'question': ''})}\n")
    expect(page.get_by_role("heading", level=1)).to_contain_text("failed")
    rows = page.locator(".errors tbody tr")
    expect(rows.first).to_be_visible()
    assert rows.locator("th").all_inner_texts()[0] == "2"


def test_a_file_that_is_no_file_is_refused(page: Page, server: LocalServer) -> None:
    upload(page, server, "")
    expect(page.locator(".upload .problem")).to_contain_text("it is empty")


def test_a_batch_is_cancelled(page: Page, server: LocalServer) -> None:
    lines = [line(str(n), {"question": recordings.LONG}) for n in range(200)]
    upload(page, server, "\n".join(lines))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("200 lines, cancelled")
    expect(page.get_by_role("button", name="Download the errors")).to_be_visible()
    batch = httpx2.get(f"{server.url}/v1/batches/{page.url.partition('#')[2]}").json()
    assert batch["status"] == "cancelled"


def test_the_sample_is_a_batch(page: Page, server: LocalServer, tmp_path: Path) -> None:
    page.goto(f"{server.url}/#batches")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download a sample file").click()
    saved = tmp_path / "sample.jsonl"
    download.value.save_as(saved)
    upload(page, server, saved.read_text("utf-8"))
    expect(page.get_by_role("heading", level=1)).to_have_text("2 lines, completed")
