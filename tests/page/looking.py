"""What tests do with the page, in the words of who uses it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.support.server import LocalServer

PATIENCE_MS = 30_000
"""For what takes long on a busy machine."""


def ask(page: Page, server: LocalServer, question: str, strategy: str = "guided") -> None:
    """Open the page, if it is not open, and ask."""
    if not page.url.startswith(server.url):
        page.goto(f"{server.url}/")
    before = page.url
    page.get_by_label("The problem, in plain words").fill(question)
    page.get_by_role("radio", name=strategy).check()
    page.get_by_role("button", name="Solve", exact=True).click()
    page.wait_for_url(lambda url: url != before)


def ended(page: Page, kind: str) -> str:
    """Wait for the end; what the outcome says."""
    name = page.url.partition("#")[2]
    outcome = page.locator(f'[data-id="{name}"]').get_by_role("region", name="Outcome")
    expect(outcome).to_have_attribute("data-kind", kind, timeout=PATIENCE_MS)
    return outcome.inner_text()


def cards(page: Page) -> list[str]:
    """The heads of all states, in their order."""
    return [text.replace("\n", " ") for text in page.locator(".card .head").all_inner_texts()]


def overflow(page: Page) -> Any:
    """What sticks out of the window at the side; nothing should."""
    return page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          const scrolls = (e) =>
            e && (getComputedStyle(e).overflowX === "auto" || scrolls(e.parentElement));
          const sticksOut = (e) =>
            e.getBoundingClientRect().right > width + 1 &&
            !scrolls(e.parentElement) &&
            e.checkVisibility();
          const out = [...document.querySelectorAll("body *")].filter(sticksOut);
          return {
            wide: document.documentElement.scrollWidth - width,
            out: out.map((e) => e.getAttribute("class") || e.tagName),
          };
        }"""
    )
