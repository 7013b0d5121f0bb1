"""The batch tab: a file is uploaded, followed, downloaded; a wrong one is told line by line."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
from playwright.sync_api import Page, expect

from tests.support import recordings
from tests.support.batching import line
from tests.support.server import LocalServer


def upload(page: Page, server: LocalServer, content: str) -> None:
    page.goto(f"{server.url}/")
    page.get_by_role("link", name="Batches").click()
    file = {"name": "in.jsonl", "mimeType": "application/jsonl", "buffer": content.encode()}
    page.get_by_label("JSON lines, one request each").set_input_files([file])  # type: ignore[list-item]
    page.get_by_role("button", name="Begin the batch").click()


def test_the_sample_is_answered_and_downloaded(
    page: Page, slow: LocalServer, tmp_path: Path
) -> None:
    def downloaded(button: str) -> str:
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        saved = tmp_path / "saved.jsonl"
        download.value.save_as(saved)
        return saved.read_text("utf-8")

    page.goto(f"{slow.url}/#batches")
    upload(page, slow, downloaded("Download a sample file"))
    expect(page.get_by_role("heading", level=1)).to_have_text("2 lines, completed")
    expect(page.locator(".counts")).to_have_text("2 answered, 0 failed, 0 to go")
    found = [json.loads(row) for row in downloaded("Download the answers").splitlines()]
    assert [row["custom_id"] for row in found] == ["1", "2"]
    assert found[0]["response"]["body"]["answer"] == "7"
    expect(page.locator(".batch-list a[aria-current]")).to_contain_text("2 lines, completed")


def test_a_wrong_file_is_told_line_by_line(page: Page, slow: LocalServer) -> None:
    upload(page, slow, "")
    expect(page.locator(".upload .problem")).to_contain_text("it is empty")
    upload(page, slow, f"{line('1')}\nnot json\n{line('1', {'question': ''})}\n")
    expect(page.get_by_role("heading", level=1)).to_contain_text("failed")
    rows = page.locator(".errors tbody tr")
    expect(rows.first).to_be_visible()
    assert rows.locator("th").all_inner_texts()[0] == "2"


def test_a_batch_is_cancelled(page: Page, slow: LocalServer) -> None:
    lines = [line(str(n), {"question": recordings.LONG}) for n in range(40)]
    upload(page, slow, "\n".join(lines))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("40 lines, cancelled")
    expect(page.get_by_role("button", name="Download the errors")).to_be_visible()
    batch = httpx2.get(f"{slow.url}/v1/batches/{page.url.partition('#')[2]}").json()
    assert batch["status"] == "cancelled"
