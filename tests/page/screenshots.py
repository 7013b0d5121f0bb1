"""Takes the pictures of the page in docs/images: `python -m tests.page.screenshots [NAME …]`.

They show the scripted engine, so they are the same each time, but for the fonts of the machine:
on Debian `fonts-inter` and `fonts-sil-charis` look like what most readers have.
"""

from __future__ import annotations

import io
import logging
import shutil
import sys
from collections.abc import Callable
from typing import Final

import structlog
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.engines.scripted import ScriptedEngine
from tests.conftest import REPOSITORY
from tests.page.looking import ask, ended
from tests.support import recordings
from tests.support.browser import OPTIONS, PROGRAMS
from tests.support.server import LocalServer, local_server

IMAGES: Final = REPOSITORY / "docs" / "images"
MOST_BYTES: Final = 150_000
COLOURS: Final = 192
PHONE: Final = (360, 740)


def solve(page: Page, server: LocalServer) -> None:
    """A problem that goes wrong and is put right."""
    ask(page, server, recordings.CLIPS)
    ended(page, "good")


def dark(page: Page, server: LocalServer) -> None:
    """An answer that is not to be believed, in the dark."""
    ask(page, server, recordings.WRONG, "single")
    ended(page, "doubt")


def vote(page: Page, server: LocalServer) -> None:
    """Several paths and their vote."""
    ask(page, server, recordings.CARDS, "vote")
    ended(page, "good")


def phone(page: Page, server: LocalServer) -> None:
    """The first, on a phone."""
    solve(page, server)


PICTURES: Final[dict[str, tuple[Callable[[Page, LocalServer], None], tuple[int, int], str]]] = {
    "solve": (solve, (1240, 1130), "light"),
    "vote": (vote, (1240, 1260), "light"),
    "dark": (dark, (1240, 740), "dark"),
    "phone": (phone, PHONE, "light"),
}


def take(browser: Browser, name: str) -> None:
    """One picture, from a server of its own: its list of solutions holds nothing else."""
    show, (width, height), scheme = PICTURES[name]
    with local_server(ScriptedEngine(recordings.script())) as server:
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        show(page, server)
        expect(page.locator(".history a")).to_have_count(1)
        page.wait_for_timeout(300)
        drawn = page.screenshot()
        page.close()
    picture = Image.open(io.BytesIO(drawn)).convert("RGB").quantize(COLOURS)
    file = IMAGES / f"page-{name}.png"
    picture.save(file, optimize=True)
    size = file.stat().st_size
    print(f"{file.relative_to(REPOSITORY)}: {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{file.name} is over {MOST_BYTES:,} bytes")


def main(names: list[str]) -> None:
    """All pictures, or those that are named."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise SystemExit("Chromium is not installed; `apt-get install chromium` or the like")
    IMAGES.mkdir(exist_ok=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        for name in names or PICTURES:
            take(browser, name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
