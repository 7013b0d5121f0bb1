"""For everybody: axe's rules, the keyboard, a narrow window, dark and light."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import REPOSITORY, skip
from tests.page.looking import ask, ended, overflow
from tests.support import recordings
from tests.support.server import LocalServer

AXE = REPOSITORY / "tests" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
LIGHT = [(recordings.CLIPS, "guided", "good"), (recordings.CARDS, "vote", "good")]
DARK = [(recordings.WRONG, "single", "doubt"), (recordings.CARDS, "beam", "good")]
LONG = [(recordings.BAKER, "single", "good"), (recordings.HOSTILE, "single", "doubt")]


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        skip("axe-core is not installed; run `npm ci --prefix tests/clients`")
    return AXE.read_text("utf-8")


def complaints(page: Page, axe: str, rules: list[str] | None = None) -> list[Any]:
    # The page's own policy forbids to add a script: this one comes from the debugger.
    page.evaluate(f"(() => {{ {axe} }})()")
    found = page.evaluate(
        "runOnly => axe.run({resultTypes: ['violations'], ...(runOnly && {runOnly})})", rules
    )
    return [
        (one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found["violations"]
    ]


def test_axe_finds_nothing(page: Page, server: LocalServer, axe: str) -> None:
    page.goto(f"{server.url}/#batches")
    expect(page.locator(".upload")).to_be_visible()
    assert complaints(page, axe) == []
    page.get_by_role("link", name="Solve").click()
    for question, strategy, kind in LIGHT:
        ask(page, server, question, strategy)
        ended(page, kind)
        page.locator(".map summary").click()
        assert complaints(page, axe) == [], strategy


def test_the_dark_has_contrast(page: Page, server: LocalServer, axe: str) -> None:
    page.emulate_media(color_scheme="dark")
    for question, strategy, kind in DARK:
        ask(page, server, question, strategy)
        ended(page, kind)
        assert complaints(page, axe, ["color-contrast"]) == [], strategy


def test_a_phone_scrolls_in_one_direction(page: Page, server: LocalServer) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for question, strategy, kind in LIGHT + DARK + LONG:
        ask(page, server, question, strategy)
        ended(page, kind)
        assert overflow(page) == {"wide": 0, "out": []}


def test_the_keyboard_is_enough(page: Page, server: LocalServer) -> None:
    page.goto(f"{server.url}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_label("The problem, in plain words").focus()
    page.keyboard.insert_text(recordings.CLIPS)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/#sol_*")
    ended(page, "good")
    fork = page.get_by_role("button", name="Edit State 1 and go on from it")
    fork.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What State 1 is to say")).to_be_focused()
    page.keyboard.press("Escape")
    expect(fork).to_be_focused()


def test_dark_and_light_are_remembered(page: Page, server: LocalServer) -> None:
    def paper() -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    page.emulate_media(color_scheme="light")
    page.goto(f"{server.url}/")
    light = paper()
    page.get_by_role("button", name="Dark").click()
    assert paper() != light
    page.reload()
    assert paper() != light
    page.get_by_role("button", name="Light").click()
    assert paper() == light
