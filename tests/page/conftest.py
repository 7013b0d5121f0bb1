"""A headless Chromium that looks at the page, and reports whatever goes wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from app.engines.scripted import ScriptedEngine
from tests.page.looking import PATIENCE_MS
from tests.support import recordings
from tests.support.browser import browser
from tests.support.server import LocalServer, local_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]

LISTEN = """
    window.violations = [];
    addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="package")
def server() -> Iterator[LocalServer]:
    """A server that answers at once."""
    with local_server(ScriptedEngine(recordings.script())) as server:
        yield server


@pytest.fixture(scope="package")
def slow() -> Iterator[LocalServer]:
    """A server whose long solution takes some tens of seconds."""
    with local_server(ScriptedEngine(recordings.script(delay_s=0.02))) as server:
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab. Afterwards nothing may have failed in it, nor have been asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(LISTEN)
    page = context.new_page()
    wrong: list[str] = []
    hosts: set[str] = set()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    yield page
    violations = page.evaluate("window.violations")
    context.close()
    assert violations == []
    # The browser itself tells of every answer that is an error.
    assert [one for one in wrong if "Failed to load resource" not in one] == []
    assert len(hosts - {""}) <= 1
