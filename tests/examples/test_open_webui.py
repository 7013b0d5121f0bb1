"""Open WebUI itself, from its package, in front of the service: what a person sees in it.

Its environment takes 7 GB, so it is no part of CI: `STATEWISE_OPEN_WEBUI` names the folder of its
programs. `STATEWISE_PICTURES` names a folder to keep a picture in.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from tests.conftest import REPOSITORY
from tests.support.browser import browser
from tests.support.ports import free_port
from tests.support.server import LocalServer, local_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = os.environ.get("STATEWISE_OPEN_WEBUI", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAMS, reason="Open WebUI is 7 GB; STATEWISE_OPEN_WEBUI names it"),
]

RECORDED = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in RECORDED.items() if "Backtrack" in text)
START_S = 180.0
ERRANDS = 3
"""A title, tags and follow-up questions."""

__all__ = ["browser"]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(Script(RECORDED, delay_s=0.005))) as server:
        yield server


@pytest.fixture
def open_webui(server: LocalServer, tmp_path: Path) -> Iterator[str]:
    """Its address, once it answers."""
    port = free_port()
    errands = ("TITLE", "TAGS", "FOLLOW_UP")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [REPOSITORY / "examples" / "open_webui" / "serve.sh", server.url, str(port)],
            env={
                **os.environ,
                "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
                "DATA_DIR": str(tmp_path / "data"),
                **{f"ENABLE_{name}_GENERATION": "True" for name in errands},
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_S
        while True:
            assert process.poll() is None, (tmp_path / "log").read_text("utf-8")
            try:
                if httpx2.get(f"{url}/health", timeout=2).is_success:
                    break
            except httpx2.HTTPError:
                assert time.monotonic() < deadline, (tmp_path / "log").read_text("utf-8")
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def test_the_steps_are_its_thoughts(server: LocalServer, open_webui: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(open_webui)
    _ask(page, BACKTRACKING)
    page.get_by_text("The final answer is").wait_for()
    page.get_by_text("Thought for").click()
    page.get_by_text("✗ refuted: 48 / 2 = 26, but it is 24").wait_for()
    page.get_by_text("Backtrack").first.wait_for()
    if folder := os.environ.get("STATEWISE_PICTURES"):
        time.sleep(1)  # the thoughts unfold slowly
        page.screenshot(path=Path(folder) / "open-webui.png")
    _until_all_errands_are_answered(server)


def _ask(page: Page, question: str) -> None:
    box = page.locator("#chat-input")
    box.wait_for()
    page.get_by_text("scripted", exact=True).first.wait_for()
    page.keyboard.press("Escape")  # what is new in this version
    box.click()
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def _until_all_errands_are_answered(server: LocalServer) -> None:
    """Each with 200; anything else would be a line of its own."""
    wanted = f'route="/v1/chat/completions",status="200"}} {1 + ERRANDS}.0'
    for _ in range(100):
        metrics = httpx2.get(f"{server.url}/metrics").text
        counted = [
            line
            for line in metrics.splitlines()
            if line.startswith("statewise_http_requests_total") and "/v1/chat/completions" in line
        ]
        if len(counted) == 1 and counted[0].endswith(wanted):
            return
        time.sleep(0.2)
    raise AssertionError(counted)
