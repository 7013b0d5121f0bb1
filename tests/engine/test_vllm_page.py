"""The page over the real engine: a problem is asked in a browser, and its states come back."""

from __future__ import annotations

from pathlib import Path

import httpx2
from playwright.sync_api import Page, expect

from tests.page.conftest import browser, page  # noqa: F401
from tests.support.server_process import ServerProcess

QUESTION = "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"


def test_the_page_shows_what_the_engine_wrote(
    page: Page,  # noqa: F811
    server: ServerProcess,
    tmp_path: Path,
) -> None:
    page.goto(f"{server.url}/")
    expect(page.locator("#served")).to_have_text("starter")
    page.get_by_label("The problem, in plain words").fill(QUESTION)
    page.get_by_role("button", name="Solve", exact=True).click()
    expect(page.locator(".outcome:not([data-kind=live])")).to_be_visible(timeout=120_000)
    solution = httpx2.get(f"{server.url}/v1/solutions/{page.url.partition('#')[2]}").json()
    assert solution["strategy"] == "guided"
    assert len(solution["transitions"]) > 1
    expect(page.locator(".card")).to_have_count(len(solution["transitions"]))
    assert solution["answer"] is None or solution["answer"] in page.locator(".outcome").inner_text()
    picture = page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert len(picture) > 10_000
